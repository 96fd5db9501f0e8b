import { createHash } from 'node:crypto';
import { nowSeconds } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import { type Challenge, findChallenge } from '../../oauth/challenge.js';
import { canonicalResource } from '../../oauth/resource.js';
import { parseScope } from '../../oauth/scope.js';
import type { Broker } from '../broker.js';
import { createClientFetch } from '../client-fetch.js';
import { type AuthorizationServer, type Discovered, discover } from '../discovery.js';
import { LoginFailedError } from '../errors.js';
import { type ClientRegistration, type Grant, isUsable } from '../grant.js';
import { type ClientIdentityOptions, findRegistration } from '../registration.js';
import { type FetchLike, type TokenResponse, printable, requestTokens } from '../token-endpoint.js';
import { withTokens } from '../refresh-ticket.js';
import { checkAuthorizationResponse } from './authorization-response.js';
import { requireBrowsableUrl } from './browser.js';
import {
  type AuthorizationResponse,
  type CallbackHost,
  PREFERRED_CALLBACK_PORT,
  callbackUri,
  listenForCallback,
} from './callback-listener.js';
import { DEVICE_GRANT, type DeviceCode, loginWithDeviceCode } from './device.js';
import { type PersonOptions, waitForPerson } from './person.js';
import { chooseScope } from './scope-choice.js';

export interface LoginOptions extends ClientIdentityOptions, PersonOptions {
  readonly broker: Broker;
  /** Replaces the network for discovery, registration and tokens. Default: `createClientFetch` for the server. */
  readonly fetch?: FetchLike | undefined;
  /**
   * Signs in with a code on another device, where the server offers that (RFC 8628); `required`: fails where it does
   * not. Default: the browser of this machine.
   */
  readonly device?: 'preferred' | 'required' | undefined;
  /** Gets the code and the page of a device login. */
  readonly onDeviceCode?: (code: DeviceCode) => void;
  /** Scopes to ask for, in place of those of the challenge or the metadata. */
  readonly scopes?: readonly string[];
  /** Taken when the server lists it among its authorization servers. */
  readonly issuer?: string;
  /** Replaces the resource that the metadata names in every `resource` parameter. */
  readonly resource?: string;
  readonly callbackHost?: CallbackHost;
  /** Default 9696. */
  readonly callbackPort?: number;
  /** Whether another port may be used when that one is busy. Default true. */
  readonly allowOtherPort?: boolean;
}

export interface LoginRequest {
  /** The Bearer challenge that asked for this login. Undefined: the server is asked for one. */
  readonly challenge?: Challenge | undefined;
  /** A login that happened while this one waited for its turn counts, unless its grant is this one. */
  readonly notGrant?: Grant | undefined;
  /** Starts a login although one is usable. */
  readonly force?: boolean | undefined;
  /** Scopes to keep on a step-up. */
  readonly heldScopes?: readonly string[] | undefined;
}

/**
 * Signs a person in at an MCP server, in the browser: discovery, registration, authorization code with PKCE S256 and
 * `resource`, loopback callback, token request; the tokens go to the broker.
 *
 * One login per machine and server runs at a time. Others wait for it and take its result.
 *
 * @param serverUrl - URL of the MCP endpoint
 * @returns the grant in use from now on
 * @throws {DiscoveryError | RegistrationError | CallbackPortError | LoginFailedError | LoginTimeoutError}
 * @see MCP 2026-07-28 authorization; RFC 8252, RFC 7636, RFC 8707, RFC 9207
 */
export async function login(
  serverUrl: string,
  options: LoginOptions,
  request: LoginRequest = {},
): Promise<Grant> {
  const { broker, signal } = options;
  const server = canonicalResource(serverUrl);
  const known = request.notGrant ?? (await broker.findGrant(server));
  return broker.withLoginLock(server, signal, async () => {
    const current = await broker.findGrant(server);
    const isNew = current !== undefined && current.accessToken !== known?.accessToken;
    const mayTake = request.force !== true && request.notGrant === undefined;
    if ((isNew || mayTake) && isUsable(current, nowSeconds(broker.clock))) return current;
    const fetch = options.fetch ?? createClientFetch({ target: server, isOAuth: true });
    return interactiveLogin(server, { ...options, fetch }, request, current);
  });
}

type NetworkedOptions = LoginOptions & { readonly fetch: FetchLike };

async function interactiveLogin(
  serverUrl: string,
  options: NetworkedOptions,
  request: LoginRequest,
  previous: Grant | undefined,
): Promise<Grant> {
  const { broker, fetch, signal } = options;
  const challenge = request.challenge ?? (await askForChallenge(serverUrl, fetch, signal));
  const found = await discover(serverUrl, {
    fetch,
    signal,
    challenge,
    preferredIssuer: options.issuer ?? previous?.issuer,
  });
  const { resource = found.resourceMetadata.resource } = options;
  const discovered = { ...found, resourceMetadata: { ...found.resourceMetadata, resource } };
  const { authorizationServer, resourceMetadata } = discovered;
  const scope = chooseScope(discovered, {
    explicit: options.scopes,
    challenge,
    held: request.heldScopes,
  });
  if (options.device !== undefined) {
    const granted = await deviceLogin(serverUrl, options, discovered, scope);
    if (granted !== undefined) return granted;
  }
  const state = randomId();
  const { callbackHost = '127.0.0.1', callbackPort = PREFERRED_CALLBACK_PORT } = options;
  const listener = await listenForCallback({
    state,
    host: callbackHost,
    port: callbackPort,
    ...(options.allowOtherPort !== undefined && { allowOtherPort: options.allowOtherPort }),
  });
  try {
    const { redirectUri } = listener;
    const client = await findRegistration({
      broker,
      fetch,
      server: authorizationServer,
      redirectUri,
      preferredRedirectUri:
        callbackPort === 0 ? redirectUri : callbackUri(callbackHost, callbackPort),
      identity: options,
      signal,
    });
    const verifier = randomId(48);
    const url = authorizationUrl(authorizationServer, client, {
      redirectUri,
      state,
      verifier,
      scope,
      resource: resourceMetadata.resource,
    });
    const answered = { callback: listener.response, redirectUri, state };
    const response = await waitForPerson(url, answered, options);
    const code = readCode(response, authorizationServer);
    return await redeem({
      serverUrl,
      options,
      discovered,
      client,
      scope,
      redirectUri,
      verifier,
      code,
    });
  } finally {
    await listener.close();
  }
}

/** Sends a request without credentials: a server that wants some says where they come from. */
async function askForChallenge(
  serverUrl: string,
  fetch: FetchLike,
  signal: AbortSignal | undefined,
): Promise<Challenge | undefined> {
  const response = await fetch(serverUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    ...(signal !== undefined && { signal }),
  });
  await response.body?.cancel();
  return response.status === 401
    ? findChallenge(response.headers.get('www-authenticate'), 'bearer')
    : undefined;
}

function authorizationUrl(
  server: AuthorizationServer,
  client: ClientRegistration,
  attempt: {
    readonly redirectUri: string;
    readonly state: string;
    readonly verifier: string;
    readonly scope: string | undefined;
    readonly resource: string;
  },
): URL {
  const url = new URL(server.authorizationEndpoint);
  const params = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: attempt.redirectUri,
    state: attempt.state,
    code_challenge: createHash('sha256').update(attempt.verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: attempt.resource,
    ...(attempt.scope !== undefined && { scope: attempt.scope }),
    // OpenID Connect §11: without it a server may leave the refresh token out.
    ...(attempt.scope?.split(' ').includes('offline_access') === true && { prompt: 'consent' }),
  };
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  requireBrowsableUrl(url);
  return url;
}

/** @returns undefined when this server has no such login, and it is not required */
async function deviceLogin(
  serverUrl: string,
  options: NetworkedOptions,
  discovered: Discovered,
  scope: string | undefined,
): Promise<Grant | undefined> {
  const { broker, fetch, signal, callbackHost = '127.0.0.1' } = options;
  const { authorizationServer: server, resourceMetadata } = discovered;
  const { deviceAuthorizationEndpoint } = server;
  if (deviceAuthorizationEndpoint === undefined) {
    if (options.device === 'preferred') return undefined;
    throw new LoginFailedError(`${server.issuer} offers no login with a code on another device`);
  }
  const redirectUri = callbackUri(callbackHost, options.callbackPort || PREFERRED_CALLBACK_PORT);
  const client = await findRegistration({
    broker,
    fetch,
    server,
    redirectUri,
    preferredRedirectUri: redirectUri,
    identity: options,
    grantType: DEVICE_GRANT,
    signal,
  });
  const tokens = await loginWithDeviceCode({
    broker,
    fetch,
    server: { ...server, deviceAuthorizationEndpoint },
    client,
    scope,
    resource: resourceMetadata.resource,
    onCode: options.onDeviceCode ?? (() => undefined),
    signal,
  });
  return keep({ serverUrl, options, discovered, client, scope }, tokens);
}

function readCode(response: AuthorizationResponse, server: AuthorizationServer): string {
  const checked = checkAuthorizationResponse(response, server);
  if (checked.ok) {
    if ('code' in checked.value) return checked.value.code;
    const { error, description } = checked.value;
    const detail = description === undefined ? '' : `: ${printable(description, 300)}`;
    throw new LoginFailedError(
      `${server.issuer} ended the login with ${printable(error, 60)}${detail}`,
    );
  }
  switch (checked.error) {
    case 'iss_missing':
      throw new LoginFailedError(
        `the answer names no issuer, although ${server.issuer} says that it always does: not used`,
      );
    case 'iss_mismatch':
      throw new LoginFailedError(
        `the answer comes from another authorization server than ${server.issuer}: not used`,
      );
    case 'no_code':
      throw new LoginFailedError(`${server.issuer} answered without a code`);
  }
}

interface Attempt {
  readonly serverUrl: string;
  readonly options: NetworkedOptions;
  readonly discovered: Discovered;
  readonly client: ClientRegistration;
  readonly scope: string | undefined;
}

async function redeem(
  attempt: Attempt & {
    readonly redirectUri: string;
    readonly verifier: string;
    readonly code: string;
  },
): Promise<Grant> {
  const { options, client, discovered } = attempt;
  const { broker, fetch } = options;
  const { authorizationServer: server, resourceMetadata } = discovered;
  const answer = await requestTokens(fetch, {
    endpoint: server.tokenEndpoint,
    client,
    authMethods: server.tokenAuthMethods,
    params: {
      grant_type: 'authorization_code',
      code: attempt.code,
      redirect_uri: attempt.redirectUri,
      code_verifier: attempt.verifier,
      resource: resourceMetadata.resource,
    },
  });
  if (!answer.ok) {
    const { error } = answer;
    if (error.kind === 'oauth' && error.error === 'invalid_client') {
      // The next login registers anew.
      await broker.store.dropRegistration(server.issuer, client.clientId);
    }
    throw new LoginFailedError(`${server.issuer} gave no tokens: ${error.message}`);
  }
  return keep(attempt, answer.value);
}

function keep(attempt: Attempt, tokens: TokenResponse): Promise<Grant> {
  const { client, discovered } = attempt;
  const { broker } = attempt.options;
  const { authorizationServer: server, resourceMetadata } = discovered;
  const now = nowSeconds(broker.clock);
  const granted = withTokens(
    {
      serverUrl: attempt.serverUrl,
      issuer: server.issuer,
      resource: resourceMetadata.resource,
      client,
      endpoints: {
        token: server.tokenEndpoint,
        tokenAuthMethods: server.tokenAuthMethods,
        ...(server.revocationEndpoint !== undefined && { revocation: server.revocationEndpoint }),
        ...(server.revocationAuthMethods !== undefined && {
          revocationAuthMethods: server.revocationAuthMethods,
        }),
        ...(server.refreshReplaySeconds !== undefined && {
          refreshReplaySeconds: server.refreshReplaySeconds,
        }),
      },
      scopes: parseScope(attempt.scope),
      obtainedAt: now,
    },
    tokens,
    now,
  );
  return broker.store.saveGrant(granted);
}
