import type {
  AuditArchive,
  AuditFilter,
  AuditOrder,
  AuditOutcome,
  AuditRow,
  AuditSweep,
} from '../../server/core/audit.js';
import {
  type SqlEngine,
  type SqlParam,
  type SqlProgram,
  all,
  get,
  lock,
  run,
  runEach,
} from '../sql.js';

interface AuditTableRow {
  readonly row_no: number;
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
  readonly reason: string | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  readonly arguments: string | null;
}

const COLUMNS =
  'at, issuer, subject, tenant, client_id, transport, era, operation, target, outcome, duration_ms, ' +
  'reason, request_id, trace_id, arguments';
const INSERT = `INSERT INTO audit_row (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const CURSOR = /^(\d{1,16})\.(\d{1,16})$/;

export function createAuditLog(engine: SqlEngine): AuditArchive {
  return {
    async append(row) {
      await engine.run(() => run(INSERT, ...valuesOf(row)));
    },
    async appendAll(rows) {
      if (rows.length > 0) await engine.write(() => runEach(INSERT, rows.map(valuesOf)));
    },
    async recent(limit) {
      const rows = await engine.run(() =>
        all<AuditTableRow>(
          `SELECT row_no, ${COLUMNS} FROM audit_row ORDER BY row_no DESC LIMIT ?`,
          limit,
        ),
      );
      return rows.map(toRow);
    },
    async find(filter, { order, limit, after }) {
      const { sql, params } = selectOf(filter, order, after);
      const found = await engine.run(() => all<AuditTableRow>(sql, ...params, limit + 1));
      const rows = found.slice(0, limit);
      const last = rows.at(-1);
      const hasMore = found.length > limit && last !== undefined;
      return { rows: rows.map(toRow), next: hasMore ? `${last.at}.${last.row_no}` : undefined };
    },
    sweep: (before, now, limit) => engine.write(() => sweep(before, now, limit)),
    async sweeps(limit) {
      const rows = await engine.run(() =>
        all<{ at: number; delete_before: number; deleted: number }>(
          'SELECT at, delete_before, deleted FROM audit_sweep ORDER BY sweep_no DESC LIMIT ?',
          limit,
        ),
      );
      return rows.map(({ delete_before: before, ...rest }) => ({ ...rest, before }));
    },
  };
}

/** The rows themselves are deleted by the database, when it is given the record. */
function* sweep(before: number, now: number, limit: number): SqlProgram<AuditSweep | undefined> {
  yield* lock('audit sweep');
  // Up to the moment of the row behind the last one to go; rows of one moment go together.
  const behind = yield* get<{ at: number }>(
    'SELECT at FROM audit_row WHERE at < ? ORDER BY at, row_no LIMIT 1 OFFSET ?',
    before,
    limit,
  );
  const end = behind === undefined ? before : Math.min(before, behind.at + 1);
  const counted = yield* get<{ deleted: number }>(
    'SELECT count(*) AS deleted FROM audit_row WHERE at < ?',
    end,
  );
  const deleted = counted?.deleted ?? 0;
  if (deleted === 0) return undefined;
  yield* run(
    'INSERT INTO audit_sweep (at, delete_before, deleted) VALUES (?, ?, ?)',
    now,
    end,
    deleted,
  );
  return { at: now, before: end, deleted };
}

function selectOf(
  filter: AuditFilter,
  order: AuditOrder,
  after: string | undefined,
): { readonly sql: string; readonly params: readonly SqlParam[] } {
  const isNewestFirst = order === 'newest-first';
  const conditions: string[] = [];
  const params: SqlParam[] = [];
  const where = (condition: string, ...values: readonly SqlParam[]): void => {
    conditions.push(condition);
    params.push(...values);
  };
  if (filter.since !== undefined) where('at >= ?', filter.since);
  if (filter.until !== undefined) where('at < ?', filter.until);
  if (filter.subject !== undefined) where('subject = ?', filter.subject);
  if (filter.issuer !== undefined) where('issuer = ?', filter.issuer);
  if (filter.tenant !== undefined) where('tenant = ?', filter.tenant);
  if (filter.target !== undefined) where('target = ?', filter.target);
  if (filter.operation !== undefined) where('operation = ?', filter.operation);
  if (filter.outcome !== undefined) where('outcome = ?', filter.outcome);
  if (after !== undefined) {
    const [, at, rowNo] = CURSOR.exec(after) ?? [];
    if (at === undefined || rowNo === undefined) {
      throw new TypeError(`${JSON.stringify(after)} is not where a page of the audit log ended`);
    }
    where(`(at, row_no) ${isNewestFirst ? '<' : '>'} (?, ?)`, Number(at), Number(rowNo));
  }
  const direction = isNewestFirst ? 'DESC' : 'ASC';
  const condition = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return {
    sql: `SELECT row_no, ${COLUMNS} FROM audit_row ${condition} ORDER BY at ${direction}, row_no ${direction} LIMIT ?`,
    params,
  };
}

function valuesOf(row: AuditRow): readonly SqlParam[] {
  return [
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
    row.reason ?? null,
    row.requestId ?? null,
    row.traceId ?? null,
    row.arguments ?? null,
  ];
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
    reason: row.reason ?? undefined,
    requestId: row.request_id ?? undefined,
    traceId: row.trace_id ?? undefined,
    arguments: row.arguments ?? undefined,
  };
}
