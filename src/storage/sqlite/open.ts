import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AuthorizationStores } from '../../authorization/ports.js';
import type { CatalogStore } from '../../catalog/domain/ports.js';
import type { ApiKeyStore, AuditLog, EventLog, SessionStore } from '../../server/core/ports.js';
import { ToolkitError, quote } from '../../shared/errors.js';
import { createSqliteApiKeyStore } from './api-key-store.js';
import { createSqliteAuditLog } from './audit-log.js';
import { createSqliteAuthorizationStores } from './authorization-stores.js';
import { createSqliteCatalogStore } from './catalog-store.js';
import { openSqlite } from './database.js';
import { createSqliteEventLog } from './event-log.js';
import { migrate } from './migrate.js';
import { createSqliteSessionStore } from './session-store.js';

/** Every port of this project over one database. */
export interface Storage {
  readonly sessions: SessionStore;
  readonly events: EventLog;
  readonly apiKeys: ApiKeyStore;
  readonly audit: AuditLog;
  readonly authorization: AuthorizationStores;
  readonly catalog: CatalogStore;
  close(): void;
}

/** The database file cannot be opened: no access, not a database, locked for too long. */
export class StorageUnavailableError extends ToolkitError {
  readonly code = 'ERR_STORAGE_UNAVAILABLE';
  readonly path: string;

  constructor(path: string, options: { readonly cause: Error }) {
    super(`the database ${quote(path)} cannot be opened: ${options.cause.message}`, options);
    this.path = path;
  }
}

/**
 * Opens a SQLite file, with its folder (0700) and tables where they are missing. Many processes may have it open.
 *
 * @throws {StorageUnavailableError} when the file cannot be opened
 * @throws {UnknownMigrationError} when a newer version wrote it
 */
export function openSqliteStorage(path: string): Storage {
  const database = open(path);
  return {
    sessions: createSqliteSessionStore(database),
    events: createSqliteEventLog(database),
    apiKeys: createSqliteApiKeyStore(database),
    audit: createSqliteAuditLog(database),
    authorization: createSqliteAuthorizationStores(database),
    catalog: createSqliteCatalogStore(database),
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
