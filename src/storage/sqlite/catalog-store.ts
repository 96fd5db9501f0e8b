import type { CatalogStore } from '../../catalog/domain/ports.js';
import { createCourseStore } from './catalog-courses.js';
import { createLearnerStore } from './catalog-learners.js';
import { createTenantDirectory } from './catalog-tenants.js';
import { createTransitionStore } from './catalog-transitions.js';
import type { SqliteDatabase } from './database.js';

/** The catalog's ports over one SQLite file. The schema has to be there: see `migrate`. */
export function createSqliteCatalogStore(database: SqliteDatabase): CatalogStore {
  const tenants = createTenantDirectory(database);
  return {
    courses: createCourseStore(database, tenants),
    learners: createLearnerStore(database, tenants),
    transitions: createTransitionStore(database, tenants),
  };
}
