import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

// The index answers "which providers are there, and which are spelt nearly so" from itself alone.
const sqlite = `
    ALTER TABLE enrollment ADD COLUMN rated_at INTEGER;
    CREATE INDEX course_provider ON course (tenant_id, status, provider_key, provider);
  `;

/** When a learner rated a course, and providers by name. */
export const feedbackMigration: Migration = {
  id: '012-feedback',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
