import {
  type Configuration,
  type KoaContextWithOIDC,
  type ResourceServer,
  errors,
} from 'oidc-provider';
import type { JWK } from 'jose';
import { accessTokenRowId } from '../shared/credential-id.js';
import { parseScope } from '../oauth/scope.js';
import { deriveKeys } from '../shared/sealing.js';
import type { Sealer } from '../shared/sealing.js';
import { ArtifactAdapter } from './artifact-adapter.js';
import type { Capabilities } from './capabilities.js';
import { allowedScopesOf, introspectsOf, tenantOf } from './clients/configured-client.js';
import {
  clientConfiguration,
  createClientAdapter,
  registrationFeature,
} from './clients/engine-clients.js';
import { DevelopmentDefaultError } from './errors.js';
import { buildInteractionPolicy, createGrantLoader } from './interaction-policy.js';
import { deviceFeature } from './grants/device-feature.js';
import type { Federation } from './federation/federation.js';
import { type Locations, ROUTES } from './locations.js';
import { GRANTS, PROTOCOL_SCOPES, SIGNING_ALGORITHM } from './metadata.js';
import { LIFETIMES, type ResolvedOptions } from './options.js';
import { renderErrorPage } from './pages/error-page.js';
import { chooseTexts } from './pages/language.js';
import { PAGE_HEADERS } from './pages/layout.js';
import { type ResourceRegistry, defaultScopesOf } from './resources.js';

export interface EngineParts {
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly resources: ResourceRegistry;
  readonly capabilities: Capabilities;
  readonly privateKeys: readonly JWK[];
  readonly sealer: Sealer;
  readonly federation: Federation;
}

/** The configuration of the engine: everything it could default to that matters is said here. */
export function buildConfiguration(parts: EngineParts): Configuration {
  const { options, locations, resources, capabilities, privateKeys, sealer, federation } = parts;
  const { stores, clock } = options;
  const artifactOptions = { artifacts: stores.artifacts, users: stores.users, sealer, clock };
  const clientParts = { options, locations, capabilities, sealer };
  const cookie = { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true } as const;
  return {
    adapter: (model: string) =>
      model === 'Client'
        ? createClientAdapter(clientParts)
        : new ArtifactAdapter(model, artifactOptions),
    jwks: { keys: [...privateKeys] as never },
    ...clientConfiguration(clientParts),
    cookies: {
      keys: deriveKeys(options.masterSecret, 'authorization:cookies').map((key) =>
        key.toString('base64url'),
      ),
      names: locations.cookieNames,
      short: cookie,
      long: cookie,
    },
    routes: {
      authorization: ROUTES.authorization,
      token: ROUTES.token,
      registration: ROUTES.registration,
      revocation: ROUTES.revocation,
      introspection: ROUTES.introspection,
      jwks: ROUTES.jwks,
      device_authorization: ROUTES.deviceAuthorization,
      code_verification: ROUTES.device,
    },
    scopes: [...PROTOCOL_SCOPES],
    claims: { openid: ['sub', 'name'] },
    responseTypes: ['code'],
    pkce: { required: () => true },
    // Runs on every authorization request, present or not: the place to fill in the scope of one that names none.
    extraParams: {
      idp_hint(ctx: KoaContextWithOIDC) {
        fillDefaultScope(ctx, resources);
      },
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: true,
        async allowedPolicy(_ctx, client, token) {
          const isForClient =
            token.clientId === client.clientId ||
            ('aud' in token && introspectsOf(client).includes(String(token.aud)));
          const person =
            'accountId' in token ? await stores.users.find(token.accountId) : undefined;
          return isForClient && person?.isDisabled !== true;
        },
      },
      registration: registrationFeature(clientParts),
      deviceFlow: deviceFeature(capabilities.grantTypes.includes(GRANTS.device), locations),
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, oneOf) =>
          oneOf === undefined ? resources.fallback.resource : singleOf(oneOf),
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, id) => resourceServerInfo(ctx, id, parts),
      },
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    clientBasedCORS: () => true,
    async findAccount(ctx, id) {
      const user = await stores.users.find(id);
      if (user === undefined || user.isDisabled) return undefined;
      // Who came through an identity provider stays as long as that one has nothing against it.
      const isRefresh = ctx.oidc.params?.['grant_type'] === 'refresh_token';
      if (isRefresh && !(await federation.isStillSignedIn(id))) return undefined;
      return { accountId: user.id, claims: () => ({ sub: user.id, name: user.displayName }) };
    },
    async extraTokenClaims(ctx, token) {
      const accountId = 'accountId' in token ? token.accountId : undefined;
      const user = accountId === undefined ? undefined : await stores.users.find(accountId);
      const tenant =
        user?.tenant ?? (accountId === undefined ? tenantOf(ctx.oidc.client ?? {}) : undefined);
      return tenant === undefined ? undefined : { tenant };
    },
    loadExistingGrant: createGrantLoader(stores, resources),
    interactions: {
      policy: buildInteractionPolicy(),
      url: (_ctx, interaction) => `${locations.basePath}${ROUTES.interaction}/${interaction.uid}`,
    },
    async renderError(ctx, out) {
      for (const [name, value] of Object.entries(PAGE_HEADERS)) ctx.set(name, value);
      ctx.type = 'html';
      ctx.body = await renderErrorPage(
        { error: out.error, description: out.error_description },
        chooseTexts({
          uiLocales: ctx.oidc?.params?.['ui_locales'],
          acceptLanguage: ctx.headers['accept-language'],
        }),
      );
    },
    formats: { customizers: { jwt: createTokenRecorder(artifactOptions) } },
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? LIFETIMES.accessToken,
      AuthorizationCode: LIFETIMES.authorizationCode,
      ClientCredentials: (_ctx, token) =>
        token.resourceServer?.accessTokenTTL ?? LIFETIMES.accessToken,
      DeviceCode: LIFETIMES.deviceCode,
      RefreshToken: LIFETIMES.refreshToken,
      Grant: LIFETIMES.grant,
      Interaction: LIFETIMES.interaction,
      Session: LIFETIMES.session,
      IdToken: LIFETIMES.idToken,
    },
  };
}

/**
 * Fails when the engine would run on one of its development defaults.
 *
 * @throws {DevelopmentDefaultError} naming the first such setting
 */
export function assertNoDevelopmentDefaults(configuration: Configuration): void {
  const { adapter, jwks, cookies, features, findAccount, interactions } = configuration;
  const isSet: Record<string, boolean> = {
    adapter: adapter !== undefined,
    jwks: (jwks?.keys.length ?? 0) > 0,
    'cookies.keys': Array.isArray(cookies?.keys) && cookies.keys.length > 0,
    'features.devInteractions': features?.devInteractions?.enabled === false,
    'features.resourceIndicators.getResourceServerInfo':
      features?.resourceIndicators?.getResourceServerInfo !== undefined,
    findAccount: findAccount !== undefined,
    'interactions.url': interactions?.url !== undefined,
    renderError: configuration.renderError !== undefined,
    fetch: configuration.fetch !== undefined,
  };
  const missing = Object.keys(isSet).find((setting) => isSet[setting] !== true);
  if (missing !== undefined) throw new DevelopmentDefaultError(missing);
}

/** Remembers each JWT access token by its `jti`, so that it can be introspected and revoked (gap of the engine). */
function createTokenRecorder(
  artifactOptions: ConstructorParameters<typeof ArtifactAdapter>[1],
): NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt'] {
  const adapter = new ArtifactAdapter('AccessToken', artifactOptions);
  return async (_ctx, token, jwt) => {
    const { iat, exp, sub, aud, scope, tenant } = jwt.payload;
    await adapter.upsert(
      accessTokenRowId(token.jti),
      {
        jti: accessTokenRowId(token.jti),
        kind: 'AccessToken',
        iat: Number(iat),
        exp: Number(exp),
        accountId: String(sub),
        clientId: token.clientId,
        grantId: 'grantId' in token ? token.grantId : undefined,
        aud: String(aud),
        scope: typeof scope === 'string' ? scope : undefined,
        extra: { tenant },
      },
      token.expiration,
    );
  };
}

function fillDefaultScope(ctx: KoaContextWithOIDC, resources: ResourceRegistry): void {
  const { params, resourceServers = {} } = ctx.oidc;
  if (params === undefined) return;
  const requested = parseScope(typeof params['scope'] === 'string' ? params['scope'] : undefined);
  const ids = Object.keys(resourceServers);
  const known = new Set(ids.flatMap((id) => Object.keys(resources.get(id)?.scopes ?? {})));
  if (requested.some((scope) => known.has(scope))) return;
  if (requested.length > 0 && !requested.some(isProtocolScope)) {
    throw new errors.InvalidScope('none of the requested scopes is known', requested.join(' '));
  }
  const defaults = ids.flatMap((id) => {
    const resource = resources.get(id);
    return resource === undefined ? [] : defaultScopesOf(resource);
  });
  params['scope'] = [...new Set([...requested, ...defaults])].join(' ');
}

/** What a token of a resource is like, for this client and, at the token endpoint, this person. */
export async function resourceServerInfo(
  ctx: KoaContextWithOIDC,
  id: string,
  { options, resources }: Pick<EngineParts, 'options' | 'resources'>,
): Promise<ResourceServer> {
  const resource = resources.get(id);
  if (resource === undefined) throw new errors.InvalidTarget('resource is not known here');
  // At the token endpoint the person may have lost a scope since the grant was made.
  const accountId = ctx.oidc.entities.Account?.accountId;
  const user = accountId === undefined ? undefined : await options.stores.users.find(accountId);
  const isTokenRequest = ctx.oidc.route === 'token';
  const clientScopes = ctx.oidc.client === undefined ? undefined : allowedScopesOf(ctx.oidc.client);
  const scopes = Object.keys(resource.scopes).filter(
    (scope) =>
      (!isTokenRequest || user === undefined || user.scopes.includes(scope)) &&
      (clientScopes === undefined || clientScopes.includes(scope)),
  );
  return {
    scope: scopes.join(' '),
    audience: resource.resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: resource.accessTokenTtlSeconds ?? LIFETIMES.accessToken,
    jwt: { sign: { alg: resource.accessTokenAlgorithm ?? SIGNING_ALGORITHM } },
  };
}

function isProtocolScope(scope: string): boolean {
  return PROTOCOL_SCOPES.some((name) => name === scope);
}

function singleOf(values: string | readonly string[]): string | string[] {
  if (typeof values === 'string') return values;
  const unique = [...new Set(values)];
  return unique.length === 1 && unique[0] !== undefined ? unique[0] : unique;
}
