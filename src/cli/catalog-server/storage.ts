import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type SqliteDatabase, openSqlite } from '../../storage/sqlite/database.js';
import { migrate } from '../../storage/sqlite/migrate.js';
import { type ServerConfig, ConfigurationError } from './config.js';

/** Opens the configured database, creating folder, file and tables where they are missing. */
export function openDatabase(config: Pick<ServerConfig, 'databasePath'>): SqliteDatabase {
  try {
    mkdirSync(dirname(config.databasePath), { recursive: true, mode: 0o700 });
    const database = openSqlite(config.databasePath);
    migrate(database);
    return database;
  } catch (error) {
    if (!isFileProblem(error)) throw error;
    throw new ConfigurationError(
      `--database ${JSON.stringify(config.databasePath)} cannot be opened: ${error.message}`,
      { cause: error },
    );
  }
}

function isFileProblem(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    /^(E[A-Z]+|ERR_SQLITE_ERROR|SQLITE_[A-Z_]+)$/.test(String(error.code))
  );
}
