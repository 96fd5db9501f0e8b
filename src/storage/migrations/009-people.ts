import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE as_identity (
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      user_id TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      last_used_at INTEGER NOT NULL,
      PRIMARY KEY (issuer, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX as_identity_user ON as_identity (user_id);
    CREATE TABLE as_upstream_token (
      user_id TEXT NOT NULL,
      issuer TEXT NOT NULL,
      tokens TEXT NOT NULL,
      expires_at INTEGER,
      version INTEGER NOT NULL,
      lease_id TEXT,
      lease_until INTEGER,
      PRIMARY KEY (user_id, issuer)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE as_password (
      user_name TEXT PRIMARY KEY,
      user_id TEXT NOT NULL UNIQUE,
      password_hash TEXT NOT NULL,
      changed_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE as_sign_in_attempt (
      key_hash TEXT PRIMARY KEY,
      failures INTEGER NOT NULL,
      blocked_until INTEGER NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX as_sign_in_attempt_expiry ON as_sign_in_attempt (expires_at);
  `;

/**
 * Who people are at their identity provider, the tokens it gave for them (`tokens` is sealed), local passwords as
 * Argon2id hashes, and the back-off after wrong ones.
 */
export const peopleMigration: Migration = {
  id: '009-people',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
