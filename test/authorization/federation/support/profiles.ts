import type { AllowRule } from '../../../../src/authorization/index.js';
import { type EmulatedNet, json } from './emulated-net.js';
import { EmulatedOAuth } from './emulated-oauth.js';
import { EmulatedOpenId, type OpenIdQuirks } from './emulated-openid.js';
import type { ProfileCase } from './profile-case.js';

const TENANT_ID = '6babcaad-604b-40ac-a9d7-9fd97c0b779f';
const always = (): boolean => true;
const withOffline = (request: URLSearchParams): boolean =>
  (request.get('scope') ?? '').split(' ').includes('offline_access');
const PERSON = { name: 'Ines Duarte', email: 'ines@north.example', email_verified: true };

function openid(issuer: string, quirks: OpenIdQuirks) {
  return (net: EmulatedNet): Promise<EmulatedOpenId> => EmulatedOpenId.start(issuer, quirks, net);
}

const byDomain: AllowRule = { domain: 'north.example', tenant: 'north' };
const byGroup: AllowRule = { group: 'catalog-users', tenant: 'north' };
const STANDARD_LOGOUT = ['client_id', 'post_logout_redirect_uri', 'id_token_hint'];

export const PROFILE_CASES: readonly ProfileCase[] = [
  {
    profile: 'openid',
    start: openid('https://id.example.com', {
      refreshToken: withOffline,
      authMethod: 'client_secret_basic',
      userInfoClaims: PERSON,
    }),
    provider: { issuer: 'https://id.example.com' },
    allow: byDomain,
    displayName: 'Ines Duarte',
    identity: ['https://id.example.com', 'person-1'],
    sends: { scope: 'openid profile email offline_access' },
    omits: ['access_type', 'resource'],
    lifetime: 3600,
    logout: 'https://id.example.com/session/end',
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'google',
    start: openid('https://accounts.google.com', {
      refreshToken: (request) =>
        request.get('access_type') === 'offline' &&
        (request.get('prompt') ?? '').includes('consent'),
      refuse: (request) =>
        (request.get('scope') ?? '').includes('offline_access')
          ? 'Some requested scopes were invalid'
          : undefined,
      metadata: { end_session_endpoint: undefined },
      authMethod: 'client_secret_basic',
      idTokenClaims: { ...PERSON, email: 'ines@elsewhere.example', hd: 'north.example' },
    }),
    provider: {},
    allow: byDomain,
    displayName: 'Ines Duarte',
    identity: ['https://accounts.google.com', 'person-1'],
    sends: { access_type: 'offline', prompt: 'consent', scope: 'openid profile email' },
    omits: ['resource'],
    lifetime: 3600,
    logout: undefined,
    revokes: true,
  },
  {
    profile: 'github',
    start: async (net) =>
      new EmulatedOAuth(
        {
          host: 'github.com',
          apiHost: 'api.github.com',
          authorizePath: '/login/oauth/authorize',
          tokenPath: '/login/oauth/access_token',
          authMethod: 'client_secret_post',
          isJson: false,
          requiredHeader: ['accept', 'application/json'],
          refusal: { status: 200, code: 'bad_verification_code', refreshCode: 'bad_refresh_token' },
          expiresIn: 28_800,
          hasRefreshTokens: true,
          tokenExtras: () => ({ scope: 'read:org,read:user,user:email' }),
          api: (path) =>
            ({
              '/user': { id: 583_231, login: 'ines', name: 'Ines Duarte' },
              '/user/emails': [
                { email: 'old@elsewhere.example', primary: false, verified: true },
                { email: 'ines@north.example', primary: true, verified: true },
              ],
              '/user/orgs': [{ login: 'catalog-users' }],
            })[path],
          revocation: {
            method: 'DELETE',
            path: '/applications/our-client/token',
            member: 'access_token',
          },
        },
        net,
      ),
    provider: {},
    allow: byGroup,
    displayName: 'Ines Duarte',
    identity: ['https://github.com', '583231'],
    sends: { scope: 'read:user user:email read:org' },
    omits: ['nonce', 'resource'],
    lifetime: 28_800,
    logout: undefined,
    revokes: true,
  },
  {
    profile: 'entra',
    start: openid(`https://login.microsoftonline.com/${TENANT_ID}/v2.0`, {
      refreshToken: withOffline,
      refuse: (request) =>
        request.has('resource')
          ? "AADSTS901002: The 'resource' request parameter is not supported."
          : undefined,
      authMethod: 'client_secret_post',
      omitsIss: true,
      metadata: { userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo' },
      idTokenClaims: { ...PERSON, tid: TENANT_ID, email_verified: undefined },
    }),
    provider: { issuer: `https://login.microsoftonline.com/${TENANT_ID}/v2.0` },
    allow: { claim: { name: 'tid', value: TENANT_ID }, tenant: 'north' },
    displayName: 'Ines Duarte',
    identity: [`https://login.microsoftonline.com/${TENANT_ID}/v2.0`, 'person-1'],
    sends: { scope: 'openid profile email offline_access' },
    omits: ['resource'],
    lifetime: 3600,
    logout: `https://login.microsoftonline.com/${TENANT_ID}/v2.0/session/end`,
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'entra',
    start: openid(`https://login.microsoftonline.com/${TENANT_ID}/v2.0`, {
      refreshToken: withOffline,
      authMethod: 'client_secret_post',
      omitsIss: true,
      metadataUrl:
        'https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration',
      metadata: { issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0' },
      idTokenClaims: { ...PERSON, tid: TENANT_ID },
    }),
    provider: { issuer: 'https://login.microsoftonline.com/organizations/v2.0' },
    allow: { claim: { name: 'tid', value: TENANT_ID }, tenant: 'north' },
    displayName: 'Ines Duarte',
    identity: ['https://login.microsoftonline.com/organizations/v2.0', `${TENANT_ID}/person-1`],
    sends: {},
    omits: ['resource'],
    lifetime: 3600,
    logout: `https://login.microsoftonline.com/${TENANT_ID}/v2.0/session/end`,
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'entra-v1',
    start: openid(`https://sts.windows.net/${TENANT_ID}/`, {
      refreshToken: always,
      authMethod: 'client_secret_post',
      host: 'login.microsoftonline.com',
      omitsIss: true,
      metadataUrl: `https://login.microsoftonline.com/${TENANT_ID}/.well-known/openid-configuration`,
      idTokenClaims: { ...PERSON, tid: TENANT_ID, xms_edov: '1' },
    }),
    provider: { issuer: `https://sts.windows.net/${TENANT_ID}/` },
    allow: byDomain,
    displayName: 'Ines Duarte',
    identity: [`https://sts.windows.net/${TENANT_ID}/`, 'person-1'],
    sends: { scope: 'openid profile email' },
    omits: ['resource'],
    lifetime: 3600,
    logout: `https://login.microsoftonline.com/${TENANT_ID}/session/end`,
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'okta',
    start: openid('https://north.okta.com/oauth2/default', {
      refreshToken: withOffline,
      authMethod: 'client_secret_basic',
      userInfoClaims: { ...PERSON, groups: ['Everyone', 'catalog-users'] },
    }),
    provider: { issuer: 'https://north.okta.com/oauth2/default' },
    allow: byGroup,
    displayName: 'Ines Duarte',
    identity: ['https://north.okta.com/oauth2/default', 'person-1'],
    sends: { scope: 'openid profile email groups offline_access' },
    omits: [],
    lifetime: 3600,
    logout: 'https://north.okta.com/oauth2/default/session/end',
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'auth0',
    start: openid('https://north.eu.auth0.com/', {
      refreshToken: withOffline,
      authMethod: 'client_secret_basic',
      metadata: { end_session_endpoint: undefined },
      idTokenClaims: PERSON,
      extra: (request) => {
        const url = new URL(request.url);
        const back = url.searchParams.get('returnTo');
        if (url.pathname !== '/v2/logout' || back === null) return undefined;
        if (url.searchParams.get('client_id') !== 'our-client') return json({}, 400);
        return new Response(null, { status: 302, headers: { location: back } });
      },
    }),
    provider: { issuer: 'https://north.eu.auth0.com/' },
    allow: byDomain,
    displayName: 'Ines Duarte',
    identity: ['https://north.eu.auth0.com/', 'person-1'],
    sends: { scope: 'openid profile email offline_access' },
    omits: [],
    lifetime: 3600,
    logout: 'https://north.eu.auth0.com/v2/logout',
    logoutSends: ['client_id', 'returnTo'],
    redirectsFromLogout: true,
    revokes: true,
  },
  {
    profile: 'keycloak',
    start: openid('https://id.north.example/realms/main', {
      refreshToken: always,
      authMethod: 'client_secret_basic',
      userInfoClaims: PERSON,
      idTokenClaims: { groups: ['/catalog-users'], realm_access: { roles: ['reader'] } },
    }),
    provider: { issuer: 'https://id.north.example/realms/main' },
    allow: byGroup,
    displayName: 'Ines Duarte',
    identity: ['https://id.north.example/realms/main', 'person-1'],
    sends: { scope: 'openid profile email' },
    omits: [],
    lifetime: 3600,
    logout: 'https://id.north.example/realms/main/session/end',
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'authentik',
    start: openid('https://id.north.example/application/o/catalog/', {
      refreshToken: withOffline,
      authMethod: 'client_secret_basic',
      idTokenClaims: { ...PERSON, email_verified: false, groups: ['catalog-users'] },
    }),
    provider: { issuer: 'https://id.north.example/application/o/catalog/' },
    allow: byGroup,
    displayName: 'Ines Duarte',
    identity: ['https://id.north.example/application/o/catalog/', 'person-1'],
    sends: { scope: 'openid profile email offline_access' },
    omits: [],
    lifetime: 3600,
    logout: 'https://id.north.example/application/o/catalog/session/end',
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'cognito',
    start: openid('https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI', {
      refreshToken: always,
      authMethod: 'client_secret_basic',
      refuse: (request) =>
        (request.get('scope') ?? '').includes('offline_access') ? 'invalid_scope' : undefined,
      userInfoClaims: { ...PERSON, email_verified: 'true' },
      idTokenClaims: { 'cognito:groups': ['catalog-users'] },
      metadata: {
        end_session_endpoint: 'https://north.auth.eu-central-1.amazoncognito.com/logout',
      },
      tokenAnswer: (answer, request) => {
        const { refresh_token: _kept, ...rest } = answer;
        return { body: request.get('grant_type') === 'refresh_token' ? rest : answer };
      },
    }),
    provider: { issuer: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI' },
    allow: { ...byGroup, domain: 'north.example' },
    displayName: 'Ines Duarte',
    identity: ['https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI', 'person-1'],
    sends: { scope: 'openid profile email' },
    omits: [],
    lifetime: 3600,
    logout: 'https://north.auth.eu-central-1.amazoncognito.com/logout',
    logoutSends: ['client_id', 'logout_uri'],
    revokes: true,
  },
  {
    profile: 'salesforce',
    start: openid('https://login.salesforce.com', {
      refreshToken: (request) => (request.get('scope') ?? '').includes('refresh_token'),
      authMethod: 'client_secret_post',
      userInfoClaims: PERSON,
      tokenAnswer: ({ expires_in: _never, ...answer }) => ({
        body: { ...answer, issued_at: '1278448101416' },
      }),
    }),
    provider: {},
    allow: byDomain,
    displayName: 'Ines Duarte',
    identity: ['https://login.salesforce.com', 'person-1'],
    sends: { scope: 'openid profile email refresh_token' },
    omits: [],
    lifetime: 900,
    logout: 'https://login.salesforce.com/session/end',
    logoutSends: STANDARD_LOGOUT,
    revokes: true,
  },
  {
    profile: 'slack',
    start: openid('https://slack.com', {
      refreshToken: always,
      authMethod: 'client_secret_post',
      metadata: { end_session_endpoint: undefined, revocation_endpoint: undefined },
      userInfoClaims: PERSON,
      idTokenClaims: { 'https://slack.com/team_id': 'T0001' },
      tokenAnswer: (answer, request, status) =>
        status < 400
          ? { body: { ok: true, ...answer } }
          : {
              status: 200,
              body: {
                ok: false,
                error:
                  request.get('grant_type') === 'refresh_token'
                    ? 'invalid_refresh_token'
                    : 'invalid_code',
              },
            },
      extra: (request) =>
        new URL(request.url).pathname === '/api/auth.revoke' ? json({ ok: true }) : undefined,
    }),
    provider: {},
    allow: { group: 'T0001', tenant: 'north' },
    displayName: 'Ines Duarte',
    identity: ['https://slack.com', 'person-1'],
    sends: { scope: 'openid profile email' },
    omits: [],
    lifetime: 3600,
    logout: undefined,
    revokes: true,
  },
  {
    profile: 'notion',
    start: async (net) =>
      new EmulatedOAuth(
        {
          host: 'api.notion.com',
          apiHost: 'api.notion.com',
          authorizePath: '/v1/oauth/authorize',
          tokenPath: '/v1/oauth/token',
          authMethod: 'client_secret_basic',
          isJson: true,
          requiredHeader: ['notion-version', '2025-09-03'],
          refusal: { status: 400, code: 'invalid_grant', refreshCode: 'invalid_grant' },
          hasRefreshTokens: true,
          tokenExtras: (subject) => ({
            workspace_id: 'w-1',
            workspace_name: 'North',
            owner: { type: 'user', user: { id: subject, name: 'Ines Duarte' } },
          }),
          api: () => undefined,
          revocation: { method: 'POST', path: '/v1/oauth/revoke', member: 'token' },
        },
        net,
      ),
    provider: {},
    allow: { group: 'w-1', tenant: 'north' },
    displayName: 'Ines Duarte',
    identity: ['https://api.notion.com', 'person-1'],
    sends: { owner: 'user' },
    omits: ['scope', 'nonce', 'resource'],
    lifetime: 3600,
    logout: undefined,
    revokes: true,
  },
];
