import type { SafeFetch } from '../../net/safe-fetch.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import type { StoredUpstreamTokens } from '../core/upstream.js';
import { type Principal, principalKey } from '../core/principal.js';
import { type UpstreamCredential, sealCredential } from './credential.js';
import { UpstreamCredentialError } from './errors.js';
import { type TokenEndpoint, requestToken } from './token-endpoint.js';

/** Says to a token endpoint for whom a token is wanted: never the token that came in. */
export interface SubjectToken {
  readonly token: string;
  /** Token type identifier of RFC 8693 §3, such as `urn:ietf:params:oauth:token-type:jwt`. */
  readonly type: string;
}

/** Where the credential of an upstream comes from. */
export type CredentialSource =
  /** The same for everybody, from the owner's secrets. */
  | { readonly kind: 'static'; readonly secret: string }
  /** A token of this server itself (RFC 6749 §4.4). */
  | ({ readonly kind: 'client-credentials' } & TokenEndpoint)
  /** A token for the person who calls (RFC 8693), in exchange for one that `subjectToken` makes or finds. */
  | ({
      readonly kind: 'token-exchange';
      subjectToken(principal: Principal): Promise<SubjectToken>;
    } & TokenEndpoint)
  /** The token that the person got when signing in with this provider. */
  | { readonly kind: 'stored'; readonly provider: string; readonly tokens: StoredUpstreamTokens };

/** Gives out the credentials of one upstream. */
export interface CredentialIssuer {
  credentialFor(principal: Principal | undefined): Promise<UpstreamCredential>;
  /** The upstream has refused it: the next one is new. */
  forget(principal: Principal | undefined): void;
}

const GRANT_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Lasts for the call it is asked for. */
const EARLY_SECONDS = 30;
/** Of a token whose lifetime nobody says. */
const UNKNOWN_LIFETIME_SECONDS = 60;
const MAX_KEPT = 1000;

export function createCredentialIssuer(
  name: string,
  source: CredentialSource,
  parts: { readonly fetch: SafeFetch; readonly clock: Clock },
): CredentialIssuer {
  switch (source.kind) {
    case 'static': {
      const credential = sealCredential(source.secret, undefined);
      return { credentialFor: async () => credential, forget: () => undefined };
    }
    case 'client-credentials':
      return kept(
        parts.clock,
        () => '',
        async () => {
          const granted = await requestToken(
            name,
            source,
            { grant_type: 'client_credentials' },
            parts,
          );
          return sealCredential(granted.accessToken, granted.expiresAt);
        },
      );
    case 'token-exchange':
      return kept(parts.clock, keyOf, async (principal) => {
        const person = requirePrincipal(name, principal);
        const subject = await source.subjectToken(person);
        const granted = await requestToken(
          name,
          source,
          {
            grant_type: GRANT_EXCHANGE,
            subject_token: subject.token,
            subject_token_type: subject.type,
            requested_token_type: ACCESS_TOKEN,
          },
          parts,
        );
        return sealCredential(granted.accessToken, granted.expiresAt);
      });
    case 'stored':
      // Its store keeps and refreshes it.
      return {
        forget: () => undefined,
        async credentialFor(principal) {
          const person = requirePrincipal(name, principal);
          if (person.method === 'machine') throw new UpstreamCredentialError(name, 'no_person');
          const found = await source.tokens.tokenFor(person, source.provider);
          if (found.ok) return sealCredential(found.value.accessToken, found.value.expiresAt);
          const reason = found.error === 'unavailable' ? 'unavailable' : 'not_connected';
          throw new UpstreamCredentialError(name, reason);
        },
      };
  }
}

function keyOf(principal: Principal | undefined): string {
  return principal === undefined ? '' : principalKey(principal);
}

function requirePrincipal(name: string, principal: Principal | undefined): Principal {
  if (principal === undefined) throw new UpstreamCredentialError(name, 'no_person');
  return principal;
}

type Issue = CredentialIssuer['credentialFor'];

/** One request at a time for a key, for whoever waits: it does not end with the call that began it. Kept until shortly before its end. The least recently used go first. */
function kept(
  clock: Clock,
  keyFor: (principal: Principal | undefined) => string,
  issue: Issue,
): CredentialIssuer {
  const known = new Map<string, { credential: UpstreamCredential; until: number }>();
  const running = new Map<string, Promise<UpstreamCredential>>();
  const renew = async (
    key: string,
    principal: Principal | undefined,
  ): Promise<UpstreamCredential> => {
    const credential = await issue(principal);
    const now = nowSeconds(clock);
    const until = (credential.expiresAt ?? now + UNKNOWN_LIFETIME_SECONDS) - EARLY_SECONDS;
    if (until > now) {
      known.set(key, { credential, until });
      if (known.size > MAX_KEPT) {
        const oldest = known.keys().next();
        if (!oldest.done) known.delete(oldest.value);
      }
    }
    return credential;
  };
  return {
    forget: (principal) => void known.delete(keyFor(principal)),
    async credentialFor(principal) {
      const key = keyFor(principal);
      const found = known.get(key);
      if (found !== undefined) {
        known.delete(key);
        if (found.until > nowSeconds(clock)) {
          known.set(key, found);
          return found.credential;
        }
      }
      const waiting = running.get(key);
      if (waiting !== undefined) return waiting;
      const renewing = renew(key, principal).finally(() => running.delete(key));
      running.set(key, renewing);
      return renewing;
    },
  };
}
