import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    ALTER TABLE as_client ADD COLUMN registered_from TEXT;
    CREATE TABLE as_client_document (
      client_id TEXT PRIMARY KEY,
      document TEXT,
      fetched_at INTEGER,
      fresh_until INTEGER NOT NULL,
      problem TEXT,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX as_client_document_expiry ON as_client_document (expires_at);
  `;

/**
 * Client metadata documents that were fetched, shared by all processes; and from which source (a keyed hash) a client
 * was registered, so that one source cannot push out the clients of others.
 */
export const authorizationClientsMigration: Migration = {
  id: '010-authorization-clients',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
