import { findChallenge } from '../oauth/challenge.js';
import type { Challenge } from '../oauth/challenge.js';
import { canonicalResource } from '../oauth/resource.js';
import { missingScopes, parseScope, unionScopes } from '../oauth/scope.js';
import type { Broker } from './broker.js';
import { discover } from './discovery.js';
import {
  CredentialsRejectedError,
  DiscoveryError,
  LoginRequiredError,
  ScopeRequiredError,
} from './errors.js';
import type { Grant } from './grant.js';
import { type LoginOptions, login } from './login/login.js';
import type { FetchLike } from './token-endpoint.js';

export interface AuthorizedFetchOptions {
  readonly serverUrl: string;
  readonly broker: Broker;
  /** For the MCP server itself. */
  readonly fetch: FetchLike;
  /** For discovery: small documents, short time limits. */
  readonly oauthFetch: FetchLike;
  /** How to sign somebody in when the server asks for it. Undefined: never; the call fails and says so. */
  readonly login?: Omit<LoginOptions, 'broker' | 'fetch'> | undefined;
}

/** A call is repeated at most this often with more scopes. */
const MAX_STEP_UPS = 2;

/**
 * Makes a `fetch` for one MCP server that adds the broker's access token, and repeats a call once after a 401 with a
 * renewed token (or a new login, where one may be started), and after a 403 `insufficient_scope` with more scopes.
 *
 * The token goes to the server's own URL alone; a request anywhere else is refused. Bodies have to be texts, since a
 * call may be sent again.
 *
 * @throws {TypeError} from the returned function, when the URL is another one or the body cannot be sent twice
 * @throws {LoginRequiredError | ScopeRequiredError | CredentialsRejectedError | RefreshFailedError} from the returned function
 * @see RFC 6750 §3, MCP 2026-07-28 authorization
 */
export function createAuthorizedFetch(options: AuthorizedFetchOptions): FetchLike {
  const session = new AuthorizedSession(options);
  return (input, init = {}) => session.fetch(input, init);
}

class AuthorizedSession {
  readonly #options: AuthorizedFetchOptions;
  readonly #serverUrl: string;
  /** Recoveries in flight, by the token that was refused: parallel calls share one. */
  readonly #recoveries = new Map<string, Promise<Grant>>();

  constructor(options: AuthorizedFetchOptions) {
    this.#options = options;
    this.#serverUrl = canonicalResource(options.serverUrl);
  }

  async fetch(input: string | URL, init: RequestInit): Promise<Response> {
    this.#requireOwnUrl(String(input));
    if (init.body != null && typeof init.body !== 'string') {
      throw new TypeError('the body has to be a text: the call may be sent a second time');
    }
    let token = await this.#options.broker.accessToken(this.#serverUrl);
    let isRecovered = false;
    for (let stepUps = 0; ;) {
      const response = await this.#send(input, init, token);
      const challenge = findChallenge(response.headers.get('www-authenticate'), 'bearer');
      if (response.status === 401) {
        await response.body?.cancel();
        if (isRecovered) {
          throw new CredentialsRejectedError(
            this.#serverUrl,
            'a token that was issued just now is not accepted',
          );
        }
        token = (await this.#recover(token, challenge, init.signal ?? undefined)).accessToken;
        isRecovered = true;
      } else if (
        response.status === 403 &&
        challenge?.params['error'] === 'insufficient_scope' &&
        stepUps < MAX_STEP_UPS
      ) {
        await response.body?.cancel();
        token = (await this.#stepUp(challenge, init.signal ?? undefined)).accessToken;
        stepUps++;
      } else {
        return response;
      }
    }
  }

  #requireOwnUrl(url: string): void {
    if (new URL(url).origin !== new URL(this.#serverUrl).origin) {
      throw new TypeError(
        `credentials of ${this.#serverUrl} are not sent to ${new URL(url).origin}`,
      );
    }
  }

  #send(input: string | URL, init: RequestInit, token: string | undefined): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return this.#options.fetch(input, { ...init, headers });
  }

  #recover(
    rejected: string | undefined,
    challenge: Challenge | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    const key = rejected ?? '';
    const running = this.#recoveries.get(key);
    if (running !== undefined) return running;
    const recovery = this.#renewOrLogin(rejected, challenge, signal).finally(() =>
      this.#recoveries.delete(key),
    );
    this.#recoveries.set(key, recovery);
    return recovery;
  }

  async #renewOrLogin(
    rejected: string | undefined,
    challenge: Challenge | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    const { broker } = this.#options;
    const grant = await broker.findGrant(this.#serverUrl);
    let reason = grant?.ended?.reason ?? 'nobody is signed in';
    if (grant !== undefined && grant.ended === undefined) {
      // Somebody else's renewal or login came first.
      if (grant.accessToken !== undefined && grant.accessToken !== rejected) return grant;
      const moved = await this.#movedFrom(grant, challenge, signal);
      if (moved !== undefined) {
        reason = moved;
      } else if (grant.refreshToken !== undefined) {
        try {
          return await broker.refresh(grant, signal);
        } catch (error) {
          if (!(error instanceof LoginRequiredError)) throw error;
          if (this.#options.login === undefined) throw error;
        }
      } else {
        reason = 'the access token is not accepted any more and there is no refresh token';
      }
    }
    return this.#login(reason, { challenge, notGrant: grant });
  }

  /** The server's metadata is read again on a 401, so that a move to another authorization server is seen. */
  async #movedFrom(
    grant: Grant,
    challenge: Challenge | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    try {
      const { authorizationServer } = await discover(this.#serverUrl, {
        fetch: this.#options.oauthFetch,
        challenge,
        preferredIssuer: grant.issuer,
        signal,
      });
      return authorizationServer.issuer === grant.issuer
        ? undefined
        : `the server moved from ${grant.issuer} to ${authorizationServer.issuer}`;
    } catch (error) {
      // Unreadable metadata is no reason to give a working grant up.
      if (error instanceof DiscoveryError) return undefined;
      throw error;
    }
  }

  async #stepUp(challenge: Challenge, signal: AbortSignal | undefined): Promise<Grant> {
    signal?.throwIfAborted();
    const grant = await this.#options.broker.findGrant(this.#serverUrl);
    const held = grant?.scopes ?? [];
    const needed = parseScope(challenge.params['scope']);
    const union = unionScopes(held, needed);
    if (this.#options.login === undefined) {
      const missing = missingScopes(needed, held);
      const what = missing.length === 0 ? 'the token has too few' : `it lacks ${missing.join(' ')}`;
      throw new ScopeRequiredError(this.#serverUrl, union, what);
    }
    return this.#login('more scopes are needed', { challenge, notGrant: grant, heldScopes: held });
  }

  #login(reason: string, request: Parameters<typeof login>[2]): Promise<Grant> {
    const { broker, oauthFetch, login: loginOptions } = this.#options;
    if (loginOptions === undefined) throw new LoginRequiredError(this.#serverUrl, reason);
    return login(this.#serverUrl, { ...loginOptions, broker, fetch: oauthFetch }, request);
  }
}
