import type { ClientDocumentRecord, ClientDocumentStore } from '../../authorization/ports.js';
import { type SqlEngine, get, run } from '../sql.js';

interface DocumentRow {
  client_id: string;
  document: string | null;
  fetched_at: number | null;
  fresh_until: number;
  problem: string | null;
  expires_at: number;
}

const COLUMNS = 'client_id, document, fetched_at, fresh_until, problem, expires_at';

export function createClientDocumentStore(engine: SqlEngine): ClientDocumentStore {
  return {
    async find(clientId) {
      const row = await engine.run(() =>
        get<DocumentRow>(`SELECT ${COLUMNS} FROM as_client_document WHERE client_id = ?`, clientId),
      );
      return row === undefined ? undefined : toRecord(row);
    },
    async save(record, maxRecords) {
      await engine.write(function* () {
        yield* run(
          `INSERT INTO as_client_document (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (client_id) DO UPDATE SET document = excluded.document,
            fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until,
            problem = excluded.problem, expires_at = excluded.expires_at`,
          record.clientId,
          record.document ?? null,
          record.fetchedAt ?? null,
          record.freshUntil,
          record.problem ?? null,
          record.expiresAt,
        );
        const row = yield* get<{ n: number }>('SELECT count(*) AS n FROM as_client_document');
        const excess = (row?.n ?? 0) - maxRecords;
        if (excess <= 0) return;
        yield* run(
          `DELETE FROM as_client_document WHERE client_id IN (SELECT client_id
            FROM as_client_document WHERE client_id <> ? ORDER BY expires_at, client_id LIMIT ?)`,
          record.clientId,
          excess,
        );
      });
    },
    async deleteExpired(nowSeconds) {
      return engine.run(() =>
        run('DELETE FROM as_client_document WHERE expires_at < ?', nowSeconds),
      );
    },
  };
}

function toRecord(row: DocumentRow): ClientDocumentRecord {
  return {
    clientId: row.client_id,
    document: row.document ?? undefined,
    fetchedAt: row.fetched_at ?? undefined,
    freshUntil: row.fresh_until,
    problem: row.problem ?? undefined,
    expiresAt: row.expires_at,
  };
}
