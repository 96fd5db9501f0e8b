import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE call_rate (
      name TEXT PRIMARY KEY,
      spent_until INTEGER NOT NULL,
      granted INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE kept_result (
      id_hash TEXT NOT NULL,
      part_no INTEGER NOT NULL,
      part_count INTEGER NOT NULL,
      owner_hash TEXT NOT NULL,
      part TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      PRIMARY KEY (id_hash, part_no)
    ) STRICT;
    CREATE INDEX kept_result_owner ON kept_result (owner_hash, expires_at);
    CREATE INDEX kept_result_expiry ON kept_result (expires_at);
  `;

/** Permits that all processes share, and results that were too large to send. */
export const limitsMigration: Migration = {
  id: '005-limits',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
