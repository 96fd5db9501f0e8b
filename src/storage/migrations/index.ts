import { authorizationMigration } from './002-authorization.js';
import { catalogMigration } from './003-catalog.js';
import { auditMigration } from './008-audit.js';
import { authorizationClientsMigration } from './010-authorization-clients.js';
import { feedbackMigration } from './012-feedback.js';
import { limitsMigration } from './005-limits.js';
import { manyProcessesMigration } from './007-many-processes.js';
import { tasksMigration } from './006-tasks.js';
import { peopleMigration } from './009-people.js';
import type { Migration } from './migration.js';
import { revocationMigration } from './004-revocation.js';
import { serverMigration } from './001-server.js';

/** Every migration, in the order they run. Never edit one that has shipped: add the next. */
export const migrations: readonly Migration[] = [
  serverMigration,
  authorizationMigration,
  catalogMigration,
  revocationMigration,
  limitsMigration,
  tasksMigration,
  manyProcessesMigration,
  auditMigration,
  peopleMigration,
  authorizationClientsMigration,
  feedbackMigration,
];
