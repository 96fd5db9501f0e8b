import type { SigningKeyRecord, SigningKeyStore } from '../../authorization/ports.js';
import type { SqliteDatabase } from './database.js';

interface SigningKeyRow {
  kid: string;
  algorithm: string;
  private_jwk: string;
  created_at: number;
  activate_at: number;
  retire_at: number | null;
  remove_at: number | null;
}

export function createSqliteSigningKeyStore(database: SqliteDatabase): SigningKeyStore {
  return {
    async list() {
      return database
        .all<SigningKeyRow>('SELECT * FROM as_signing_key ORDER BY created_at, kid')
        .map(toRecord);
    },
    async insertFirst(record) {
      // One statement: the write lock makes the check and the insert one step for every process.
      const { changes } = database.run(
        `INSERT INTO as_signing_key (kid, algorithm, private_jwk, created_at, activate_at, retire_at, remove_at)
         SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM as_signing_key WHERE algorithm = ?)`,
        record.kid,
        record.algorithm,
        record.privateJwk,
        record.createdAt,
        record.activateAt,
        record.retireAt ?? null,
        record.removeAt ?? null,
        record.algorithm,
      );
      return changes > 0;
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
