import type { SafeFetch } from '../../net/safe-fetch.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { UpstreamCredentialError } from './errors.js';

/** A token endpoint, and who this server is there. */
export interface TokenEndpoint {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  /** Sent as `client_secret_basic` (RFC 6749 §2.3.1). */
  readonly clientSecret: string;
  readonly scopes?: readonly string[];
  /** What the token is for: `resource` of RFC 8707. */
  readonly resource?: string;
  /** The same by name: `audience` of RFC 8693. */
  readonly audience?: string;
}

export interface GrantedToken {
  readonly accessToken: string;
  /** Epoch seconds. */
  readonly expiresAt: number | undefined;
}

const MAX_BYTES = 64 * 1024;
const MAX_LIFETIME_SECONDS = 86_400;
const TOKEN = /^[\x21-\x7e]{1,16384}$/;
const ERROR_CODE = /^[a-z_]{1,64}$/;

/**
 * Asks a token endpoint for a bearer token.
 *
 * @throws {UpstreamCredentialError} `refused` when it says no or its answer cannot be used, `unavailable` when it cannot
 *   be reached; never with anything that was sent
 */
export async function requestToken(
  upstream: string,
  endpoint: TokenEndpoint,
  parameters: Readonly<Record<string, string>>,
  { fetch, clock }: { readonly fetch: SafeFetch; readonly clock: Clock },
): Promise<GrantedToken> {
  const { clientId, clientSecret, scopes, resource, audience } = endpoint;
  const form = new URLSearchParams({
    ...parameters,
    ...(scopes !== undefined && scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(resource !== undefined && { resource }),
    ...(audience !== undefined && { audience }),
  });
  const basic = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`);
  let status: number;
  let text: string;
  try {
    const response = await fetch(endpoint.tokenEndpoint, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${basic.toString('base64')}`,
      },
      body: form.toString(),
    });
    ({ status } = response);
    text = await response.text();
  } catch (error) {
    throw new UpstreamCredentialError(upstream, 'unavailable', '', { cause: error });
  }
  const parsed = parseJson(text, { maxBytes: MAX_BYTES });
  const answer = parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
  if (status >= 500)
    throw new UpstreamCredentialError(upstream, 'unavailable', ` (status ${status})`);
  if (status !== 200) {
    const { error } = answer;
    if (typeof error !== 'string' || !ERROR_CODE.test(error)) {
      throw new UpstreamCredentialError(upstream, 'refused', ` (status ${status})`);
    }
    throw new UpstreamCredentialError(upstream, 'refused', ` (${error})`, { oauthError: error });
  }
  const { access_token: accessToken, token_type: type, expires_in: lifetime } = answer;
  if (typeof accessToken !== 'string' || !TOKEN.test(accessToken)) {
    throw new UpstreamCredentialError(upstream, 'refused', ' (its answer has no access_token)');
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw new UpstreamCredentialError(upstream, 'refused', ' (its token is not a bearer token)');
  }
  const seconds = typeof lifetime === 'number' && lifetime > 0 ? lifetime : undefined;
  return {
    accessToken,
    expiresAt:
      seconds === undefined
        ? undefined
        : nowSeconds(clock) + Math.floor(Math.min(seconds, MAX_LIFETIME_SECONDS)),
  };
}

/** RFC 6749 §2.3.1 and appendix B: form encoding before base64. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
