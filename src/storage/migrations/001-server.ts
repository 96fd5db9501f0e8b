import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE mcp_session (
      id_hash TEXT PRIMARY KEY,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      client_id TEXT NOT NULL,
      protocol_version TEXT NOT NULL,
      initialize_params TEXT NOT NULL,
      is_initialized INTEGER NOT NULL,
      log_level TEXT,
      subscriptions TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX mcp_session_expiry ON mcp_session (expires_at);
    CREATE TABLE mcp_event (
      session_hash TEXT NOT NULL REFERENCES mcp_session (id_hash) ON DELETE CASCADE,
      event_no INTEGER NOT NULL,
      stream_id TEXT NOT NULL,
      message TEXT NOT NULL,
      PRIMARY KEY (session_hash, event_no)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE api_key (
      id TEXT PRIMARY KEY,
      key_hash TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      tenant TEXT NOT NULL,
      scopes TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER,
      revoked_at INTEGER,
      last_used_at INTEGER
    ) STRICT;
    CREATE INDEX api_key_name ON api_key (name);
    CREATE TABLE audit_row (
      row_no INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      issuer TEXT,
      subject TEXT,
      tenant TEXT,
      client_id TEXT,
      transport TEXT NOT NULL,
      era TEXT NOT NULL,
      operation TEXT NOT NULL,
      target TEXT,
      outcome TEXT NOT NULL,
      duration_ms INTEGER NOT NULL
    ) STRICT;
  `;

/** Sessions, their event log, API keys and the audit log. */
export const serverMigration: Migration = {
  id: '001-server',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
