import type { ApiKeyStore } from '../../server/core/ports.js';
import { createApiKeyStore } from '../stores/api-key-store.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link ApiKeyStore} on SQLite. */
export function createSqliteApiKeyStore(database: SqliteDatabase): ApiKeyStore {
  return createApiKeyStore(createSqliteEngine(database));
}
