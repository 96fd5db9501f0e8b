import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE mcp_task (
      id_hash TEXT PRIMARY KEY,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      tool TEXT NOT NULL,
      status TEXT NOT NULL,
      status_message TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      poll_interval INTEGER NOT NULL,
      input_requests TEXT NOT NULL,
      outcome TEXT,
      runner TEXT NOT NULL,
      lease_until INTEGER NOT NULL,
      answers TEXT NOT NULL,
      is_cancel_requested INTEGER NOT NULL,
      has_input INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX mcp_task_owner ON mcp_task (issuer, subject, expires_at);
    CREATE INDEX mcp_task_expiry ON mcp_task (expires_at);
    CREATE INDEX mcp_task_runner ON mcp_task (runner, has_input);
    CREATE INDEX mcp_task_lease ON mcp_task (status, lease_until);
  `;

/** Tool calls that go on after their answer. */
export const tasksMigration: Migration = {
  id: '006-tasks',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
