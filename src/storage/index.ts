/** Storage for every port of the toolkit: one SQLite file, or PostgreSQL; both safe with many processes. */
export { type SqlValue, type SqliteDatabase, openSqlite } from './sqlite/database.js';
export { StorageUnavailableError, UnknownMigrationError } from './errors.js';
export {
  type PostgresOptions,
  type PostgresStorage,
  openPostgresStorage,
} from './postgres/open.js';
export { openSqliteStorage } from './sqlite/open.js';
export type { Storage, Stores } from './storage.js';
