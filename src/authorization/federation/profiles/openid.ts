import { isJsonObject } from '../../../shared/json.js';
import {
  type ProviderProfile,
  endSessionUrl,
  listOf,
  noLogout,
  readOpenIdPerson,
  textOf,
} from '../profile.js';

const STANDARD = {
  protocol: 'openid',
  scopes: ['openid', 'profile', 'email'],
  offline: { scopes: ['offline_access'] },
  clientAuthentication: 'client_secret_basic',
  usesUserInfo: true,
  revocation: { kind: 'standard' },
  readPerson: readOpenIdPerson,
  logoutUrl: endSessionUrl,
} as const;

/** Any provider that keeps to OpenID Connect. */
export const openid: ProviderProfile = {
  ...STANDARD,
  label: 'OpenID Connect',
  issuerExample: 'https://id.example.com',
  quirks: [],
};

export const google: ProviderProfile = {
  ...STANDARD,
  label: 'Google',
  issuer: 'https://accounts.google.com',
  issuerExample: 'https://accounts.google.com',
  // `prompt=consent`: Google gives the refresh token with the first consent only, and forgets to whom it gave one.
  offline: { parameters: { access_type: 'offline', prompt: 'consent' } },
  usesUserInfo: false,
  // Anybody may have a Google account with an address of any domain; `hd` is the one that Google vouches for.
  readPerson: (source) => ({
    ...readOpenIdPerson(source),
    domain: textOf(source.claims['hd'])?.toLowerCase(),
  }),
  logoutUrl: noLogout,
  quirks: [
    {
      text: 'a refresh token needs `access_type=offline`, not the scope `offline_access`',
      source: 'https://developers.google.com/identity/protocols/oauth2/web-server',
    },
    {
      text: 'domain rules look at `hd`, not at the address',
      source: 'https://developers.google.com/identity/openid-connect/reference',
    },
    {
      text: 'no end-session endpoint: signing out here leaves the Google session',
      source: 'https://developers.google.com/identity/openid-connect/reference',
    },
  ],
};

export const okta: ProviderProfile = {
  ...STANDARD,
  label: 'Okta',
  issuerExample: 'https://example.okta.com or https://example.okta.com/oauth2/default',
  scopes: ['openid', 'profile', 'email', 'groups'],
  quirks: [
    {
      text: 'two kinds of issuer: the organisation itself, and `/oauth2/…` for custom servers; they are different ones',
      source: 'https://developer.okta.com/docs/reference/api/oidc/',
    },
    {
      text: 'groups come with the scope `groups` and a groups claim set up in the application',
      source: 'https://developer.okta.com/docs/reference/api/oidc/',
    },
    {
      text: 'a refresh token needs `offline_access`',
      source: 'https://developer.okta.com/docs/guides/oie-embedded-common-refresh-tokens/java/main',
    },
  ],
};

export const auth0: ProviderProfile = {
  ...STANDARD,
  label: 'Auth0',
  issuerExample: 'https://example.eu.auth0.com/',
  checkIssuer: (issuer) => (issuer.endsWith('/') ? undefined : 'it has to end in a slash'),
  logoutUrl(context) {
    if (context.endpoint !== undefined) return endSessionUrl(context);
    const url = new URL('v2/logout', context.issuer);
    url.searchParams.set('client_id', context.clientId);
    url.searchParams.set('returnTo', context.returnTo);
    return url;
  },
  quirks: [
    {
      text: 'the issuer ends in a slash',
      source: 'https://community.auth0.com/t/oidc-logout-url-in-the-discovery-url/103202',
    },
    {
      text: 'older tenants do not name an end-session endpoint: then `/v2/logout` with `returnTo`',
      source: 'https://community.auth0.com/t/oidc-logout-url-in-the-discovery-url/103202',
    },
  ],
};

export const keycloak: ProviderProfile = {
  ...STANDARD,
  label: 'Keycloak',
  issuerExample: 'https://id.example.com/realms/example',
  // Without it the refresh token lives as long as the browser session there: signing out ends it, which is right here.
  offline: {},
  quirks: [
    {
      text: 'the return after logout needs `id_token_hint` or `client_id`',
      source: 'https://www.keycloak.org/docs/latest/upgrading/index.html#openid-connect-logout',
    },
    {
      text: 'refresh tokens come without `offline_access` and end with the session there',
      source: 'https://www.keycloak.org/docs/latest/server_admin/',
    },
    {
      text: 'groups need a mapper; realm roles are in `realm_access.roles`',
      source: 'https://www.keycloak.org/docs/latest/server_admin/',
    },
  ],
  readPerson(source) {
    const person = readOpenIdPerson(source);
    const access = source.claims['realm_access'];
    const roles = isJsonObject(access) ? access['roles'] : undefined;
    // Group paths start with a slash: in rules they may be written without.
    const groups = person.groups.flatMap((group) =>
      group.startsWith('/') ? [group, group.slice(1)] : [group],
    );
    return { ...person, groups: [...new Set([...groups, ...listOf(roles)])] };
  },
};

export const authentik: ProviderProfile = {
  ...STANDARD,
  label: 'authentik',
  issuerExample: 'https://id.example.com/application/o/example/',
  checkIssuer: (issuer) => (issuer.endsWith('/') ? undefined : 'it has to end in a slash'),
  quirks: [
    {
      text: 'one issuer for each application, with a path that ends in a slash',
      source: 'https://docs.goauthentik.io/add-secure-apps/providers/oauth2/',
    },
    {
      text: 'since 2025.10 `email_verified` is false unless a scope mapping says otherwise: use rules on groups',
      source: 'https://docs.goauthentik.io/releases/2025.10/#default-oauth-scope-mappings',
    },
    {
      text: 'a refresh token needs `offline_access`',
      source: 'https://docs.goauthentik.io/docs/providers/oauth2/#refresh_token',
    },
  ],
};

export const cognito: ProviderProfile = {
  ...STANDARD,
  label: 'Amazon Cognito',
  issuerExample: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI',
  // It refuses scopes that it does not know, and gives a refresh token anyway.
  offline: {},
  readPerson: (source) =>
    readOpenIdPerson({ ...source, groupsClaim: source.groupsClaim ?? 'cognito:groups' }),
  logoutUrl({ endpoint, clientId, returnTo }) {
    if (endpoint === undefined) return undefined;
    const url = new URL(endpoint);
    url.searchParams.set('client_id', clientId);
    url.searchParams.set('logout_uri', returnTo);
    return url;
  },
  quirks: [
    {
      text: 'logout takes `client_id` and `logout_uri`, not the parameters of the standard',
      source: 'https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html',
    },
    {
      text: '`email_verified` is a text at the userinfo endpoint',
      source: 'https://github.com/zitadel/oidc/pull/139',
    },
    {
      text: 'a refresh answer has no new refresh token: the old one stays',
      source: 'https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html',
    },
  ],
};

export const salesforce: ProviderProfile = {
  ...STANDARD,
  label: 'Salesforce',
  issuer: 'https://login.salesforce.com',
  issuerExample: 'https://login.salesforce.com or https://example.my.salesforce.com',
  offline: { scopes: ['refresh_token'] },
  clientAuthentication: 'client_secret_post',
  assumedLifetimeSeconds: 900,
  quirks: [
    {
      text: 'the token answer has no `expires_in`: tokens are taken to live for 15 minutes, the shortest session it allows',
      source: 'https://github.com/NangoHQ/nango/issues/327',
    },
    {
      text: 'a refresh token needs the scope `refresh_token`',
      source: 'https://github.com/joshbirk/passport-forcedotcom/issues/12',
    },
  ],
};

export const slack: ProviderProfile = {
  ...STANDARD,
  label: 'Slack',
  issuer: 'https://slack.com',
  issuerExample: 'https://slack.com',
  // Refresh tokens depend on token rotation of the app alone.
  offline: {},
  clientAuthentication: 'client_secret_post',
  tokenEndpoint: {
    errorCodes: {
      invalid_code: 'invalid_grant',
      code_already_used: 'invalid_grant',
      invalid_refresh_token: 'invalid_grant',
      token_expired: 'invalid_grant',
      token_revoked: 'invalid_grant',
      bad_client_secret: 'invalid_client',
      invalid_client_id: 'invalid_client',
    },
  },
  revocation: { kind: 'bearer', path: '/api/auth.revoke' },
  // A person of two workspaces is two accounts; the workspace is what a rule is about.
  readPerson(source) {
    const person = readOpenIdPerson(source);
    const team = textOf(source.claims['https://slack.com/team_id']);
    return { ...person, groups: team === undefined ? [] : [team] };
  },
  logoutUrl: noLogout,
  quirks: [
    {
      text: 'errors of the token endpoint have status 200 and `ok: false`',
      source: 'https://docs.slack.dev/reference/methods/openid.connect.token',
    },
    {
      text: 'the workspace id counts as a group; there is no end-session endpoint',
      source: 'https://api.slack.com/docs/sign-in-with-slack',
    },
    {
      text: 'redirect URIs have to be https: not usable on a loopback address',
      source: 'https://docs.slack.dev/authentication/installing-with-oauth',
    },
  ],
};
