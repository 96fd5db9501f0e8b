import type { AuditArchive } from '../../server/core/audit.js';
import { createAuditLog } from '../stores/audit-log.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link AuditArchive} on SQLite. */
export function createSqliteAuditLog(database: SqliteDatabase): AuditArchive {
  return createAuditLog(createSqliteEngine(database));
}
