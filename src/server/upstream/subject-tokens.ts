import { type CryptoKey, type JWK, SignJWT } from 'jose';
import { type Clock, nowSeconds, systemClock } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import type { Principal } from '../core/principal.js';
import type { StoredUpstreamTokens } from '../core/upstream.js';
import { UpstreamCredentialError } from './errors.js';
import type { SubjectToken } from './sources.js';

type MakeSubjectToken = (principal: Principal) => Promise<SubjectToken>;

export interface AssertionOptions {
  /** `iss`: as the token endpoint knows this server. */
  readonly issuer: string;
  /** `aud`: the token endpoint, or the issuer behind it. */
  readonly audience: string;
  /** Private key, with its algorithm. */
  readonly key: CryptoKey | JWK;
  readonly algorithm: 'ES256' | 'RS256' | 'PS256' | 'EdDSA';
  readonly keyId?: string;
  /** Default 60. */
  readonly lifetimeSeconds?: number;
  readonly clock?: Clock;
}

/** A statement of this server's own about who calls, signed with its own key: nothing that the caller sent is in it. */
export function assertSubject(options: AssertionOptions): MakeSubjectToken {
  const { issuer, audience, key, algorithm, keyId, lifetimeSeconds = 60 } = options;
  const { clock = systemClock } = options;
  return async (principal) => {
    const now = nowSeconds(clock);
    const token = await new SignJWT({ tenant: principal.tenant, client_id: principal.clientId })
      .setProtectedHeader({ alg: algorithm, ...(keyId !== undefined && { kid: keyId }) })
      .setIssuer(issuer)
      .setSubject(principal.subject)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + lifetimeSeconds)
      .setJti(randomId(16))
      .sign(key);
    return { token, type: 'urn:ietf:params:oauth:token-type:jwt' };
  };
}

/**
 * The token that the person has from a provider.
 *
 * @param upstream - named in the error when there is none
 */
export function storedSubject(
  upstream: string,
  provider: string,
  tokens: StoredUpstreamTokens,
): MakeSubjectToken {
  return async (principal) => {
    const found = await tokens.tokenFor(principal, provider);
    if (found.ok) {
      const type = 'urn:ietf:params:oauth:token-type:access_token';
      return { token: found.value.accessToken, type };
    }
    throw new UpstreamCredentialError(
      upstream,
      found.error === 'unavailable' ? 'unavailable' : 'not_connected',
    );
  };
}
