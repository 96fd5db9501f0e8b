import type { MessageBus } from '../../server/index.js';
import type { Logger } from '../../shared/logger.js';
import type { Stores } from '../../storage/index.js';
import type { ServerConfig } from './config.js';

/** The stores of the configured database. */
export interface OpenStorage extends Stores {
  /** To the processes that have the same database open. */
  readonly bus: MessageBus;
  close(): Promise<void>;
}

/** Opens the configured database, creating tables (and for SQLite the file) where they are missing. */
export async function openStorage(
  config: Pick<ServerConfig, 'database'>,
  logger: Logger,
): Promise<OpenStorage> {
  const { database } = config;
  // Loaded here: a process that uses one engine does not pay for the other.
  if (database.kind === 'postgres') {
    const { openPostgresStorage } = await import('../../storage/postgres/open.js');
    const storage = await openPostgresStorage(database.url);
    if (!storage.hasRowSecurity) {
      logger.warn(
        'the database role bypasses row-level security: tenants are kept apart by the statements alone. Connect as a plain role',
      );
    }
    return storage;
  }
  const { openSqliteStorage } = await import('../../storage/sqlite/open.js');
  const storage = openSqliteStorage(database.path);
  return { ...storage, close: async () => storage.close() };
}
