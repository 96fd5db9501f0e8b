import { hashId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { TaskRecord, TaskStatus, TaskStore } from '../../server/core/task-store.js';
import { type SqlEngine, type SqlProgram, all, get, lock, run } from '../sql.js';

interface TaskRow {
  readonly issuer: string;
  readonly subject: string;
  readonly tool: string;
  readonly status: TaskStatus;
  readonly status_message: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly expires_at: number;
  readonly poll_interval: number;
  readonly input_requests: string;
  readonly outcome: string | null;
  readonly runner: string;
  readonly lease_until: number;
}

const MAX_INPUTS = 1000;
const IS_RUNNING = "status IN ('working', 'input_required')";

export function createTaskStore(engine: SqlEngine): TaskStore {
  return {
    async create(record, maxPerOwner) {
      return engine.write(function* () {
        const { issuer, subject } = record;
        yield* lock(`task-owner:${issuer}:${subject}`);
        const kept = yield* get<{ count: number }>(
          'SELECT count(*) AS count FROM mcp_task WHERE issuer = ? AND subject = ? AND expires_at > ?',
          issuer,
          subject,
          record.createdAtMs,
        );
        if ((kept?.count ?? 0) >= maxPerOwner) return false;
        yield* insert(record);
        return true;
      });
    },
    async find(id, nowMs) {
      const row = await engine.run(() =>
        get<TaskRow>(
          `SELECT issuer, subject, tool, status, status_message, created_at, updated_at, expires_at, poll_interval,
             input_requests, outcome, runner, lease_until
           FROM mcp_task WHERE id_hash = ? AND expires_at > ?`,
          hashId(id),
          nowMs,
        ),
      );
      return row === undefined ? undefined : toRecord(id, row);
    },
    async update(id, { status, statusMessage, outcome, updatedAtMs }) {
      const isAtEnd = status !== undefined && status !== 'working' && status !== 'input_required';
      const changed = await engine.run(() =>
        run(
          `UPDATE mcp_task SET
             status = coalesce(?, status),
             status_message = coalesce(?, status_message),
             outcome = coalesce(?, outcome),
             input_requests = coalesce(?, input_requests),
             updated_at = ?
           WHERE id_hash = ? AND ${IS_RUNNING}`,
          status ?? null,
          statusMessage ?? null,
          outcome === undefined ? null : JSON.stringify(outcome),
          isAtEnd ? '{}' : null,
          updatedAtMs,
          hashId(id),
        ),
      );
      return changed > 0;
    },
    async ask(id, inputRequests, nowMs) {
      return engine.write(function* () {
        const row = yield* locked(id);
        if (row === undefined) return false;
        const open = { ...(JSON.parse(row.input_requests) as JsonObject), ...inputRequests };
        yield* run(
          "UPDATE mcp_task SET status = 'input_required', input_requests = ?, updated_at = ? WHERE id_hash = ?",
          JSON.stringify(open),
          nowMs,
          hashId(id),
        );
        return true;
      });
    },
    async answer(id, answers, nowMs) {
      await engine.write(function* () {
        const row = yield* locked(id);
        if (row === undefined) return undefined;
        const questions = Object.entries(JSON.parse(row.input_requests) as JsonObject);
        const answered = questions.filter(([key]) => Object.hasOwn(answers, key));
        if (answered.length === 0) return undefined;
        const open = questions.filter(([key]) => !Object.hasOwn(answers, key));
        const given = {
          ...(JSON.parse(row.answers) as JsonObject),
          ...Object.fromEntries(answered.map(([key]) => [key, answers[key] ?? null])),
        };
        yield* run(
          `UPDATE mcp_task SET status = ?, input_requests = ?, answers = ?, has_input = 1, updated_at = ?
           WHERE id_hash = ?`,
          open.length === 0 ? 'working' : 'input_required',
          JSON.stringify(Object.fromEntries(open)),
          JSON.stringify(given),
          nowMs,
          hashId(id),
        );
        return undefined;
      });
    },
    async requestCancel(id, nowMs) {
      await engine.run(() =>
        run(
          `UPDATE mcp_task SET is_cancel_requested = 1, has_input = 1, updated_at = ? WHERE id_hash = ? AND ${IS_RUNNING}`,
          nowMs,
          hashId(id),
        ),
      );
    },
    async takeInputs(runner) {
      return engine.write(function* () {
        const rows = yield* all<{
          readonly id_hash: string;
          readonly answers: string;
          readonly is_cancel_requested: number;
        }>(
          `SELECT id_hash, answers, is_cancel_requested FROM mcp_task WHERE runner = ? AND has_input = 1 LIMIT ${MAX_INPUTS}`,
          runner,
        );
        const inputs = [];
        for (const { id_hash: idHash } of rows) {
          yield* lock(lockName(idHash));
          // What came between the two is taken along.
          const row = yield* get<(typeof rows)[number]>(
            'SELECT id_hash, answers, is_cancel_requested FROM mcp_task WHERE id_hash = ?',
            idHash,
          );
          if (row === undefined) continue;
          yield* run("UPDATE mcp_task SET answers = '{}', has_input = 0 WHERE id_hash = ?", idHash);
          inputs.push({
            idHash,
            isCancelRequested: row.is_cancel_requested === 1,
            answers: JSON.parse(row.answers) as JsonObject,
          });
        }
        return inputs;
      });
    },
    async renew(runner, leaseUntilMs) {
      await engine.run(() =>
        run(
          `UPDATE mcp_task SET lease_until = ? WHERE runner = ? AND ${IS_RUNNING}`,
          leaseUntilMs,
          runner,
        ),
      );
    },
    async failAbandoned(nowMs, error) {
      return engine.run(() =>
        run(
          `UPDATE mcp_task SET status = 'failed', outcome = ?, input_requests = '{}', updated_at = ?
           WHERE ${IS_RUNNING} AND lease_until <= ?`,
          JSON.stringify(error),
          nowMs,
          nowMs,
        ),
      );
    },
    async deleteExpired(nowMs) {
      return engine.run(() => run('DELETE FROM mcp_task WHERE expires_at <= ?', nowMs));
    },
  };
}

function lockName(idHash: string): string {
  return `task:${idHash}`;
}

/** The row of a task that is not at its end, which nobody else changes meanwhile. */
function* locked(
  id: string,
): SqlProgram<{ readonly input_requests: string; readonly answers: string } | undefined> {
  const idHash = hashId(id);
  yield* lock(lockName(idHash));
  return yield* get(
    `SELECT input_requests, answers FROM mcp_task WHERE id_hash = ? AND ${IS_RUNNING}`,
    idHash,
  );
}

function insert(record: TaskRecord): SqlProgram<number> {
  return run(
    `INSERT INTO mcp_task (id_hash, issuer, subject, tool, status, status_message, created_at, updated_at, expires_at,
       poll_interval, input_requests, outcome, runner, lease_until, answers, is_cancel_requested, has_input)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', 0, 0)`,
    hashId(record.id),
    record.issuer,
    record.subject,
    record.tool,
    record.status,
    record.statusMessage ?? null,
    record.createdAtMs,
    record.updatedAtMs,
    record.expiresAtMs,
    record.pollIntervalMs,
    JSON.stringify(record.inputRequests),
    record.outcome === undefined ? null : JSON.stringify(record.outcome),
    record.runner,
    record.leaseUntilMs,
  );
}

function toRecord(id: string, row: TaskRow): TaskRecord {
  return {
    id,
    issuer: row.issuer,
    subject: row.subject,
    tool: row.tool,
    status: row.status,
    statusMessage: row.status_message ?? undefined,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    expiresAtMs: row.expires_at,
    pollIntervalMs: row.poll_interval,
    inputRequests: JSON.parse(row.input_requests) as JsonObject,
    outcome: row.outcome === null ? undefined : (JSON.parse(row.outcome) as JsonObject),
    runner: row.runner,
    leaseUntilMs: row.lease_until,
  };
}
