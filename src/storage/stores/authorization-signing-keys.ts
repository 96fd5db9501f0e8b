import type { SigningKeyRecord, SigningKeyStore } from '../../authorization/ports.js';
import { signingKeyCredentialId } from '../../shared/credential-id.js';
import { type SqlEngine, all, lock, run } from '../sql.js';
import { REVOCATION_LOCK, noteRevoked } from './revocation-feed.js';

interface SigningKeyRow {
  kid: string;
  algorithm: string;
  private_jwk: string;
  created_at: number;
  activate_at: number;
  retire_at: number | null;
  remove_at: number | null;
}

const COLUMNS = 'kid, algorithm, private_jwk, created_at, activate_at, retire_at, remove_at';
const LOCK = 'signing keys';

export function createSigningKeyStore(engine: SqlEngine): SigningKeyStore {
  return {
    async list() {
      const rows = await engine.run(() =>
        all<SigningKeyRow>(`SELECT ${COLUMNS} FROM as_signing_key ORDER BY created_at, kid`),
      );
      return rows.map(toRecord);
    },
    async insert(record, knownKids) {
      return engine.write(function* () {
        yield* lock(LOCK);
        const rows = yield* all<{ kid: string }>(
          'SELECT kid FROM as_signing_key WHERE algorithm = ?',
          record.algorithm,
        );
        const isAsKnown =
          rows.length === knownKids.length && rows.every(({ kid }) => knownKids.includes(kid));
        if (!isAsKnown) return false;
        yield* run(
          `INSERT INTO as_signing_key (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
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
    async remove(kid, { nowSeconds, refusedUntil }) {
      return engine.write(function* () {
        yield* lock(REVOCATION_LOCK);
        yield* lock(LOCK);
        const changes = yield* run(
          `UPDATE as_signing_key SET remove_at = ?, private_jwk = ''
            WHERE kid = ? AND (remove_at IS NULL OR remove_at > ?)`,
          nowSeconds,
          kid,
          nowSeconds,
        );
        if (changes === 0) return false;
        yield* noteRevoked(signingKeyCredentialId(kid), refusedUntil);
        return true;
      });
    },
    async tidy({ endedBefore, deleteBefore }) {
      await engine.write(function* () {
        yield* lock(LOCK);
        yield* run('DELETE FROM as_signing_key WHERE remove_at < ?', deleteBefore);
        yield* run(
          "UPDATE as_signing_key SET private_jwk = '' WHERE remove_at < ? AND private_jwk <> ''",
          endedBefore,
        );
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
