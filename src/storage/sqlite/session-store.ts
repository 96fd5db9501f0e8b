import type { SessionStore } from '../../server/core/ports.js';
import { createSessionStore } from '../stores/session-store.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link SessionStore} on SQLite. */
export function createSqliteSessionStore(database: SqliteDatabase): SessionStore {
  return createSessionStore(createSqliteEngine(database));
}
