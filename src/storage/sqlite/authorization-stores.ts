import type { AuthorizationStores } from '../../authorization/ports.js';
import { createAuthorizationStores } from '../stores/authorization-stores.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link AuthorizationStores} on SQLite. */
export function createSqliteAuthorizationStores(database: SqliteDatabase): AuthorizationStores {
  return createAuthorizationStores(createSqliteEngine(database));
}
