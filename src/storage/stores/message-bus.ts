import type { BusMessage, MessageBus } from '../../server/core/message-bus.js';
import type { JsonObject } from '../../shared/json.js';
import { type SqlEngine, type SqlProgram, all, get, lock, notify, run } from '../sql.js';

/** Tells when there may be new messages. */
export interface BusWaker {
  /** @returns a function that ends it */
  start(wake: () => void): () => void;
}

export interface MessageBusOptions {
  readonly waker: BusWaker;
  /** Number of the newest message when the database was opened. */
  readonly position: number;
}

interface MessageRow {
  readonly message_no: number;
  readonly topic: string;
  readonly body: string;
}

const READ_LIMIT = 500;
const MAX_KEPT = 10_000;
// To tidy up at every message would be two statements for one.
const PRUNE_EVERY = 256;

/** Messages in a table; what wakes the readers is the engine's own. */
export function createMessageBus(engine: SqlEngine, options: MessageBusOptions): MessageBus {
  const listeners = new Set<(message: BusMessage) => void>();
  let { position } = options;
  let stopWaker: (() => void) | undefined;
  let reading: Promise<void> | undefined;
  let hasMore = false;

  const readOnce = async (): Promise<void> => {
    const rows = await engine.run(() =>
      all<MessageRow>(
        `SELECT message_no, topic, body FROM bus_message WHERE message_no > ?
         ORDER BY message_no LIMIT ${READ_LIMIT}`,
        position,
      ),
    );
    if (rows.length === READ_LIMIT) hasMore = true;
    for (const row of rows) {
      position = row.message_no;
      const message = toMessage(row);
      for (const listener of listeners) listener(message);
    }
  };
  const readAll = async (): Promise<void> => {
    try {
      while (hasMore) {
        hasMore = false;
        await readOnce();
      }
    } finally {
      reading = undefined;
    }
  };
  /** One reader at a time: that keeps the order. Who comes while it reads has it look once more. */
  const read = (): Promise<void> => {
    hasMore = true;
    reading ??= readAll();
    // A database that cannot be reached is met again at the next waking.
    return reading.catch(() => undefined);
  };

  return {
    get position() {
      return position;
    },
    async publish(topic, body) {
      await engine.write(() => insert(topic, body));
      await read();
    },
    subscribe(listener) {
      listeners.add(listener);
      stopWaker ??= options.waker.start(() => void read());
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stopWaker?.();
        stopWaker = undefined;
      };
    },
    async after(topic, no, limit) {
      const oldest = await engine.run(() =>
        get<{ no: number | null }>('SELECT min(message_no) AS no FROM bus_message'),
      );
      if (no < (oldest?.no ?? 0) - 1) return undefined;
      const rows = await engine.run(() =>
        all<MessageRow>(
          `SELECT message_no, topic, body FROM bus_message WHERE message_no > ? AND topic = ?
           ORDER BY message_no LIMIT ?`,
          no,
          topic,
          limit,
        ),
      );
      return rows.map(toMessage);
    },
  };
}

/** Under a lock, so that messages become visible in the order of their numbers: readers go on from the last they saw. */
function* insert(topic: string, body: JsonObject): SqlProgram<undefined> {
  yield* lock('message bus');
  const row = yield* get<{ message_no: number }>(
    'INSERT INTO bus_message (topic, body) VALUES (?, ?) RETURNING message_no',
    topic,
    JSON.stringify(body),
  );
  const no = row?.message_no ?? 0;
  yield* notify(no);
  if (no % PRUNE_EVERY === 0) {
    yield* run('DELETE FROM bus_message WHERE message_no <= ?', no - MAX_KEPT);
  }
  return undefined;
}

function toMessage(row: MessageRow): BusMessage {
  return {
    no: row.message_no,
    topic: row.topic,
    body: JSON.parse(row.body) as JsonObject,
  };
}
