import type { AuthorizationClientStore, ClientRecord } from '../../authorization/ports.js';
import { type SqlEngine, type SqlProgram, all, get, lock, run } from '../sql.js';

interface ClientRow {
  client_id: string;
  metadata: string;
  source: ClientRecord['source'];
  registered_from: string | null;
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
}

const COLUMNS =
  'client_id, metadata, source, registered_from, created_at, last_used_at, expires_at';

const UPSERT = `INSERT INTO as_client (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (client_id) DO UPDATE SET metadata = excluded.metadata, source = excluded.source,
  expires_at = CASE WHEN as_client.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
    WHEN as_client.expires_at > excluded.expires_at THEN as_client.expires_at
    ELSE excluded.expires_at END`;

/** Room is made for this part of the limit at once: under a flood not every registration has to count. */
const ROOM = 0.01;

export function createAuthorizationClientStore(engine: SqlEngine): AuthorizationClientStore {
  return {
    async find(clientId, nowSeconds) {
      const row = await engine.run(() =>
        get<ClientRow>(
          `SELECT ${COLUMNS} FROM as_client
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
          record.registeredFrom ?? null,
          record.createdAt,
          record.lastUsedAt ?? null,
          record.expiresAt ?? null,
        );
        return true;
      });
    },
    async list({ source, nowSeconds, limit }) {
      const rows = await engine.run(() =>
        all<ClientRow>(
          `SELECT ${COLUMNS} FROM as_client
            WHERE (expires_at IS NULL OR expires_at >= ?) AND (? = '' OR source = ?)
            ORDER BY created_at DESC, client_id LIMIT ?`,
          nowSeconds,
          source ?? '',
          source ?? '',
          limit,
        ),
      );
      return rows.map(toRecord);
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
  // By source: whoever registers most loses first, and a client of somebody else that is about to be used stays.
  const changes = yield* run(
    `DELETE FROM as_client WHERE client_id IN (
      SELECT c.client_id FROM as_client c JOIN (
        SELECT coalesce(registered_from, '') AS origin, count(*) AS n FROM as_client
          WHERE source = 'registered' AND last_used_at IS NULL GROUP BY coalesce(registered_from, '')
      ) s ON s.origin = coalesce(c.registered_from, '')
      WHERE c.source = 'registered' AND c.last_used_at IS NULL
      ORDER BY s.n DESC, c.created_at, c.client_id LIMIT ?)`,
    Math.max(1, Math.floor(maxRegistered * ROOM)),
  );
  return changes > 0;
}

function toRecord(row: ClientRow): ClientRecord {
  return {
    clientId: row.client_id,
    metadata: row.metadata,
    source: row.source,
    registeredFrom: row.registered_from ?? undefined,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
  };
}
