import { systemClock } from '../../shared/clock.js';
import type { JsonObject } from '../../shared/json.js';
import { type Logger, silentLogger } from '../../shared/logger.js';
import { type BusMessage, type MessageBus, createLocalBus } from './message-bus.js';

/** Something a connected client may want to hear about. */
export type Change =
  | { readonly kind: 'tools' }
  | { readonly kind: 'prompts' }
  | { readonly kind: 'resources' }
  | { readonly kind: 'resource'; readonly uris: readonly string[] };

/** Announces changes; who is told, and how, is each transport's and era's own affair. */
export interface ChangeNotifier {
  toolsChanged(): void;
  promptsChanged(): void;
  resourcesChanged(): void;
  /** The content behind this URI changed; only those who subscribed to it are told. */
  resourceUpdated(uri: string): void;
  /** The same for many: some hundreds at a time. */
  resourcesUpdated(uris: readonly string[]): void;
}

export interface NumberedChange {
  /** Grows from change to change. */
  readonly no: number;
  readonly change: Change;
}

export interface Changes extends ChangeNotifier {
  /** No change up to this number is told to subscribers from now on. */
  readonly position: number;
  /** @returns a function that ends the subscription */
  subscribe(listener: (change: Change, no: number) => void): () => void;
  /** What came after change `no`, oldest first; undefined when that is no longer known, or too much. */
  after(no: number): Promise<readonly NumberedChange[] | undefined>;
  /** Settled when what was announced until now is on its way to every process. */
  settled(): Promise<void>;
}

const TOPIC = 'change';
const MAX_CHANGES = 1000;

/**
 * Changes of one installation. Give the same ones to several transports to reach the clients of all.
 *
 * @param bus - of the storage, to reach the clients of every process. Default: those of this process
 */
export function createChanges(bus?: MessageBus, logger: Logger = silentLogger): Changes {
  // Numbers are the event ids of clients that outlive this process.
  const messages = bus ?? createLocalBus(systemClock.nowMs() * 1000);
  const running = new Set<Promise<void>>();
  const publish = (change: Change): void => {
    const sent = messages
      .publish(TOPIC, change)
      .catch((error: unknown) => logger.error('a change was not announced', { change, error }))
      .finally(() => running.delete(sent));
    running.add(sent);
  };
  return {
    get position() {
      return messages.position;
    },
    toolsChanged: () => publish({ kind: 'tools' }),
    promptsChanged: () => publish({ kind: 'prompts' }),
    resourcesChanged: () => publish({ kind: 'resources' }),
    resourceUpdated: (uri) => publish({ kind: 'resource', uris: [uri] }),
    resourcesUpdated(uris) {
      if (uris.length > 0) publish({ kind: 'resource', uris });
    },
    subscribe: (listener) =>
      messages.subscribe((message) => {
        const change = message.topic === TOPIC ? parseChange(message.body) : undefined;
        if (change !== undefined) listener(change, message.no);
      }),
    async after(no) {
      const later = await messages.after(TOPIC, no, MAX_CHANGES);
      return later === undefined || later.length >= MAX_CHANGES
        ? undefined
        : later.flatMap(numbered);
    },
    async settled() {
      await Promise.all(running);
    },
  };
}

function numbered(message: BusMessage): NumberedChange[] {
  const change = parseChange(message.body);
  return change === undefined ? [] : [{ no: message.no, change }];
}

/** @returns undefined for a kind that a newer version sends */
function parseChange(body: JsonObject): Change | undefined {
  const { kind, uris } = body;
  if (kind === 'tools' || kind === 'prompts' || kind === 'resources') return { kind };
  return kind === 'resource' && Array.isArray(uris) ? { kind, uris: uris.map(String) } : undefined;
}
