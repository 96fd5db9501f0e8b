import type { AuthorizationClientStore, ClientRecord } from '../../authorization/ports.js';
import { type SqlEngine, type SqlProgram, get, lock, run } from '../sql.js';

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

export function createAuthorizationClientStore(engine: SqlEngine): AuthorizationClientStore {
  return {
    async find(clientId, nowSeconds) {
      const row = await engine.run(() =>
        get<ClientRow>(
          `SELECT client_id, metadata, source, created_at, last_used_at, expires_at FROM as_client
            WHERE client_id = ? AND (expires_at IS NULL OR expires_at >= ?)`,
          clientId,
          nowSeconds,
        ),
      );
      return row === undefined ? undefined : toRecord(row);
    },
    async save(record, { maxRegistered, nowSeconds }) {
      return engine.write(function* () {
        // Registrations wait for each other, so that the limit holds; rows of clients in use are not held up.
        if (record.source === 'registered') yield* lock('registered clients');
        const known = yield* get('SELECT 1 FROM as_client WHERE client_id = ?', record.clientId);
        if (known === undefined && record.source === 'registered') {
          const hasRoom = yield* makeRoom(maxRegistered, nowSeconds);
          if (!hasRoom) return false;
        }
        yield* run(
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
      const changes = await engine.run(() =>
        run('DELETE FROM as_client WHERE client_id = ?', clientId),
      );
      return changes > 0;
    },
    async count() {
      const row = await engine.run(() => get<{ n: number }>('SELECT count(*) AS n FROM as_client'));
      return row?.n ?? 0;
    },
    async deleteExpired(nowSeconds) {
      return engine.run(() => deleteExpired(nowSeconds));
    },
  };
}

function deleteExpired(nowSeconds: number): SqlProgram<number> {
  return run('DELETE FROM as_client WHERE expires_at < ?', nowSeconds);
}

function* hasFewerThan(maxRegistered: number): SqlProgram<boolean> {
  const row = yield* get<{ n: number }>(
    "SELECT count(*) AS n FROM as_client WHERE source = 'registered'",
  );
  return (row?.n ?? 0) < maxRegistered;
}

function* makeRoom(maxRegistered: number, nowSeconds: number): SqlProgram<boolean> {
  if (yield* hasFewerThan(maxRegistered)) return true;
  if ((yield* deleteExpired(nowSeconds)) > 0 && (yield* hasFewerThan(maxRegistered))) return true;
  const changes = yield* run(
    `DELETE FROM as_client WHERE client_id = (SELECT client_id FROM as_client
      WHERE source = 'registered' AND last_used_at IS NULL ORDER BY created_at, client_id LIMIT 1)`,
  );
  return changes > 0;
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
