import type { ApiKeyRecord, ApiKeyStore } from '../../server/core/ports.js';
import { type SqlEngine, all, get, run } from '../sql.js';
import { revokeKeys } from './revocation-feed.js';

interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly last_used_at: number | null;
}

const COLUMNS = `id, name, issuer, subject, tenant, scopes, created_at, expires_at, revoked_at, last_used_at`;

export function createApiKeyStore(engine: SqlEngine): ApiKeyStore {
  return {
    async create(record, keyHash) {
      await engine.run(() =>
        run(
          `INSERT INTO api_key (id, key_hash, name, issuer, subject, tenant, scopes, created_at, expires_at,
           revoked_at, last_used_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          record.id,
          keyHash,
          record.name,
          record.issuer,
          record.subject,
          record.tenant,
          JSON.stringify(record.scopes),
          record.createdAt,
          record.expiresAt ?? null,
          record.revokedAt ?? null,
          record.lastUsedAt ?? null,
        ),
      );
    },
    async findByHash(keyHash) {
      const row = await engine.run(() =>
        get<ApiKeyRow>(`SELECT ${COLUMNS} FROM api_key WHERE key_hash = ?`, keyHash),
      );
      return row === undefined ? undefined : toRecord(row);
    },
    async list() {
      return (
        await engine.run(() =>
          all<ApiKeyRow>(`SELECT ${COLUMNS} FROM api_key ORDER BY created_at, id`),
        )
      ).map(toRecord);
    },
    async revoke(id, nowSeconds) {
      return (await engine.write(() => revokeKeys('id = ?', id, nowSeconds))) > 0;
    },
    async revokeByName(name, nowSeconds) {
      return engine.write(() => revokeKeys('name = ?', name, nowSeconds));
    },
    async markUsed(id, nowSeconds) {
      await engine.run(() =>
        run('UPDATE api_key SET last_used_at = ? WHERE id = ?', nowSeconds, id),
      );
    },
  };
}

function toRecord(row: ApiKeyRow): ApiKeyRecord {
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    subject: row.subject,
    tenant: row.tenant,
    scopes: JSON.parse(row.scopes) as string[],
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
