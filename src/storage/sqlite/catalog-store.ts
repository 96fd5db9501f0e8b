import type { CatalogStore } from '../../catalog/domain/ports.js';
import { createCatalogStore } from '../stores/catalog-store.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link CatalogStore} on SQLite. */
export function createSqliteCatalogStore(database: SqliteDatabase): CatalogStore {
  return createCatalogStore(createSqliteEngine(database));
}
