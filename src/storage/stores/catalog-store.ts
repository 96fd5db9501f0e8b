import type { CatalogStore } from '../../catalog/domain/ports.js';
import type { SqlEngine } from '../sql.js';
import { createCourseStore } from './catalog-courses.js';
import { createLearnerDirectory } from './catalog-learner-directory.js';
import { createLearnerStore } from './catalog-learners.js';
import { createTenantDirectory } from './catalog-tenants.js';
import { createTransitionStore } from './catalog-transitions.js';

/** The catalog's ports over one database with its schema. */
export function createCatalogStore(engine: SqlEngine): CatalogStore {
  const tenants = createTenantDirectory(engine);
  return {
    courses: createCourseStore(tenants),
    learners: createLearnerStore(tenants),
    directory: createLearnerDirectory(tenants),
    transitions: createTransitionStore(tenants),
  };
}
