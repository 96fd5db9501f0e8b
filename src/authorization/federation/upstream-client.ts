import { createRemoteJWKSet, customFetch as joseFetch, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import type { SafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { isJsonObject, type JsonObject } from '../../shared/json.js';
import { UpstreamAnswerError, type UpstreamPerson } from './profile.js';
import type { ResolvedProvider } from './provider.js';
import { createUpstreamFetch } from './upstream-fetch.js';

const METADATA_TTL_MS = 3_600_000;
/** A provider that is down is not asked again by every visitor. */
const FAILURE_TTL_MS = 3000;

/** Tokens of a provider, as they are kept. */
export interface UpstreamTokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  readonly scope: string | undefined;
  /** Epoch seconds; undefined: unknown, or never. */
  readonly expiresAt: number | undefined;
}

/** What a browser is sent to the provider with. */
export interface UpstreamRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** `login`: the person has to prove who they are now. `select_account`: they may be somebody else. */
  readonly prompt: 'login' | 'select_account' | undefined;
  readonly uiLocales: string | undefined;
}

interface LogoutToken {
  readonly subject: string;
  readonly jti: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** This server as a client of one identity provider. */
export interface UpstreamClient {
  readonly provider: ResolvedProvider;
  authorizationUrl(request: UpstreamRequest): Promise<URL>;
  /**
   * Redeems the code in `callbackUrl`, checks everything about the answer, and reads the person.
   *
   * @throws when the provider refuses, answers what it should not, or cannot be reached
   */
  finish(
    callbackUrl: URL,
    checks: Pick<UpstreamRequest, 'state' | 'nonce' | 'codeVerifier'>,
  ): Promise<{ readonly person: UpstreamPerson; readonly tokens: UpstreamTokens }>;
  /** @throws as {@link finish} does; {@link isRefusal} tells a refusal from a failure */
  refresh(tokens: UpstreamTokens): Promise<UpstreamTokens>;
  /** Gives the tokens back, where the provider has a way to. */
  revoke(tokens: UpstreamTokens): Promise<void>;
  logoutUrl(idToken: string | undefined, returnTo: string): Promise<URL | undefined>;
  /** Checks a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6) but not whether it was used before. */
  readLogoutToken(token: string): Promise<LogoutToken>;
}

export function createUpstreamClient(
  provider: ResolvedProvider,
  guardedFetch: SafeFetch,
  clock: Clock,
): UpstreamClient {
  const { profileOf: profile, clientId } = provider;
  let tokenEndpoint: string | undefined;
  const fetch = createUpstreamFetch(guardedFetch, profile.tokenEndpoint, () => tokenEndpoint);
  const configuration = remember(clock, async () => {
    const made = await configure(provider, fetch);
    tokenEndpoint = made.serverMetadata().token_endpoint;
    return made;
  });

  const toTokens = (
    answer: openid.TokenEndpointResponse,
    former: UpstreamTokens | undefined,
  ): UpstreamTokens => {
    const refreshToken = answer.refresh_token ?? former?.refreshToken;
    const lifetime =
      answer.expires_in ??
      (refreshToken === undefined ? undefined : profile.assumedLifetimeSeconds);
    return {
      accessToken: answer.access_token,
      refreshToken,
      idToken: answer.id_token ?? former?.idToken,
      scope: answer.scope ?? former?.scope,
      expiresAt: lifetime === undefined ? undefined : nowSeconds(clock) + lifetime,
    };
  };

  return {
    provider,
    async authorizationUrl(request) {
      const scope = provider.requestedScopes.join(' ');
      const isOpenId = profile.protocol === 'openid';
      return openid.buildAuthorizationUrl(await configuration(), {
        redirect_uri: request.redirectUri,
        state: request.state,
        code_challenge: await openid.calculatePKCECodeChallenge(request.codeVerifier),
        code_challenge_method: 'S256',
        ...(scope === '' ? {} : { scope }),
        ...(isOpenId ? { nonce: request.nonce } : {}),
        ...(isOpenId && request.prompt !== undefined ? { prompt: request.prompt } : {}),
        ...(isOpenId && request.uiLocales !== undefined ? { ui_locales: request.uiLocales } : {}),
        ...withPrompt(provider.requestParameters, request.prompt),
      });
    },
    async finish(callbackUrl, checks) {
      const config = await configuration();
      const isOpenId = profile.protocol === 'openid';
      const answer = await openid.authorizationCodeGrant(config, callbackUrl, {
        pkceCodeVerifier: checks.codeVerifier,
        expectedState: checks.state,
        ...(isOpenId ? { expectedNonce: checks.nonce, idTokenExpected: true } : {}),
      });
      const tokens = toTokens(answer, undefined);
      const person = await profile.readPerson({
        issuer: provider.issuer,
        groupsClaim: provider.groupsClaim,
        claims: await claimsOf(config, answer, provider),
        get: (path) => getFromApi(config, provider, tokens.accessToken, path),
      });
      return { person, tokens };
    },
    async refresh(tokens) {
      if (tokens.refreshToken === undefined) throw new TypeError('there is no refresh token');
      const answer = await openid.refreshTokenGrant(await configuration(), tokens.refreshToken);
      return toTokens(answer, tokens);
    },
    async revoke(tokens) {
      await revoke(await configuration(), provider, fetch, tokens);
    },
    async logoutUrl(idToken, returnTo) {
      const endpoint =
        provider.endSessionEndpoint ??
        (await configuration()).serverMetadata().end_session_endpoint;
      return profile.logoutUrl({ issuer: provider.issuer, clientId, idToken, returnTo, endpoint });
    },
    async readLogoutToken(token) {
      const { issuer, jwks_uri: jwksUri } = (await configuration()).serverMetadata();
      if (jwksUri === undefined) throw new UpstreamAnswerError('the metadata has no "jwks_uri"');
      const keys = createRemoteJWKSet(new URL(jwksUri), {
        [joseFetch]: (url, options) => fetch(url, options),
      });
      return toLogoutToken(
        await jwtVerify(token, keys, {
          issuer,
          audience: clientId,
          algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
          requiredClaims: ['iat', 'jti', 'sub', 'events'],
          maxTokenAge: 300,
          clockTolerance: 30,
        }),
      );
    },
  };
}

/** Whether the provider said no for good: asking again is of no use, the person has to sign in. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof openid.ResponseBodyError &&
    ['invalid_grant', 'interaction_required', 'login_required', 'consent_required'].includes(
      error.error,
    )
  );
}

/** Whether the person turned back at the provider. */
export function isCancellation(error: unknown): boolean {
  return error instanceof openid.AuthorizationResponseError && error.error === 'access_denied';
}

/** What the operator may read of a failure: never a token, a code or a claim. */
export function describeUpstreamFailure(error: unknown): string {
  if (error instanceof openid.ResponseBodyError) {
    return `${error.status} ${JSON.stringify(error.error.slice(0, 60))}`;
  }
  if (error instanceof openid.AuthorizationResponseError)
    return JSON.stringify(error.error.slice(0, 60));
  if (!(error instanceof Error)) return 'unknown';
  const inner = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.name}: ${error.message}${inner}`.slice(0, 300);
}

async function configure(
  provider: ResolvedProvider,
  fetch: SafeFetch,
): Promise<openid.Configuration> {
  const { profileOf: profile, issuer, clientId, clientSecret } = provider;
  const method = provider.clientAuthentication ?? profile.clientAuthentication;
  const authentication =
    clientSecret === undefined
      ? openid.None()
      : method === 'client_secret_basic'
        ? basicAuthentication(provider, clientSecret)
        : openid.ClientSecretPost(clientSecret);
  const isInsecure = isLoopbackUrl(issuer) && issuer.startsWith('http:');
  const endpoints = provider.endpoints ?? profile.endpoints;
  if (profile.protocol === 'oauth2' && endpoints !== undefined) {
    const made = new openid.Configuration(
      {
        issuer,
        authorization_endpoint: endpoints.authorization,
        token_endpoint: endpoints.token,
        ...(endpoints.revocation === undefined
          ? {}
          : { revocation_endpoint: endpoints.revocation }),
      },
      clientId,
      undefined,
      authentication,
    );
    made[openid.customFetch] = fetch as openid.CustomFetch;
    if (isLoopbackUrl(endpoints.token)) openid.allowInsecureRequests(made);
    return made;
  }
  const made = await openid.discovery(
    new URL(profile.metadataUrl?.(issuer) ?? issuer),
    clientId,
    undefined,
    authentication,
    {
      [openid.customFetch]: fetch as openid.CustomFetch,
      ...(isInsecure ? { execute: [openid.allowInsecureRequests] } : {}),
    },
  );
  const named = made.serverMetadata().issuer;
  if (named !== issuer && !isTemplateOf(named, issuer)) {
    throw new UpstreamAnswerError(
      `the metadata of ${JSON.stringify(issuer)} names the issuer ${JSON.stringify(named)}: configure exactly that one`,
    );
  }
  return made;
}

function basicAuthentication(provider: ResolvedProvider, clientSecret: string): openid.ClientAuth {
  if (provider.profileOf.tokenEndpoint?.hasPlainBasic !== true) {
    return openid.ClientSecretBasic(clientSecret);
  }
  return (_server, _client, _body, headers) =>
    headers.set('authorization', plainBasic(provider.clientId, clientSecret));
}

function plainBasic(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
}

/** Microsoft's shared issuers name a placeholder; the library puts the token's own tenant in its place. */
function isTemplateOf(named: string, issuer: string): boolean {
  return (
    named.includes('{tenantid}') &&
    ['common', 'organizations', 'consumers'].some(
      (tenant) => named.replace('{tenantid}', tenant) === issuer,
    )
  );
}

async function claimsOf(
  config: openid.Configuration,
  answer: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  { profileOf: profile }: ResolvedProvider,
): Promise<JsonObject> {
  const claims = answer.claims();
  if (profile.protocol === 'oauth2' || claims === undefined) {
    // What the answer says besides the tokens themselves.
    const { access_token: _access, refresh_token: _refresh, id_token: _id, ...rest } = answer;
    return rest as unknown as JsonObject;
  }
  const hasUserInfo =
    profile.usesUserInfo && config.serverMetadata().userinfo_endpoint !== undefined;
  const more = hasUserInfo
    ? await openid.fetchUserInfo(config, answer.access_token, claims.sub)
    : {};
  return { ...more, ...claims } as unknown as JsonObject;
}

/** @returns undefined when the token may not read it */
async function getFromApi(
  config: openid.Configuration,
  provider: ResolvedProvider,
  accessToken: string,
  path: string,
): Promise<unknown> {
  const api = provider.endpoints?.api ?? provider.profileOf.endpoints?.api;
  if (api === undefined) throw new UpstreamAnswerError('the provider has no API address');
  const response = await openid.fetchProtectedResource(
    config,
    accessToken,
    new URL(`${api}${path}`),
    'GET',
    undefined,
    new Headers({ accept: 'application/json', 'user-agent': 'catalog-mcp' }),
  );
  if (response.status === 403 || response.status === 404) return undefined;
  if (response.status !== 200) {
    throw new UpstreamAnswerError(`GET ${path.split('?', 1)[0]} answered ${response.status}`);
  }
  return response.json();
}

async function revoke(
  config: openid.Configuration,
  provider: ResolvedProvider,
  fetch: SafeFetch,
  tokens: UpstreamTokens,
): Promise<void> {
  const { revocation, endpoints } = provider.profileOf;
  const { clientId, clientSecret = '' } = provider;
  const basic = plainBasic(clientId, clientSecret);
  const api = provider.endpoints?.api ?? endpoints?.api ?? provider.issuer;
  const json = { 'content-type': 'application/json', 'user-agent': 'catalog-mcp' };
  switch (revocation.kind) {
    case 'standard':
      if (config.serverMetadata().revocation_endpoint === undefined) return;
      await openid.tokenRevocation(config, tokens.refreshToken ?? tokens.accessToken);
      return;
    case 'github':
      await expectSuccess(
        fetch(`${api}/applications/${encodeURIComponent(clientId)}/token`, {
          method: 'DELETE',
          headers: { ...json, authorization: basic, accept: 'application/vnd.github+json' },
          body: JSON.stringify({ access_token: tokens.accessToken }),
        }),
      );
      return;
    case 'bearer':
      await expectSuccess(
        fetch(`${api}${revocation.path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${tokens.accessToken}` },
        }),
      );
      return;
    case 'basic-json':
      await expectSuccess(
        fetch(`${api}${revocation.path}`, {
          method: 'POST',
          headers: { ...json, ...provider.profileOf.tokenEndpoint?.headers, authorization: basic },
          body: JSON.stringify({ token: tokens.accessToken }),
        }),
      );
      return;
  }
}

async function expectSuccess(sent: Promise<Response>): Promise<void> {
  const response = await sent;
  const answer: unknown = await response.json().catch(() => undefined);
  const isRefused = isJsonObject(answer) && answer['ok'] === false;
  if (response.status >= 400 || isRefused) {
    throw new UpstreamAnswerError(`revocation answered ${response.status}`);
  }
}

function toLogoutToken({ payload }: Awaited<ReturnType<typeof jwtVerify>>): LogoutToken {
  const events: unknown = payload['events'];
  const isLogout =
    isJsonObject(events) &&
    isJsonObject(events['http://schemas.openid.net/event/backchannel-logout']);
  // A nonce marks an ID token: it must not pass for a logout token.
  if (!isLogout || payload['nonce'] !== undefined) {
    throw new UpstreamAnswerError('it is no logout token');
  }
  return {
    subject: String(payload.sub),
    jti: String(payload.jti),
    expiresAt: payload.exp ?? Number(payload.iat) + 600,
  };
}

/** The profile may ask for a prompt of its own (Google's refresh token): both are asked for. */
function withPrompt(
  parameters: Readonly<Record<string, string>>,
  prompt: string | undefined,
): Readonly<Record<string, string>> {
  const own = parameters['prompt'];
  if (own === undefined || prompt === undefined) return parameters;
  return { ...parameters, prompt: [...new Set([...own.split(' '), prompt])].join(' ') };
}

/** Keeps what `load` brings for an hour and a failure for a moment; one load at a time. */
function remember<T>(clock: Clock, load: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; until: number } | undefined;
  return () => {
    if (kept !== undefined && clock.nowMs() < kept.until) return kept.value;
    const entry = { value: load(), until: clock.nowMs() + METADATA_TTL_MS };
    kept = entry;
    entry.value.catch(() => {
      entry.until = clock.nowMs() + FAILURE_TTL_MS;
    });
    return entry.value;
  };
}
