import type { AuthorizationClientStore, ClientRecord } from '../../authorization/ports.js';
import type { SqliteDatabase } from './database.js';

interface ClientRow {
  client_id: string;
  metadata: string;
  source: ClientRecord['source'];
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
}

const UPSERT = `INSERT INTO as_client (client_id, metadata, source, created_at, last_used_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (client_id) DO UPDATE SET metadata = excluded.metadata,
  source = excluded.source, last_used_at = excluded.last_used_at, expires_at = excluded.expires_at`;

export function createSqliteAuthorizationClientStore(
  database: SqliteDatabase,
): AuthorizationClientStore {
  const deleteExpired = (nowSeconds: number): number =>
    database.run('DELETE FROM as_client WHERE expires_at < ?', nowSeconds).changes;
  const countOf = (source?: string): number =>
    (source === undefined
      ? database.get<{ n: number }>('SELECT count(*) AS n FROM as_client')
      : database.get<{ n: number }>('SELECT count(*) AS n FROM as_client WHERE source = ?', source)
    )?.n ?? 0;
  const makeRoom = (maxRegistered: number, nowSeconds: number): boolean => {
    if (countOf('registered') < maxRegistered) return true;
    if (deleteExpired(nowSeconds) > 0 && countOf('registered') < maxRegistered) return true;
    const { changes } = database.run(
      `DELETE FROM as_client WHERE client_id = (SELECT client_id FROM as_client
        WHERE source = 'registered' AND last_used_at IS NULL ORDER BY created_at, client_id LIMIT 1)`,
    );
    return changes > 0;
  };
  return {
    async find(clientId, nowSeconds) {
      const row = database.get<ClientRow>(
        'SELECT * FROM as_client WHERE client_id = ? AND (expires_at IS NULL OR expires_at >= ?)',
        clientId,
        nowSeconds,
      );
      return row === undefined ? undefined : toRecord(row);
    },
    async save(record, { maxRegistered, nowSeconds }) {
      return database.transaction(() => {
        const isKnown =
          database.get('SELECT 1 FROM as_client WHERE client_id = ?', record.clientId) !==
          undefined;
        if (!isKnown && record.source === 'registered' && !makeRoom(maxRegistered, nowSeconds)) {
          return false;
        }
        database.run(
          UPSERT,
          record.clientId,
          record.metadata,
          record.source,
          record.createdAt,
          record.lastUsedAt ?? null,
          record.expiresAt ?? null,
        );
        return true;
      });
    },
    async delete(clientId) {
      return database.run('DELETE FROM as_client WHERE client_id = ?', clientId).changes > 0;
    },
    async count() {
      return countOf();
    },
    async deleteExpired(nowSeconds) {
      return deleteExpired(nowSeconds);
    },
  };
}

function toRecord(row: ClientRow): ClientRecord {
  return {
    clientId: row.client_id,
    metadata: row.metadata,
    source: row.source,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
  };
}
