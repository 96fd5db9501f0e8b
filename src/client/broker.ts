import { join } from 'node:path';
import { type Clock, nowSeconds, systemClock } from '../shared/clock.js';
import { hashId } from '../shared/ids.js';
import { type Logger, silentLogger } from '../shared/logger.js';
import { canonicalResource } from '../oauth/resource.js';
import { createClientFetch } from './client-fetch.js';
import { CredentialStore } from './credential-store.js';
import { LoginRequiredError, RefreshFailedError } from './errors.js';
import { type Grant, grantKey, hasFreshAccessToken } from './grant.js';
import { type RefreshTicket, openRefreshTicket } from './refresh-ticket.js';
import { requireProfileName } from './store/config-folder.js';
import { withFileLock } from './store/file-lock.js';
import type { Keychain } from './store/wrapping-key.js';
import { type FetchLike, requestTokens, revokeToken } from './token-endpoint.js';

export interface BrokerOptions {
  /** Folder for everything that is kept; see `clientHome`. Made when missing, 0700. */
  readonly home: string;
  /** Names a set of credentials that shares nothing with any other. Default `default`. */
  readonly profile?: string;
  /** Replaces the network for token and revocation endpoints. Default: `createClientFetch` for each server. */
  readonly fetch?: FetchLike | undefined;
  /** Takes addresses of private networks. Default false. */
  readonly dangerouslyAllowPrivateNetwork?: boolean;
  /** Seals new files when there; see `CATALOG_CLIENT_KEY`. At least 16 characters. */
  readonly explicitKey?: string | undefined;
  /** Undefined: the key goes into a file. */
  readonly keychain?: Keychain | undefined;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How long to wait for a process that is refreshing or logging in. Default 10 min. */
  readonly lockTimeoutMs?: number;
}

export interface RevocationOutcome {
  /** Whether there was a login to end. */
  readonly wasSignedIn: boolean;
  /** Whether the server confirmed that the tokens are gone. */
  readonly revoked: boolean;
  /** Why not, when it did not. */
  readonly problem?: string;
}

/** How early a token is renewed: in seconds, and never more than a tenth of its life. */
const REFRESH_MARGIN_SECONDS = 30;
const MAX_MARGIN_SHARE = 0.1;

/**
 * Holds every credential of this client. Nothing else reads or writes them, and one refresh per grant runs on this
 * machine at a time, whatever number of processes ask.
 */
export class Broker {
  readonly profile: string;
  readonly clock: Clock;
  readonly store: CredentialStore;
  readonly #home: string;
  readonly #fetchFor: (serverUrl: string) => FetchLike;
  readonly #logger: Logger;
  readonly #lockTimeoutMs: number;

  constructor(options: BrokerOptions) {
    this.profile = requireProfileName(options.profile ?? 'default');
    this.clock = options.clock ?? systemClock;
    this.store = new CredentialStore({
      home: options.home,
      profile: this.profile,
      clock: this.clock,
      explicitKey: options.explicitKey,
      keychain: options.keychain,
    });
    this.#home = options.home;
    this.#fetchFor = networkOf(options);
    this.#logger = options.logger ?? silentLogger;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 600_000;
  }

  /** The last used grant for a server, ended or not; of one issuer when given. No network. */
  findGrant(serverUrl: string, issuer?: string): Promise<Grant | undefined> {
    return this.store.findGrant(canonicalResource(serverUrl), issuer);
  }

  /**
   * An access token that is good for a while, refreshed when it has to be. Never opens a browser.
   *
   * @returns undefined when nobody is signed in, or the grant has ended
   * @throws {RefreshFailedError} when it could not be refreshed now and the old one is over
   * @throws {LoginRequiredError} when the server ended the grant just now
   */
  async accessToken(serverUrl: string): Promise<string | undefined> {
    const grant = await this.findGrant(serverUrl);
    if (grant === undefined || grant.ended !== undefined) return undefined;
    const now = nowSeconds(this.clock);
    if (hasFreshAccessToken(grant, now, marginOf(grant))) return grant.accessToken;
    if (grant.refreshToken === undefined) {
      return hasFreshAccessToken(grant, now, 0) ? grant.accessToken : undefined;
    }
    try {
      return (await this.refresh(grant)).accessToken;
    } catch (error) {
      const isStillGood = hasFreshAccessToken(grant, nowSeconds(this.clock), 0);
      if (error instanceof RefreshFailedError && isStillGood) return grant.accessToken;
      throw error;
    }
  }

  /**
   * Renews a grant, unless somebody else has done so since `stale` was read: then theirs is returned.
   *
   * @param stale - the grant as the caller knew it; its access token is the one not to return
   * @throws {LoginRequiredError} when the grant has ended, for good
   * @throws {RefreshFailedError} when trying later may help
   */
  async refresh(stale: Grant, signal?: AbortSignal): Promise<Grant> {
    return this.#withRefreshLock(stale, signal, async () => {
      const grant = await this.#currentOf(stale);
      const isRenewed = grant.accessToken !== stale.accessToken;
      if (isRenewed && hasFreshAccessToken(grant, nowSeconds(this.clock), 0)) return grant;
      const ticket = await openRefreshTicket(this.store, this.clock, grant);
      return this.#spend(ticket);
    });
  }

  /**
   * Lets another library send the refresh request: holds the lock until `task` is over.
   */
  async withRefreshTicket<T>(
    stale: Grant,
    task: (ticket: RefreshTicket) => Promise<T>,
  ): Promise<T> {
    return this.#withRefreshLock(stale, undefined, async () => {
      const grant = await this.#currentOf(stale);
      return task(await openRefreshTicket(this.store, this.clock, grant));
    });
  }

  /** One login per machine and server: others wait here until it is over. */
  withLoginLock<T>(
    serverUrl: string,
    signal: AbortSignal | undefined,
    task: () => Promise<T>,
  ): Promise<T> {
    const name = hashId(JSON.stringify([this.profile, canonicalResource(serverUrl)])).slice(0, 32);
    return withFileLock(
      {
        folder: join(this.#home, 'locks', `login-${name}`),
        what: 'a login to this server',
        clock: this.clock,
        timeoutMs: this.#lockTimeoutMs,
        ...(signal !== undefined && { signal }),
      },
      task,
    );
  }

  /**
   * Revokes refresh and access token at the server, then forgets them, whatever the server says. Only this profile's.
   *
   * @see RFC 7009
   */
  async logout(serverUrl: string): Promise<RevocationOutcome> {
    const known = await this.findGrant(serverUrl);
    if (known === undefined) return { wasSignedIn: false, revoked: false };
    return this.#withRefreshLock(known, undefined, async () => {
      const grant = (await this.store.grantByKey(grantKey(known))) ?? known;
      const problem = await this.#revokeAll(grant);
      await this.store.removeGrant(grantKey(grant));
      const wasSignedIn = grant.ended === undefined;
      return {
        wasSignedIn,
        revoked: problem === undefined,
        ...(problem !== undefined && { problem }),
      };
    });
  }

  /** Marks a grant as over: the server would not take it any more. */
  async endGrant(grant: Grant, reason: string): Promise<void> {
    const at = nowSeconds(this.clock);
    await this.store.swapGrant(
      grantKey(grant),
      (current) => current.version === grant.version,
      ({ accessToken: _a, refreshToken: _r, intent: _i, ...rest }) => ({
        ...rest,
        ended: { reason, at },
      }),
    );
  }

  async #currentOf(stale: Grant): Promise<Grant> {
    const grant = await this.store.grantByKey(grantKey(stale));
    if (grant === undefined) {
      throw new LoginRequiredError(stale.serverUrl, 'it was logged out meanwhile');
    }
    if (grant.ended !== undefined) {
      throw new LoginRequiredError(grant.serverUrl, grant.ended.reason);
    }
    return grant;
  }

  async #spend(ticket: RefreshTicket): Promise<Grant> {
    const { grant } = ticket;
    this.#logger.debug('refreshing', { server: grant.serverUrl, issuer: grant.issuer });
    const answer = await requestTokens(this.#fetchFor(grant.serverUrl), {
      endpoint: grant.endpoints.token,
      client: grant.client,
      authMethods: grant.endpoints.tokenAuthMethods,
      params: {
        grant_type: 'refresh_token',
        refresh_token: ticket.refreshToken,
        resource: grant.resource,
      },
    });
    if (answer.ok) {
      const { stored, grant: current } = await ticket.commit(answer.value);
      if (stored && current !== undefined) return current;
      // Logged out, or logged in anew, while the answer was on its way: what came is nobody's.
      await this.#revokeAll({ ...grant, ...answer.value });
      return this.#currentOf(grant);
    }
    const failure = answer.error;
    switch (failure.kind) {
      case 'oauth': {
        const reason = `the server refuses to renew it (${failure.message})`;
        await ticket.end(reason);
        if (failure.error === 'invalid_client' || failure.error === 'unauthorized_client') {
          await this.store.dropRegistration(grant.issuer, grant.client.clientId);
        }
        throw new LoginRequiredError(grant.serverUrl, reason);
      }
      case 'unavailable':
      case 'not_sent':
        await ticket.giveBack();
        throw new RefreshFailedError(`cannot renew the login now: ${failure.message}. Try again`);
      case 'unknown':
        // The intent stays: nobody may send this token to a server that would take it for stolen.
        throw new RefreshFailedError(
          `the answer to a token refresh was lost: ${failure.message}. Try again`,
        );
    }
  }

  async #revokeAll(grant: Grant): Promise<string | undefined> {
    const { revocation, revocationAuthMethods, tokenAuthMethods } = grant.endpoints;
    if (revocation === undefined) return 'this authorization server has no revocation endpoint';
    let problem: string | undefined;
    for (const [hint, token] of [
      ['refresh_token', grant.refreshToken],
      ['access_token', grant.accessToken],
    ] as const) {
      if (token === undefined) continue;
      const failed = await revokeToken(this.#fetchFor(grant.serverUrl), {
        endpoint: revocation,
        client: grant.client,
        authMethods: revocationAuthMethods ?? tokenAuthMethods,
        params: { token, token_type_hint: hint },
      });
      problem ??= failed;
    }
    return problem;
  }

  #withRefreshLock<T>(
    grant: Grant,
    signal: AbortSignal | undefined,
    task: () => Promise<T>,
  ): Promise<T> {
    const name = hashId(JSON.stringify([this.profile, grantKey(grant)])).slice(0, 32);
    return withFileLock(
      {
        folder: join(this.#home, 'locks', `refresh-${name}`),
        what: 'a token refresh',
        clock: this.clock,
        timeoutMs: this.#lockTimeoutMs,
        ...(signal !== undefined && { signal }),
      },
      task,
    );
  }
}

/** A slow token endpoint is waited for: to give up on it may cost the login. */
const REFRESH_TIMEOUT_MS = 15 * 60_000;

function networkOf(options: BrokerOptions): (serverUrl: string) => FetchLike {
  const { fetch, dangerouslyAllowPrivateNetwork = false } = options;
  if (fetch !== undefined) return () => fetch;
  const networks = new Map<string, FetchLike>();
  return (target) => {
    const network =
      networks.get(target) ??
      createClientFetch({
        target,
        isOAuth: true,
        timeoutMs: REFRESH_TIMEOUT_MS,
        dangerouslyAllowPrivateNetwork,
      });
    networks.set(target, network);
    return network;
  };
}

function marginOf(grant: Grant): number {
  if (grant.expiresAt === undefined) return 0;
  const life = grant.expiresAt - grant.obtainedAt;
  return Math.min(REFRESH_MARGIN_SECONDS, life * MAX_MARGIN_SHARE);
}
