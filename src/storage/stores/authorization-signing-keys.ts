import type { SigningKeyRecord, SigningKeyStore } from '../../authorization/ports.js';
import { type SqlEngine, all, get, lock, run } from '../sql.js';

interface SigningKeyRow {
  kid: string;
  algorithm: string;
  private_jwk: string;
  created_at: number;
  activate_at: number;
  retire_at: number | null;
  remove_at: number | null;
}

export function createSigningKeyStore(engine: SqlEngine): SigningKeyStore {
  return {
    async list() {
      const rows = await engine.run(() =>
        all<SigningKeyRow>(`SELECT kid, algorithm, private_jwk, created_at, activate_at, retire_at, remove_at
            FROM as_signing_key ORDER BY created_at, kid`),
      );
      return rows.map(toRecord);
    },
    async insertFirst(record) {
      return engine.write(function* () {
        yield* lock('signing keys');
        const known = yield* get(
          'SELECT 1 FROM as_signing_key WHERE algorithm = ?',
          record.algorithm,
        );
        if (known !== undefined) return false;
        yield* run(
          `INSERT INTO as_signing_key (kid, algorithm, private_jwk, created_at, activate_at, retire_at, remove_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
          record.kid,
          record.algorithm,
          record.privateJwk,
          record.createdAt,
          record.activateAt,
          record.retireAt ?? null,
          record.removeAt ?? null,
        );
        return true;
      });
    },
  };
}

function toRecord(row: SigningKeyRow): SigningKeyRecord {
  return {
    kid: row.kid,
    algorithm: row.algorithm,
    privateJwk: row.private_jwk,
    createdAt: row.created_at,
    activateAt: row.activate_at,
    retireAt: row.retire_at ?? undefined,
    removeAt: row.remove_at ?? undefined,
  };
}
