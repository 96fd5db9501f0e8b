import type {
  ArtifactRecord,
  ArtifactStore,
  ArtifactWrite,
  CommitConflict,
  RefreshReplay,
} from '../../authorization/ports.js';
import { err, ok } from '../../shared/result.js';
import { type SqlEngine, type SqlProgram, all, get, lock, run } from '../sql.js';
import { REVOCATION_LOCK, deleteExpiredRevocations, noteRevokedTokens } from './revocation-feed.js';

interface ArtifactRow {
  model: string;
  id_hash: string;
  payload: string;
  grant_hash: string | null;
  uid_hash: string | null;
  user_code_hash: string | null;
  client_id: string | null;
  account_id: string | null;
  consumed_at: number | null;
  expires_at: number | null;
  created_at: number;
}

interface ReplayRow {
  id_hash: string;
  grant_hash: string;
  successor_hash: string;
  response: string;
  expires_at: number;
}

const COLUMNS = `model, id_hash, payload, grant_hash, uid_hash, user_code_hash, client_id, account_id,
  consumed_at, expires_at, created_at`;

const INSERT = `INSERT INTO as_artifact (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

// A repeated save never brings a spent artifact back: `consumed_at` is the business of `consume` alone.
const UPSERT = `${INSERT} ON CONFLICT (model, id_hash) DO UPDATE SET payload = excluded.payload,
  grant_hash = excluded.grant_hash, uid_hash = excluded.uid_hash, user_code_hash = excluded.user_code_hash,
  client_id = excluded.client_id, account_id = excluded.account_id, expires_at = excluded.expires_at`;

/** Leaves the transaction; never seen outside this file. */
class Conflict extends Error {
  readonly conflict: CommitConflict;

  constructor(conflict: CommitConflict) {
    super('conflict');
    this.conflict = conflict;
  }
}

export function createArtifactStore(engine: SqlEngine): ArtifactStore {
  const findBy = (column: 'id_hash' | 'uid_hash' | 'user_code_hash') => {
    const sql = `SELECT ${COLUMNS} FROM as_artifact WHERE model = ? AND ${column} = ?`;
    return async (model: string, hash: string): Promise<ArtifactRecord | undefined> => {
      const row = await engine.run(() => get<ArtifactRow>(sql, model, hash));
      return row === undefined ? undefined : toRecord(row);
    };
  };
  return {
    find: findBy('id_hash'),
    findByUid: findBy('uid_hash'),
    findByUserCode: findBy('user_code_hash'),
    async listByAccount(model, accountId, limit) {
      const rows = await engine.run(() =>
        all<ArtifactRow>(
          `SELECT ${COLUMNS} FROM as_artifact WHERE account_id = ? AND model = ?
            ORDER BY created_at DESC, id_hash LIMIT ?`,
          accountId,
          model,
          limit,
        ),
      );
      return rows.map(toRecord);
    },
    async list(model, { userId, clientId }, before, limit) {
      const rows = await engine.run(() =>
        all<ArtifactRow>(
          `SELECT ${COLUMNS} FROM as_artifact
            WHERE model = ? AND (? = '' OR account_id = ?) AND (? = '' OR client_id = ?)
              AND (created_at < ? OR (created_at = ? AND id_hash > ?))
            ORDER BY created_at DESC, id_hash LIMIT ?`,
          model,
          userId ?? '',
          userId ?? '',
          clientId ?? '',
          clientId ?? '',
          before?.createdAt ?? Number.MAX_SAFE_INTEGER,
          before?.createdAt ?? Number.MAX_SAFE_INTEGER,
          before?.idHash ?? '',
          limit,
        ),
      );
      return rows.map(toRecord);
    },
    async listByGrant(grantHash, limit) {
      const rows = await engine.run(() =>
        all<ArtifactRow>(
          `SELECT ${COLUMNS} FROM as_artifact WHERE grant_hash = ? ORDER BY created_at DESC LIMIT ?`,
          grantHash,
          limit,
        ),
      );
      return rows.map(toRecord);
    },
    async findReplay(idHash) {
      const row = await engine.run(() =>
        get<ReplayRow>(
          `SELECT id_hash, grant_hash, successor_hash, response, expires_at FROM as_refresh_replay
            WHERE id_hash = ?`,
          idHash,
        ),
      );
      return row === undefined ? undefined : toReplay(row);
    },
    async commit(writes) {
      try {
        await engine.write(function* () {
          for (const name of locksOf(writes)) yield* lock(name);
          for (const write of writes) yield* apply(write);
        });
        return ok(undefined);
      } catch (error) {
        if (error instanceof Conflict) return err(error.conflict);
        throw error;
      }
    },
    async deleteExpired(nowSeconds) {
      return engine.write(function* () {
        yield* run('DELETE FROM as_refresh_replay WHERE expires_at < ?', nowSeconds);
        yield* deleteExpiredRevocations(nowSeconds);
        return yield* run('DELETE FROM as_artifact WHERE expires_at < ?', nowSeconds);
      });
    },
  };
}

/**
 * What a unit has to hold alone, in one order for all. Its grants: a revocation deletes only the rows that it can see, so
 * what adds to the grant at the same time has to wait or be waited for. Its artifacts: two units that write the same
 * ones in another order must not wait for each other.
 */
function locksOf(writes: readonly ArtifactWrite[]): string[] {
  const names = writes.flatMap((write) => {
    switch (write.kind) {
      case 'upsert':
      case 'insert': {
        const { model, idHash, grantHash } = write.record;
        return [
          artifactLock(model, idHash),
          ...(grantHash === undefined ? [] : [grantLock(grantHash)]),
        ];
      }
      case 'consume':
        return [artifactLock(write.model, write.idHash)];
      case 'destroy':
        return [
          artifactLock(write.model, write.idHash),
          ...(write.model === 'AccessToken' ? [REVOCATION_LOCK] : []),
        ];
      case 'revokeGrant':
        return [
          grantLock(write.grantHash),
          artifactLock('Grant', write.grantHash),
          REVOCATION_LOCK,
        ];
      case 'keepReplay':
        return [grantLock(write.replay.grantHash)];
      // A client is ended by its operator, after its record is gone: nothing new can be issued to it.
      case 'revokeClient':
        return [REVOCATION_LOCK];
      case 'touchClient':
        return [];
    }
  });
  return [...new Set(names)].sort();
}

function artifactLock(model: string, idHash: string): string {
  return `artifact ${model} ${idHash}`;
}

function grantLock(grantHash: string): string {
  return `grant ${grantHash}`;
}

function* apply(write: ArtifactWrite): SqlProgram<undefined> {
  switch (write.kind) {
    case 'upsert':
      yield* run(UPSERT, ...columns(write.record));
      return undefined;
    case 'insert': {
      const { model, idHash } = write.record;
      const changes = yield* run(`${INSERT} ON CONFLICT DO NOTHING`, ...columns(write.record));
      if (changes === 0) throw new Conflict({ kind: 'insert', model, idHash });
      return undefined;
    }
    case 'consume': {
      const { model, idHash, consumedAt } = write;
      const changes = yield* run(
        'UPDATE as_artifact SET consumed_at = ? WHERE model = ? AND id_hash = ? AND consumed_at IS NULL',
        consumedAt,
        model,
        idHash,
      );
      if (changes === 0) throw new Conflict({ kind: 'consume', model, idHash });
      return undefined;
    }
    case 'destroy':
      if (write.model === 'AccessToken') yield* noteRevokedTokens('id_hash = ?', write.idHash);
      yield* run(
        'DELETE FROM as_artifact WHERE model = ? AND id_hash = ?',
        write.model,
        write.idHash,
      );
      return undefined;
    case 'revokeGrant':
      yield* noteRevokedTokens('grant_hash = ?', write.grantHash);
      yield* run('DELETE FROM as_artifact WHERE grant_hash = ?', write.grantHash);
      yield* run("DELETE FROM as_artifact WHERE model = 'Grant' AND id_hash = ?", write.grantHash);
      yield* run('DELETE FROM as_refresh_replay WHERE grant_hash = ?', write.grantHash);
      return undefined;
    case 'revokeClient':
      yield* noteRevokedTokens('client_id = ?', write.clientId);
      yield* run(
        `DELETE FROM as_refresh_replay WHERE grant_hash IN
          (SELECT id_hash FROM as_artifact WHERE model = 'Grant' AND client_id = ?)`,
        write.clientId,
      );
      yield* run('DELETE FROM as_artifact WHERE client_id = ?', write.clientId);
      return undefined;
    case 'keepReplay': {
      const { idHash, grantHash, successorHash, response, expiresAt } = write.replay;
      yield* run(
        'INSERT INTO as_refresh_replay (id_hash, grant_hash, successor_hash, response, expires_at) VALUES (?, ?, ?, ?, ?)',
        idHash,
        grantHash,
        successorHash,
        response,
        expiresAt,
      );
      return undefined;
    }
    case 'touchClient':
      yield* run(
        `UPDATE as_client SET last_used_at = ?, expires_at = CASE WHEN expires_at IS NULL THEN NULL
           ELSE CAST(? AS BIGINT) END
         WHERE client_id = ?`,
        write.lastUsedAt,
        write.expiresAt,
        write.clientId,
      );
      return undefined;
  }
}

function columns(record: ArtifactRecord): (string | number | null)[] {
  return [
    record.model,
    record.idHash,
    record.payload,
    record.grantHash ?? null,
    record.uidHash ?? null,
    record.userCodeHash ?? null,
    record.clientId ?? null,
    record.accountId ?? null,
    record.consumedAt ?? null,
    record.expiresAt ?? null,
    record.createdAt,
  ];
}

function toRecord(row: ArtifactRow): ArtifactRecord {
  return {
    model: row.model,
    idHash: row.id_hash,
    payload: row.payload,
    grantHash: row.grant_hash ?? undefined,
    uidHash: row.uid_hash ?? undefined,
    userCodeHash: row.user_code_hash ?? undefined,
    clientId: row.client_id ?? undefined,
    accountId: row.account_id ?? undefined,
    consumedAt: row.consumed_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
  };
}

function toReplay(row: ReplayRow): RefreshReplay {
  return {
    idHash: row.id_hash,
    grantHash: row.grant_hash,
    successorHash: row.successor_hash,
    response: row.response,
    expiresAt: row.expires_at,
  };
}
