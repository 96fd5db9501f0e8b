/** Storage for every port of the toolkit: one SQLite file, safe with many processes. */
export { type SqlValue, type SqliteDatabase, openSqlite } from './sqlite/database.js';
export { type Storage, StorageUnavailableError, openSqliteStorage } from './sqlite/open.js';
export { UnknownMigrationError } from './sqlite/migrate.js';
