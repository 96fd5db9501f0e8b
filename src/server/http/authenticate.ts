import type { IncomingMessage } from 'node:http';
import {
  type AccessTokenAlgorithm,
  type TrustedIssuer,
  createAccessTokenVerifier,
} from '../../oauth/access-token.js';
import type { Clock } from '../../shared/clock.js';
import { type Result, err, ok } from '../../shared/result.js';
import { API_KEY_PREFIX, type ApiKeyRejection, verifyApiKey } from '../core/api-key.js';
import type { ApiKeyStore } from '../core/ports.js';
import type { Principal } from '../core/principal.js';
import type { RevocationFeed, Revocations } from '../core/revocations.js';
import { type InboundTokens, rememberToken } from '../upstream/inbound-tokens.js';
import { type TokenRefusal, createTokenCache } from './token-cache.js';

export interface AuthenticationOptions {
  /** May be empty: then API keys are the only credentials. */
  readonly trustedIssuers: readonly TrustedIssuer[];
  readonly apiKeys: ApiKeyStore;
  /** What was revoked, by whichever process. Undefined: a token of ours is good until it expires. */
  readonly revocations?: RevocationFeed;
  /** Default `['ES256']`. */
  readonly algorithms?: readonly AccessTokenAlgorithm[];
  /** Default 30, at most 300. */
  readonly clockToleranceSeconds?: number;
  /** Keeps access tokens for an exchange at their own issuer (RFC 8693). Default: none is kept. */
  readonly inboundTokens?: InboundTokens | undefined;
  /** Gets every refusal, for counting. It must not throw. */
  readonly onRejected?: (rejection: CredentialRejection) => void;
  /** Gets every look-up of an access token that was verified before (`hit`) or has to be (`miss`). It must not throw. */
  readonly onTokenCache?: (outcome: 'hit' | 'miss') => void;
}

/**
 * Why a request has no principal. `missing`: no credentials came. `malformed`: they break the syntax, or contradict
 * each other. The rest is for the operator.
 */
export type CredentialRejection =
  | { readonly kind: 'missing' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'bad_token'; readonly reason: Exclude<TokenRefusal, Unavailable> }
  | { readonly kind: 'bad_api_key'; readonly reason: ApiKeyRejection }
  | { readonly kind: 'unavailable'; readonly reason: Unavailable };

/** Nobody can say whether the token is good: a client that dropped its login for it would do so for nothing. */
type Unavailable = Extract<TokenRefusal, `${string}_unavailable`>;

type Authentication = Result<Principal, CredentialRejection>;

/** @returns at once for a token that was verified before */
export type Authenticate = (request: IncomingMessage) => Authentication | Promise<Authentication>;

// RFC 6750 §2.1: b64token
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Makes principals of HTTP requests: an access token or an API key in `Authorization: Bearer`, or an API key in
 * `X-API-Key`. Credentials anywhere else, such as the query string, are not read at all.
 *
 * @param resource - the canonical identifier that access tokens have to name
 * @see RFC 6750 §2, §3.1
 */
export function createAuthenticator(
  options: AuthenticationOptions,
  resource: string,
  clock: Clock,
  revocations?: Revocations,
): Authenticate {
  const { apiKeys, inboundTokens, onRejected } = options;
  const tokens = createTokenCache({
    verify: createAccessTokenVerifier({
      trustedIssuers: options.trustedIssuers,
      resource,
      clock,
      ...(options.algorithms !== undefined && { algorithms: options.algorithms }),
      ...(options.clockToleranceSeconds !== undefined && {
        clockToleranceSeconds: options.clockToleranceSeconds,
      }),
    }),
    revocations,
    clock,
    onLookup: options.onTokenCache,
  });
  const refuse = (rejection: CredentialRejection): Authentication => {
    onRejected?.(rejection);
    return err(rejection);
  };
  const verifyKey = async (key: string): Promise<Authentication> => {
    const checked = await verifyApiKey(apiKeys, key, clock);
    return checked.ok ? checked : refuse({ kind: 'bad_api_key', reason: checked.error });
  };
  const verifyToken = async (token: string): Promise<Authentication> => {
    const checked = await tokens.verify(token);
    // Once is enough: a token that is known has the same principal.
    if (checked.ok && inboundTokens !== undefined) {
      rememberToken(inboundTokens, checked.value, token);
    }
    return checked.ok ? checked : refuse(toRejection(checked.error));
  };
  return (request) => {
    const credential = readCredential(request);
    if (!credential.ok) return refuse(credential.error);
    const { value } = credential;
    if (value.kind === 'api-key') return verifyKey(value.key);
    return tokens.find(value.token) ?? verifyToken(value.token);
  };
}

function toRejection(reason: TokenRefusal): CredentialRejection {
  return isUnavailable(reason) ? { kind: 'unavailable', reason } : { kind: 'bad_token', reason };
}

function isUnavailable(reason: TokenRefusal): reason is Unavailable {
  return reason.endsWith('_unavailable');
}

type Credential =
  | { readonly kind: 'api-key'; readonly key: string }
  | { readonly kind: 'token'; readonly token: string };

function readCredential(request: IncomingMessage): Result<Credential, CredentialRejection> {
  const { authorization: header, 'x-api-key': keyHeader } = request.headers;
  if (isRepeated(request, 'authorization') || isRepeated(request, 'x-api-key')) {
    return err({ kind: 'malformed', reason: 'a credential header is given twice' });
  }
  const apiKey = typeof keyHeader === 'string' ? keyHeader : undefined;
  const isBearer = header !== undefined && /^Bearer( |$)/i.test(header);
  if (!isBearer) {
    // Another scheme is not ours to judge: as if nothing had come (RFC 6750 §3.1).
    return apiKey === undefined ? err({ kind: 'missing' }) : ok({ kind: 'api-key', key: apiKey });
  }
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) {
    return err({ kind: 'malformed', reason: 'the Bearer credentials are not a token' });
  }
  if (apiKey !== undefined && apiKey !== token) {
    return err({ kind: 'malformed', reason: 'Authorization and X-API-Key contradict each other' });
  }
  return ok(
    token.startsWith(API_KEY_PREFIX) ? { kind: 'api-key', key: token } : { kind: 'token', token },
  );
}

/** Asked of the raw list: node keeps the first `authorization` and joins the others. */
function isRepeated({ headers, rawHeaders }: IncomingMessage, name: string): boolean {
  if (headers[name] === undefined) return false;
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const raw = rawHeaders[index] ?? '';
    if (raw.length === name.length && raw.toLowerCase() === name) count += 1;
  }
  return count > 1;
}
