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
import { type LoginOptions, type LoginRequest, login } from './login/login.js';
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

export interface SignInRequest extends LoginRequest {
  readonly because: string;
  /** What to ask for; empty: what the challenge or the server's metadata say. */
  readonly scopes: readonly string[];
  readonly signal?: AbortSignal;
}

/** Gets a grant from a person. `more-scopes`: somebody is signed in, and what is missing is in the challenge. */
type SignIn = (reason: 'login' | 'more-scopes', request: SignInRequest) => Promise<Grant>;

export interface AuthorizedSessionOptions {
  readonly serverUrl: string;
  readonly broker: Broker;
  /** For discovery: small documents, short time limits. */
  readonly oauthFetch: FetchLike;
  /** Undefined: nobody is asked; the call fails and says what it needs. */
  readonly signIn: SignIn | undefined;
  /**
   * How long a token is used without another look at the store, where another process may have signed in or out.
   * Default 0.
   */
  readonly tokenReuseMs?: number;
}

/** What the session has to know of an answer, whatever library it comes from. */
export interface AnswerView<Answer> {
  status(answer: Answer): number;
  /** Value of `WWW-Authenticate`. */
  challenge(answer: Answer): string | null | undefined;
  /** The answer is not used. */
  discard(answer: Answer): void | Promise<void>;
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
  const { broker, oauthFetch, login: loginOptions } = options;
  const session = new AuthorizedSession({
    serverUrl: options.serverUrl,
    broker,
    oauthFetch,
    signIn:
      loginOptions === undefined
        ? undefined
        : (_reason, request) =>
            login(options.serverUrl, { ...loginOptions, broker, fetch: oauthFetch }, request),
  });
  return async (input, init = {}) => {
    session.requireOwnUrl(String(input));
    if (init.body != null && typeof init.body !== 'string') {
      throw new TypeError('the body has to be a text: the call may be sent a second time');
    }
    return session.run(
      (token) => {
        const headers = new Headers(init.headers);
        if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
        return options.fetch(input, { ...init, headers });
      },
      RESPONSE_VIEW,
      init.signal ?? undefined,
    );
  };
}

const RESPONSE_VIEW: AnswerView<Response> = {
  status: (response) => response.status,
  challenge: (response) => response.headers.get('www-authenticate'),
  discard: (response) => response.body?.cancel(),
};

/** Calls to one server with the broker's credentials: what a 401 or a 403 asks for is got once for all that wait. */
export class AuthorizedSession {
  readonly #options: AuthorizedSessionOptions;
  readonly #serverUrl: string;
  /** Recoveries in flight, by the token that was refused: parallel calls share one. */
  readonly #recoveries = new Map<string, Promise<Grant>>();
  #reused: { readonly token: string; readonly until: number } | undefined;

  constructor(options: AuthorizedSessionOptions) {
    this.#options = options;
    this.#serverUrl = canonicalResource(options.serverUrl);
  }

  /**
   * Sends a call, and sends it again after a 401 with a renewed token and after a 403 `insufficient_scope` with more
   * scopes. Neither answer means that the server did anything.
   */
  async run<Answer>(
    send: (token: string | undefined) => Promise<Answer>,
    view: AnswerView<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    let token = await this.#accessToken();
    let isRecovered = false;
    for (let stepUps = 0; ;) {
      const answer = await send(token);
      const status = view.status(answer);
      if (status !== 401 && status !== 403) return answer;
      this.#reused = undefined;
      const challenge = findChallenge(view.challenge(answer) ?? null, 'bearer');
      if (status === 401) {
        await view.discard(answer);
        if (isRecovered) {
          throw new CredentialsRejectedError(
            this.#serverUrl,
            'a token that was issued just now is not accepted',
          );
        }
        token = (await this.#recover(token, challenge, signal)).accessToken;
        isRecovered = true;
      } else if (challenge?.params['error'] === 'insufficient_scope' && stepUps < MAX_STEP_UPS) {
        await view.discard(answer);
        token = (await this.#stepUp(token, challenge, signal)).accessToken;
        stepUps++;
      } else {
        return answer;
      }
    }
  }

  async #accessToken(): Promise<string | undefined> {
    const { broker, tokenReuseMs = 0 } = this.#options;
    const now = broker.clock.nowMs();
    if (this.#reused !== undefined && now < this.#reused.until) return this.#reused.token;
    const token = await broker.accessToken(this.#serverUrl);
    this.#reused =
      token === undefined || tokenReuseMs === 0 ? undefined : { token, until: now + tokenReuseMs };
    return token;
  }

  /** @throws {TypeError} for any other origin: it gets no credentials of this one */
  requireOwnUrl(url: string): void {
    if (new URL(url).origin !== new URL(this.#serverUrl).origin) {
      throw new TypeError(
        `credentials of ${this.#serverUrl} are not sent to ${new URL(url).origin}`,
      );
    }
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
          if (this.#options.signIn === undefined) throw error;
        }
      } else {
        reason = 'the access token is not accepted any more and there is no refresh token';
      }
    }
    if (this.#options.signIn === undefined) throw new LoginRequiredError(this.#serverUrl, reason);
    return this.#options.signIn('login', {
      challenge,
      notGrant: grant,
      because: reason,
      scopes: [],
      ...(signal !== undefined && { signal }),
    });
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

  async #stepUp(
    refused: string | undefined,
    challenge: Challenge,
    signal: AbortSignal | undefined,
  ): Promise<Grant> {
    signal?.throwIfAborted();
    const grant = await this.#options.broker.findGrant(this.#serverUrl);
    // Another call, or another process, has asked for more meanwhile.
    if (grant !== undefined && grant.accessToken !== refused && refused !== undefined) {
      const lacks = missingScopes(parseScope(challenge.params['scope']), grant.scopes);
      if (lacks.length === 0 && grant.accessToken !== undefined) return grant;
    }
    const held = grant?.scopes ?? [];
    const needed = parseScope(challenge.params['scope']);
    const union = unionScopes(held, needed);
    if (this.#options.signIn === undefined) {
      const missing = missingScopes(needed, held);
      const what = missing.length === 0 ? 'the token has too few' : `it lacks ${missing.join(' ')}`;
      throw new ScopeRequiredError(this.#serverUrl, union, what);
    }
    return this.#options.signIn('more-scopes', {
      challenge,
      notGrant: grant,
      heldScopes: held,
      because: 'the call needs more scopes',
      scopes: union,
      ...(signal !== undefined && { signal }),
    });
  }
}
