import { hash } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import type { AccessTokenVerifier, TokenRejection } from '../../oauth/access-token.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { type Result, err, ok } from '../../shared/result.js';
import type { AccessTokenClaims } from '../../oauth/claim-mapping.js';
import { credentialIdOfJti, signingKeyCredentialId } from '../../shared/credential-id.js';
import { LOCAL_ISSUER, type Principal, revocableIdsOf } from '../core/principal.js';
import type { Revocations } from '../core/revocations.js';

const MAX_ENTRIES = 10_000;
const MAX_AGE_SECONDS = 60;
const MAX_REFUSED = 2000;
// Long enough to take the weight off an issuer that is asked about one bad token again and again.
const REFUSED_SECONDS = 5;

interface Entry {
  readonly outcome: Result<Principal, never>;
  readonly credentialIds: readonly string[];
  /** Epoch seconds. */
  readonly until: number;
  /** The revocations that the token was compared with. */
  epoch: number;
}

export type TokenRefusal = TokenRejection | 'revoked' | 'revocations_unavailable';

export interface TokenCacheOptions {
  readonly verify: AccessTokenVerifier;
  readonly revocations: Revocations | undefined;
  readonly clock: Clock;
  /** Gets every look-up, for counting. */
  readonly onLookup?: ((outcome: 'hit' | 'miss') => void) | undefined;
}

export interface TokenCache {
  /**
   * A token that is known to be good, at once: a hash, a look-up and a comparison of two numbers. The same principal
   * every time.
   *
   * @returns undefined when it has to be verified
   */
  find(token: string): Result<Principal, never> | undefined;
  verify(token: string): Promise<Result<Principal, TokenRefusal>>;
}

/**
 * Remembers good tokens by hash until they expire, at most 60 s: a signature check is up to a third of a request. One
 * that is revoked is forgotten as soon as this process knows of it. That a token is not active, an issuer says once in
 * 5 s; other refusals are not remembered. The least recently used go first.
 */
export function createTokenCache(options: TokenCacheOptions): TokenCache {
  const { revocations, clock, onLookup } = options;
  const good = new Map<string, Entry>();
  const inactive = new Map<string, number>();
  const running = new Map<string, Promise<Result<Principal, TokenRefusal>>>();

  const isRevoked = (entry: Entry): boolean => {
    if (revocations === undefined || entry.epoch === revocations.epoch) return false;
    if (entry.credentialIds.some((id) => revocations.isRevoked(id))) return true;
    entry.epoch = revocations.epoch;
    return false;
  };

  const check = async (token: string, key: string): Promise<Result<Principal, TokenRefusal>> => {
    const checked = await options.verify(token);
    const now = nowSeconds(clock);
    if (!checked.ok) {
      if (checked.error === 'inactive') remember(inactive, key, now + REFUSED_SECONDS, MAX_REFUSED);
      return checked;
    }
    if (revocations !== undefined) {
      try {
        await revocations.ready();
      } catch {
        return err('revocations_unavailable');
      }
    }
    // From here on nothing is awaited: a revocation comes before it or meets the entry.
    const principal = toPrincipal(checked.value, token);
    const credentialIds = revocableIdsOf(principal);
    if (credentialIds.some((id) => revocations?.isRevoked(id) === true)) return err('revoked');
    const outcome = ok(principal);
    const until = Math.min(checked.value.expiresAt, now + MAX_AGE_SECONDS);
    remember(
      good,
      key,
      { outcome, credentialIds, until, epoch: revocations?.epoch ?? 0 },
      MAX_ENTRIES,
    );
    return outcome;
  };

  return {
    find(token) {
      const key = hash('sha256', token, 'base64');
      const known = good.get(key);
      if (known === undefined) return undefined;
      good.delete(key);
      if (known.until <= nowSeconds(clock) || isRevoked(known)) return undefined;
      good.set(key, known);
      onLookup?.('hit');
      return known.outcome;
    },
    verify(token) {
      onLookup?.('miss');
      const key = hash('sha256', token, 'base64');
      const refusedUntil = inactive.get(key);
      if (refusedUntil !== undefined) {
        if (refusedUntil > nowSeconds(clock)) return Promise.resolve(err('inactive'));
        inactive.delete(key);
      }
      // A client that opens ten connections at once shows one new token ten times.
      const underway = running.get(key);
      if (underway !== undefined) return underway;
      const checking = check(token, key).finally(() => running.delete(key));
      running.set(key, checking);
      return checking;
    },
  };
}

function toPrincipal(claims: AccessTokenClaims, token: string): Principal {
  const { identity, tokenId } = claims;
  const isOurs = identity === LOCAL_ISSUER;
  const kid = isOurs ? keyIdOf(token) : undefined;
  return {
    issuer: identity,
    subject: claims.subject,
    tenant: claims.tenant,
    scopes: claims.scopes,
    clientId: claims.clientId,
    method: claims.isMachine ? 'machine' : 'oauth',
    expiresAt: claims.expiresAt,
    // Another issuer's token ids are its own: they must not meet those in our feed.
    credentialId: isOurs && tokenId !== undefined ? credentialIdOfJti(tokenId) : undefined,
    ...(kid !== undefined && { signedWith: signingKeyCredentialId(kid) }),
  };
}

/** Of a token whose signature was checked. */
function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}

function remember<T>(entries: Map<string, T>, key: string, entry: T, max: number): void {
  entries.delete(key);
  entries.set(key, entry);
  if (entries.size <= max) return;
  const oldest = entries.keys().next();
  if (oldest.done !== true) entries.delete(oldest.value);
}
