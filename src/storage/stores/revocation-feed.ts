import { accessTokenCredentialId, apiKeyCredentialId } from '../../shared/credential-id.js';
import type { RevocationFeed } from '../../server/core/revocations.js';
import { type SqlEngine, type SqlProgram, all, lock, run } from '../sql.js';

/** Longer than any tolerance for clocks, after the credential's own end. */
const GRACE_SECONDS = 330;
/** An API key is looked up at every use: its row is there for the streams that it opened. */
const API_KEY_SECONDS = 3600;

const INSERT = 'INSERT INTO revocation (credential_id, expires_at)';
const TOKEN_PREFIX = accessTokenCredentialId('');
const API_KEY_PREFIX = apiKeyCredentialId('');

/**
 * Held to the end of a transaction that adds to the feed: rows become visible in the order of their numbers, so that a
 * reader who goes on from the last number it saw misses none.
 */
export const REVOCATION_LOCK = 'revocation feed';

export function createRevocationFeed(engine: SqlEngine): RevocationFeed {
  return {
    async after(position, limit) {
      const rows = await engine.run(() =>
        all<{ feed_no: number; credential_id: string; expires_at: number }>(
          'SELECT feed_no, credential_id, expires_at FROM revocation WHERE feed_no > ? ORDER BY feed_no LIMIT ?',
          position,
          limit,
        ),
      );
      return rows.map((row) => ({
        position: row.feed_no,
        credentialId: row.credential_id,
        expiresAt: row.expires_at,
      }));
    },
    deleteExpired: (nowSeconds) => engine.run(() => deleteExpiredRevocations(nowSeconds)),
  };
}

export function* deleteExpiredRevocations(nowSeconds: number): SqlProgram<number> {
  return yield* run('DELETE FROM revocation WHERE expires_at < ?', nowSeconds);
}

/** Adds the access tokens that `condition` picks. Under {@link REVOCATION_LOCK}, before they are deleted. */
export function* noteRevokedTokens(
  condition: 'id_hash = ?' | 'grant_hash = ?' | 'client_id = ?' | 'account_id = ?',
  value: string,
): SqlProgram<undefined> {
  yield* run(
    `${INSERT} SELECT '${TOKEN_PREFIX}' || id_hash, expires_at + ${GRACE_SECONDS} FROM as_artifact
      WHERE model = 'AccessToken' AND ${condition} AND expires_at IS NOT NULL`,
    value,
  );
  return undefined;
}

/** Adds one credential. Under {@link REVOCATION_LOCK}. */
export function* noteRevoked(credentialId: string, expiresAt: number): SqlProgram<undefined> {
  yield* run(`${INSERT} VALUES (?, ?)`, credentialId, expiresAt);
  return undefined;
}

/** Revokes the live keys that `condition` picks, and adds them. @returns how many */
export function* revokeKeys(
  condition: 'id = ?' | 'name = ?',
  value: string,
  nowSeconds: number,
): SqlProgram<number> {
  yield* lock(REVOCATION_LOCK);
  yield* run(
    `${INSERT} SELECT '${API_KEY_PREFIX}' || id, CAST(? AS BIGINT) FROM api_key
      WHERE ${condition} AND revoked_at IS NULL`,
    nowSeconds + API_KEY_SECONDS,
    value,
  );
  return yield* run(
    `UPDATE api_key SET revoked_at = ? WHERE ${condition} AND revoked_at IS NULL`,
    nowSeconds,
    value,
  );
}
