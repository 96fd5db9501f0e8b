import type { Migration } from './migration.js';

export const catalogMigration: Migration = {
  id: '003-catalog',
  sqlite: '',
};
