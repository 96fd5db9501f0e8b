import type { EventLog } from '../../server/core/ports.js';
import { type EventLogOptions, createEventLog } from '../stores/event-log.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link EventLog} on SQLite. */
export function createSqliteEventLog(
  database: SqliteDatabase,
  options?: EventLogOptions,
): EventLog {
  return createEventLog(createSqliteEngine(database), options);
}
