/** Storage for every port of the toolkit: one SQLite file, safe with many processes. */
export { type Storage, StorageUnavailableError, openSqliteStorage } from './sqlite/open.js';
export { UnknownMigrationError } from './sqlite/migrate.js';
