import type { JsonObject } from '../../shared/json.js';

export interface BusMessage {
  /** Grows from message to message, whichever process sent them. */
  readonly no: number;
  readonly topic: string;
  readonly body: JsonObject;
}

/**
 * Short messages to every process of an installation, the sender's own included: each is told of all that are sent,
 * in the order of their numbers, none twice. A process that was cut off is told later.
 */
export interface MessageBus {
  /** Number of the newest message that this process has been told of. */
  readonly position: number;
  /** Settled when the message is kept. */
  publish(topic: string, body: JsonObject): Promise<void>;
  /** @returns a function that ends the subscription */
  subscribe(listener: (message: BusMessage) => void): () => void;
  /** @returns what came after message `no`, oldest first, at most `limit`; undefined when some of it is no longer kept */
  after(topic: string, no: number, limit: number): Promise<readonly BusMessage[] | undefined>;
}

const MAX_KEPT = 1000;

/**
 * A {@link MessageBus} of one process.
 *
 * @param firstNo - above every number that an earlier process of the same server gave out
 */
export function createLocalBus(firstNo: number): MessageBus {
  const listeners = new Set<(message: BusMessage) => void>();
  let kept: BusMessage[] = [];
  let position = firstNo;
  return {
    get position() {
      return position;
    },
    publish(topic, body) {
      position += 1;
      const message = { no: position, topic, body };
      kept.push(message);
      if (kept.length > 2 * MAX_KEPT) kept = kept.slice(-MAX_KEPT);
      for (const listener of listeners) listener(message);
      return Promise.resolve();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async after(topic, no, limit) {
      const oldest = kept[0]?.no ?? position + 1;
      if (no < oldest - 1) return undefined;
      return kept.filter((message) => message.no > no && message.topic === topic).slice(0, limit);
    },
  };
}
