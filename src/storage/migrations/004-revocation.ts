import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE revocation (
      feed_no INTEGER PRIMARY KEY AUTOINCREMENT,
      credential_id TEXT NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX revocation_expiry ON revocation (expires_at);
  `;

/** The feed of credentials that ended before their time. */
export const revocationMigration: Migration = {
  id: '004-revocation',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
