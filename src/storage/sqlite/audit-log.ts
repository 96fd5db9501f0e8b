import type { AuditLog } from '../../server/core/ports.js';
import { createAuditLog } from '../stores/audit-log.js';
import type { SqliteDatabase } from './database.js';
import { createSqliteEngine } from './engine.js';

/** {@link AuditLog} on SQLite. */
export function createSqliteAuditLog(database: SqliteDatabase): AuditLog {
  return createAuditLog(createSqliteEngine(database));
}
