import type { Migration } from './migration.js';

export const authorizationMigration: Migration = {
  id: '002-authorization',
  sqlite: '',
};
