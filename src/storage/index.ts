/** Storage for every port of the toolkit: one SQLite file, safe with many processes. */
export { type SqlValue, type SqliteDatabase, openSqlite } from './sqlite/database.js';
export { StorageUnavailableError, UnknownMigrationError } from './errors.js';
export { openSqliteStorage } from './sqlite/open.js';
export type { Storage } from './storage.js';
