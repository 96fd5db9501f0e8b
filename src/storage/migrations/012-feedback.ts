import type { Migration } from './migration.js';
import { toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    ALTER TABLE enrollment ADD COLUMN rated_at INTEGER;
  `;

/** When a learner rated a course. */
export const feedbackMigration: Migration = {
  id: '012-feedback',
  sqlite,
  postgres: toPostgresDdl(sqlite),
};
