import { hash } from 'node:crypto';
import type { AccessTokenClaims, AccessTokenVerifier } from '../../oauth/access-token.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { ok } from '../../shared/result.js';

const MAX_ENTRIES = 10_000;
const MAX_AGE_SECONDS = 60;

interface Entry {
  readonly claims: AccessTokenClaims;
  /** Epoch seconds. */
  readonly until: number;
}

/**
 * Remembers good tokens by hash until they expire, at most 60 s: a signature check is up to a third of a request.
 * Refusals are not remembered. The least recently used go first.
 */
export function cacheVerifiedTokens(
  verify: AccessTokenVerifier,
  clock: Clock,
): AccessTokenVerifier {
  const entries = new Map<string, Entry>();
  return async (token) => {
    const key = hash('sha256', token, 'base64');
    const now = nowSeconds(clock);
    const known = entries.get(key);
    if (known !== undefined) {
      entries.delete(key);
      if (known.until > now) {
        entries.set(key, known);
        return ok(known.claims);
      }
    }
    const checked = await verify(token);
    if (checked.ok) {
      entries.set(key, {
        claims: checked.value,
        until: Math.min(checked.value.expiresAt, now + MAX_AGE_SECONDS),
      });
      if (entries.size > MAX_ENTRIES) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
    }
    return checked;
  };
}
