import type { MessageBus } from '../../server/core/message-bus.js';
import { createMessageBus } from '../stores/message-bus.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

// A look is one search in an index that is in memory: some microseconds.
const LOOK_EVERY_MS = 200;

/** {@link MessageBus} on SQLite, which tells nobody of anything: processes that share a file look for news. */
export function createSqliteMessageBus(database: SqliteDatabase): MessageBus {
  const newest = database.get<{ no: number | null }>(
    'SELECT max(message_no) AS no FROM bus_message',
  );
  return createMessageBus(createSqliteEngine(database), {
    position: newest?.no ?? 0,
    waker: {
      start(wake) {
        const timer = setInterval(wake, LOOK_EVERY_MS);
        timer.unref();
        return () => clearInterval(timer);
      },
    },
  });
}
