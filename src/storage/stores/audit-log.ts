import type { AuditLog, AuditOutcome, AuditRow } from '../../server/core/ports.js';
import { type SqlEngine, all, run } from '../sql.js';

interface AuditTableRow {
  readonly at: number;
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly tenant: string | null;
  readonly client_id: string | null;
  readonly transport: string;
  readonly era: string;
  readonly operation: string;
  readonly target: string | null;
  readonly outcome: string;
  readonly duration_ms: number;
}

export function createAuditLog(engine: SqlEngine): AuditLog {
  return {
    async append(row) {
      await engine.run(() =>
        run(
          `INSERT INTO audit_row (at, issuer, subject, tenant, client_id, transport, era, operation, target, outcome,
           duration_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          row.at,
          row.issuer ?? null,
          row.subject ?? null,
          row.tenant ?? null,
          row.clientId ?? null,
          row.transport,
          row.era,
          row.operation,
          row.target ?? null,
          row.outcome,
          Math.round(row.durationMs),
        ),
      );
    },
    async recent(limit) {
      const rows = await engine.run(() =>
        all<AuditTableRow>(
          `SELECT at, issuer, subject, tenant, client_id, transport, era, operation, target, outcome, duration_ms
            FROM audit_row ORDER BY row_no DESC LIMIT ?`,
          limit,
        ),
      );
      return rows.map(toRow);
    },
  };
}

function toRow(row: AuditTableRow): AuditRow {
  return {
    at: row.at,
    issuer: row.issuer ?? undefined,
    subject: row.subject ?? undefined,
    tenant: row.tenant ?? undefined,
    clientId: row.client_id ?? undefined,
    transport: row.transport as AuditRow['transport'],
    era: row.era as AuditRow['era'],
    operation: row.operation,
    target: row.target ?? undefined,
    outcome: row.outcome as AuditOutcome,
    durationMs: row.duration_ms,
  };
}
