import { hashId } from '../../shared/ids.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { MessageBus } from '../core/message-bus.js';

/** What happens to a session in one process and concerns another. */
export interface SessionRelay {
  /** An answer is stored that this process waits for. */
  answered(processId: string): Promise<void>;
  /** The client has said something about a call that runs elsewhere. */
  notified(sessionId: string, notification: JsonObject): Promise<void>;
  /** The session is gone. Not waited for: whoever goes on with it is told by the store. */
  ended(sessionId: string): void;
  /** Its client waits for news on this stream, and on none that was opened before. Not waited for. */
  listening(sessionId: string, streamNo: number): void;
  close(): void;
}

export interface SessionRelayOptions {
  readonly bus: MessageBus;
  readonly processId: string;
  readonly logger: Logger;
  /** Sessions go by their hashes: an id opens one. */
  onAnswered(): void;
  onNotified(sessionHash: string, notification: JsonObject): void;
  onEnded(sessionHash: string): void;
  /** In the order in which the streams were opened, those of this process among them. */
  onListening(sessionHash: string, stream: { readonly isOurs: boolean; readonly no: number }): void;
}

const TOPIC = {
  answered: 'session-answered',
  notified: 'session-notified',
  ended: 'session-ended',
  listening: 'session-listening',
} as const;

export function createSessionRelay(options: SessionRelayOptions): SessionRelay {
  const { bus, processId, logger } = options;
  const unsubscribe = bus.subscribe(({ topic, body }) => {
    const { session, process, notification, stream } = body;
    if (topic === TOPIC.answered) {
      if (process === processId) options.onAnswered();
      return;
    }
    if (typeof session !== 'string') return;
    const isOurs = process === processId;
    if (topic === TOPIC.listening) options.onListening(session, { isOurs, no: Number(stream) });
    if (isOurs) return;
    if (topic === TOPIC.ended) options.onEnded(session);
    else if (topic === TOPIC.notified && isJsonObject(notification))
      options.onNotified(session, notification);
  });
  const tell = (topic: string, sessionId: string, more?: JsonObject): void => {
    bus
      .publish(topic, { session: hashId(sessionId), process: processId, ...more })
      .catch((error: unknown) => logger.error('another process was not told', { topic, error }));
  };
  return {
    answered: (waiting) => bus.publish(TOPIC.answered, { process: waiting }),
    notified: (sessionId, notification) =>
      bus.publish(TOPIC.notified, {
        session: hashId(sessionId),
        process: processId,
        notification,
      }),
    ended: (sessionId) => tell(TOPIC.ended, sessionId),
    listening: (sessionId, stream) => tell(TOPIC.listening, sessionId, { stream }),
    close: unsubscribe,
  };
}
