import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ToolkitError } from '../../shared/errors.js';
import { StorageUnavailableError } from '../errors.js';
import type { Storage } from '../storage.js';
import { createStores } from '../stores/index.js';
import { openSqlite } from './database.js';
import { createSqliteEngine } from './engine.js';
import { createSqliteMessageBus } from './message-bus.js';
import { migrate } from './migrate.js';

/**
 * Opens a SQLite file, with its folder (0700) and tables where they are missing. Many processes may have it open.
 *
 * @throws {StorageUnavailableError} when the file cannot be opened
 * @throws {UnknownMigrationError} when a newer version wrote it
 */
export function openSqliteStorage(path: string): Storage {
  const database = open(path);
  return {
    ...createStores(createSqliteEngine(database)),
    bus: createSqliteMessageBus(database),
    close: () => database.close(),
  };
}

function open(path: string): ReturnType<typeof openSqlite> {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const database = openSqlite(path);
    migrate(database);
    return database;
  } catch (error) {
    if (error instanceof ToolkitError || !(error instanceof Error)) throw error;
    throw new StorageUnavailableError(path, { cause: error });
  }
}
