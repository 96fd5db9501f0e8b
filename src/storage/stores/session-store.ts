import { hashId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { SessionRecord, SessionStore } from '../../server/core/ports.js';
import { type SqlEngine, get, run } from '../sql.js';
import { createSessionQuestions } from './session-questions.js';
import { createSessionSubscriptions } from './session-subscriptions.js';

interface SessionRow {
  readonly issuer: string;
  readonly subject: string;
  readonly client_id: string;
  readonly protocol_version: string;
  readonly initialize_params: string;
  readonly is_initialized: number;
  readonly log_level: string | null;
  readonly created_at: number;
  readonly expires_at: number;
}

export function createSessionStore(engine: SqlEngine): SessionStore {
  return {
    ...createSessionQuestions(engine),
    ...createSessionSubscriptions(engine),
    async create(record) {
      await engine.run(() =>
        run(
          `INSERT INTO mcp_session (id_hash, issuer, subject, client_id, protocol_version, initialize_params,
           is_initialized, log_level, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          hashId(record.id),
          record.issuer,
          record.subject,
          record.clientId,
          record.protocolVersion,
          JSON.stringify(record.initializeParams),
          record.isInitialized ? 1 : 0,
          record.logLevel ?? null,
          record.createdAt,
          record.expiresAt,
        ),
      );
    },
    async find(id, nowSeconds) {
      const row = await engine.run(() =>
        get<SessionRow>(
          `SELECT issuer, subject, client_id, protocol_version, initialize_params, is_initialized, log_level,
             created_at, expires_at
           FROM mcp_session WHERE id_hash = ? AND expires_at > ?`,
          hashId(id),
          nowSeconds,
        ),
      );
      return row === undefined ? undefined : toRecord(id, row);
    },
    async update(id, changes) {
      await engine.run(() =>
        run(
          `UPDATE mcp_session SET
           is_initialized = coalesce(?, is_initialized),
           log_level = coalesce(?, log_level),
           expires_at = coalesce(?, expires_at)
         WHERE id_hash = ?`,
          changes.isInitialized === undefined ? null : changes.isInitialized ? 1 : 0,
          changes.logLevel ?? null,
          changes.expiresAt ?? null,
          hashId(id),
        ),
      );
    },
    async delete(id) {
      return (
        (await engine.run(() => run('DELETE FROM mcp_session WHERE id_hash = ?', hashId(id)))) > 0
      );
    },
    async deleteExpired(nowSeconds) {
      return await engine.run(() =>
        run('DELETE FROM mcp_session WHERE expires_at <= ?', nowSeconds),
      );
    },
  };
}

function toRecord(id: string, row: SessionRow): SessionRecord {
  return {
    id,
    issuer: row.issuer,
    subject: row.subject,
    clientId: row.client_id,
    protocolVersion: row.protocol_version,
    initializeParams: JSON.parse(row.initialize_params) as JsonObject,
    isInitialized: row.is_initialized === 1,
    logLevel: row.log_level ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
