import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE as_artifact (
      model TEXT NOT NULL,
      id_hash TEXT NOT NULL,
      payload TEXT NOT NULL,
      grant_hash TEXT,
      uid_hash TEXT,
      user_code_hash TEXT,
      client_id TEXT,
      account_id TEXT,
      consumed_at INTEGER,
      expires_at INTEGER,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (model, id_hash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX as_artifact_grant ON as_artifact (grant_hash) WHERE grant_hash IS NOT NULL;
    CREATE INDEX as_artifact_uid ON as_artifact (model, uid_hash) WHERE uid_hash IS NOT NULL;
    CREATE INDEX as_artifact_user_code ON as_artifact (model, user_code_hash)
      WHERE user_code_hash IS NOT NULL;
    CREATE INDEX as_artifact_expiry ON as_artifact (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX as_artifact_account ON as_artifact (account_id, model)
      WHERE account_id IS NOT NULL;
    CREATE TABLE as_refresh_replay (
      id_hash TEXT PRIMARY KEY,
      grant_hash TEXT NOT NULL,
      successor_hash TEXT NOT NULL,
      response TEXT NOT NULL,
      expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX as_refresh_replay_grant ON as_refresh_replay (grant_hash);
    CREATE INDEX as_refresh_replay_expiry ON as_refresh_replay (expires_at);
    CREATE TABLE as_client (
      client_id TEXT PRIMARY KEY,
      metadata TEXT NOT NULL,
      source TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      last_used_at INTEGER,
      expires_at INTEGER
    ) STRICT;
    CREATE INDEX as_client_expiry ON as_client (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX as_client_unused ON as_client (created_at) WHERE last_used_at IS NULL;
    CREATE TABLE as_signing_key (
      kid TEXT PRIMARY KEY,
      algorithm TEXT NOT NULL,
      private_jwk TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      activate_at INTEGER NOT NULL,
      retire_at INTEGER,
      remove_at INTEGER
    ) STRICT;
    CREATE TABLE as_user (
      id TEXT PRIMARY KEY,
      display_name TEXT NOT NULL,
      tenant TEXT NOT NULL,
      scopes TEXT NOT NULL,
      is_disabled INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE as_consent (
      user_id TEXT NOT NULL,
      client_id TEXT NOT NULL,
      resource TEXT NOT NULL,
      scopes TEXT NOT NULL,
      client_fingerprint TEXT NOT NULL,
      granted_at INTEGER NOT NULL,
      PRIMARY KEY (user_id, client_id, resource)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE as_counter (
      name TEXT PRIMARY KEY,
      count INTEGER NOT NULL,
      resets_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `;

/**
 * State of the authorization server. Columns named `*_hash` hold SHA-256 values, `payload`, `metadata`, `private_jwk`
 * and `response` sealed ones: a dump holds no code, token, secret or cookie.
 */
export const authorizationMigration: Migration = {
  id: '002-authorization',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
