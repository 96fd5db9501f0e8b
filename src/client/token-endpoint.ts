import { type JsonObject, isJsonObject, parseJson } from '../shared/json.js';
import { type Result, err, ok } from '../shared/result.js';
import { parseScope } from '../oauth/scope.js';
import { NetworkError, UrlNotAllowedError } from '../net/errors.js';
import type { ClientRegistration } from './grant.js';

/** What the client needs of `fetch`. */
export type FetchLike = (input: string | URL, init?: RequestInit) => Promise<Response>;

export interface TokenResponse {
  readonly accessToken: string;
  /** Seconds from now. Undefined: the server did not say. */
  readonly expiresIn?: number;
  readonly refreshToken?: string;
  /** Undefined: as requested (RFC 6749 §5.1). */
  readonly scopes?: readonly string[];
}

/**
 * Why no tokens came. `oauth`: the server said no, in its words. `unavailable`: it answered without deciding.
 * `not_sent`: nothing left this machine. `unknown`: it may have acted, and the answer is lost.
 */
export type TokenFailure =
  | { readonly kind: 'oauth'; readonly error: string; readonly message: string }
  | {
      readonly kind: 'unavailable' | 'not_sent' | 'unknown';
      /** The code, when the server said "later" in one. */
      readonly error?: string;
      readonly message: string;
    };

export interface TokenRequest {
  readonly endpoint: string;
  readonly client: ClientRegistration;
  /** `token_endpoint_auth_methods_supported`; empty: not said. */
  readonly authMethods: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Errors with which a server says "later", not "no". */
const TRANSIENT_ERRORS = new Set(['server_error', 'temporarily_unavailable', 'slow_down']);

/** Sends one token request. Never throws for what the server or the network does. RFC 6749 §5 */
export async function requestTokens(
  fetch: FetchLike,
  request: TokenRequest,
): Promise<Result<TokenResponse, TokenFailure>> {
  const sent = await postForm(fetch, request);
  if (!sent.ok) return sent;
  const { status, text } = sent.value;
  const parsed = parseJson(text);
  const body = parsed.ok && isJsonObject(parsed.value) ? parsed.value : undefined;
  // Some servers send errors with status 200.
  if (typeof body?.['error'] === 'string') return err(oauthFailure(body, body['error']));
  if (status < 200 || status > 299) {
    return err({ kind: 'unavailable', message: `the token endpoint answered ${status}` });
  }
  const tokens = body === undefined ? undefined : readTokens(body);
  if (tokens === undefined) {
    const message = 'the token endpoint answered 200 without a usable bearer token';
    return err({ kind: 'unknown', message });
  }
  return ok(tokens);
}

/**
 * Revokes one token.
 *
 * @returns undefined when the server says it is gone, else what went wrong. RFC 7009
 */
export async function revokeToken(
  fetch: FetchLike,
  request: TokenRequest,
): Promise<string | undefined> {
  const sent = await postForm(fetch, request);
  if (!sent.ok) return sent.error.message;
  const { status } = sent.value;
  return status >= 200 && status <= 299 ? undefined : `the revocation endpoint answered ${status}`;
}

/** Sends a form with the client's authentication. Never throws for what the network does. */
export async function postForm(
  fetch: FetchLike,
  request: TokenRequest,
): Promise<Result<{ status: number; text: string }, TokenFailure>> {
  const headers = new Headers({
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  });
  const params = new URLSearchParams(request.params);
  authenticate(request, headers, params);
  try {
    const response = await fetch(request.endpoint, {
      method: 'POST',
      headers,
      body: params.toString(),
      ...(request.signal !== undefined && { signal: request.signal }),
    });
    return ok({ status: response.status, text: await response.text() });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const wasNeverSent =
      error instanceof UrlNotAllowedError || (error instanceof NetworkError && !error.wasSent);
    return err({ kind: wasNeverSent ? 'not_sent' : 'unknown', message });
  }
}

/** RFC 6749 §2.3.1: Basic where the server takes it, both parts form-encoded first. */
function authenticate(request: TokenRequest, headers: Headers, params: URLSearchParams): void {
  const { clientId, clientSecret } = request.client;
  const method = chooseAuthMethod(request.client, request.authMethods);
  if (method === 'client_secret_basic' && clientSecret !== undefined) {
    const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    return;
  }
  params.set('client_id', clientId);
  if (method === 'client_secret_post' && clientSecret !== undefined) {
    params.set('client_secret', clientSecret);
  }
}

function chooseAuthMethod(client: ClientRegistration, supported: readonly string[]): string {
  const { clientSecret, tokenEndpointAuthMethod: registered } = client;
  if (clientSecret === undefined) return 'none';
  const takes = (method: string): boolean => supported.length === 0 || supported.includes(method);
  if (registered !== undefined && takes(registered)) return registered;
  if (takes('client_secret_basic')) return 'client_secret_basic';
  return takes('client_secret_post') ? 'client_secret_post' : 'none';
}

function formEncode(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice(2);
}

function oauthFailure(body: JsonObject, code: string): TokenFailure {
  const error = printable(code, 60);
  const description = body['error_description'];
  const message =
    typeof description === 'string' ? `${error}: ${printable(description, 300)}` : error;
  return TRANSIENT_ERRORS.has(error)
    ? { kind: 'unavailable', error, message }
    : { kind: 'oauth', error, message };
}

function readTokens(body: JsonObject): TokenResponse | undefined {
  const {
    access_token: accessToken,
    token_type: type,
    expires_in: expiresIn,
    refresh_token: refreshToken,
    scope,
  } = body;
  if (typeof accessToken !== 'string' || !/^[\x21-\x7e]+$/.test(accessToken)) return undefined;
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return undefined;
  // Sent as a text by some servers.
  const seconds = Number(expiresIn ?? Number.NaN);
  return {
    accessToken,
    ...(Number.isFinite(seconds) && seconds >= 0 && { expiresIn: Math.floor(seconds) }),
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
    ...(typeof scope === 'string' && { scopes: parseScope(scope) }),
  };
}

/** Text of a server for a terminal: no control or direction characters, at most `maxLength` of it. */
export function printable(text: string, maxLength: number): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, maxLength);
}
