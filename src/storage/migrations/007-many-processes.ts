import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE mcp_process (
      process_id TEXT PRIMARY KEY,
      beat INTEGER NOT NULL
    ) STRICT;
    ALTER TABLE mcp_event ADD COLUMN process_id TEXT;
    ALTER TABLE mcp_event ADD COLUMN request_ids TEXT;
    ALTER TABLE mcp_event ADD COLUMN is_last INTEGER NOT NULL DEFAULT 0;
    CREATE UNIQUE INDEX mcp_event_last ON mcp_event (session_hash, stream_id) WHERE is_last = 1;
    CREATE TABLE mcp_question (
      request_id INTEGER PRIMARY KEY,
      session_hash TEXT NOT NULL REFERENCES mcp_session (id_hash) ON DELETE CASCADE,
      process_id TEXT NOT NULL REFERENCES mcp_process (process_id) ON DELETE CASCADE,
      answer TEXT
    ) STRICT;
    CREATE INDEX mcp_question_session ON mcp_question (session_hash);
    CREATE INDEX mcp_question_process ON mcp_question (process_id);
    CREATE TABLE mcp_subscription (
      subscription_no INTEGER PRIMARY KEY AUTOINCREMENT,
      session_hash TEXT NOT NULL REFERENCES mcp_session (id_hash) ON DELETE CASCADE,
      uri_hash TEXT NOT NULL,
      UNIQUE (session_hash, uri_hash)
    ) STRICT;
    ALTER TABLE mcp_session DROP COLUMN subscriptions;
    CREATE TABLE bus_message (
      message_no INTEGER PRIMARY KEY AUTOINCREMENT,
      topic TEXT NOT NULL,
      body TEXT NOT NULL
    ) STRICT;
  `;

/** Who runs which stream, questions that wait for their answer, subscriptions, and messages from process to process. */
export const manyProcessesMigration: Migration = {
  id: '007-many-processes',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
