import type { TaskStore } from '../../server/core/task-store.js';
import { createTaskStore } from '../stores/task-store.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link TaskStore} on SQLite. */
export function createSqliteTaskStore(database: SqliteDatabase): TaskStore {
  return createTaskStore(createSqliteEngine(database));
}
