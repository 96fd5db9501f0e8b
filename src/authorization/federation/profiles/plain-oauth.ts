import { isJsonObject } from '../../../shared/json.js';
import {
  type ProviderProfile,
  UpstreamAnswerError,
  domainOfEmail,
  noLogout,
  textOf,
} from '../profile.js';

const MAX_LISTED = 100;

/** OAuth without OpenID Connect: who a person is comes from the API. */
export const github: ProviderProfile = {
  label: 'GitHub',
  protocol: 'oauth2',
  issuer: 'https://github.com',
  issuerExample: 'https://github.com or https://github.example.com',
  endpoints: {
    authorization: 'https://github.com/login/oauth/authorize',
    token: 'https://github.com/login/oauth/access_token',
    api: 'https://api.github.com',
  },
  scopes: ['read:user', 'user:email', 'read:org'],
  // Tokens of OAuth apps do not expire; GitHub Apps give refresh tokens by their settings.
  offline: {},
  clientAuthentication: 'client_secret_post',
  usesUserInfo: false,
  tokenEndpoint: {
    headers: { accept: 'application/json' },
    errorCodes: {
      bad_verification_code: 'invalid_grant',
      bad_refresh_token: 'invalid_grant',
      incorrect_client_credentials: 'invalid_client',
    },
  },
  revocation: { kind: 'github' },
  async readPerson({ get }) {
    const user = await get('/user');
    if (!isJsonObject(user) || typeof user['id'] !== 'number') {
      throw new UpstreamAnswerError('the answer of /user has no numeric "id"');
    }
    const emails = await get('/user/emails');
    const primary = Array.isArray(emails)
      ? emails.find(
          (entry: unknown) =>
            isJsonObject(entry) && entry['primary'] === true && entry['verified'] === true,
        )
      : undefined;
    const organisations = await get(`/user/orgs?per_page=${MAX_LISTED}`);
    const groups = (Array.isArray(organisations) ? organisations : []).flatMap((entry: unknown) =>
      isJsonObject(entry) && typeof entry['login'] === 'string' ? [entry['login']] : [],
    );
    const email = isJsonObject(primary) ? primary['email'] : undefined;
    return {
      // A login can be given up and taken by somebody else.
      subject: String(user['id']),
      displayName: textOf(user['name']) ?? textOf(user['login']) ?? String(user['id']),
      domain: domainOfEmail(email),
      groups,
      claims: { ...user, organizations: groups },
    };
  },
  logoutUrl: noLogout,
  quirks: [
    {
      text: 'no OpenID Connect: people are read from `/user`, keyed by the numeric id, never by the login',
      source:
        'https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps',
    },
    {
      text: 'errors of the token endpoint have status 200',
      source: 'https://github.com/popcodeorg/popcode/issues/954',
    },
    {
      text: 'the token endpoint answers a form unless asked for JSON',
      source:
        'https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps',
    },
    {
      text: 'organisations are groups; tokens are given back with DELETE',
      source: 'https://docs.github.com/en/rest/apps/oauth-applications',
    },
  ],
};

export const notion: ProviderProfile = {
  label: 'Notion',
  protocol: 'oauth2',
  issuer: 'https://api.notion.com',
  issuerExample: 'https://api.notion.com',
  endpoints: {
    authorization: 'https://api.notion.com/v1/oauth/authorize',
    token: 'https://api.notion.com/v1/oauth/token',
    api: 'https://api.notion.com',
  },
  scopes: [],
  offline: {},
  parameters: { owner: 'user' },
  clientAuthentication: 'client_secret_basic',
  usesUserInfo: false,
  tokenEndpoint: { isJson: true, hasPlainBasic: true, headers: { 'notion-version': '2025-09-03' } },
  assumedLifetimeSeconds: 3600,
  revocation: { kind: 'basic-json', path: '/v1/oauth/revoke' },
  readPerson({ claims }) {
    const owner = claims['owner'];
    const user = isJsonObject(owner) ? owner['user'] : undefined;
    const id = isJsonObject(user) ? textOf(user['id']) : undefined;
    if (!isJsonObject(user) || id === undefined) {
      throw new UpstreamAnswerError('the token answer has no "owner.user.id"');
    }
    const workspace = textOf(claims['workspace_id']);
    return {
      subject: id,
      displayName: textOf(user['name']) ?? id,
      // The answer does not say whether the address was verified.
      domain: undefined,
      groups: workspace === undefined ? [] : [workspace],
      claims: { workspace_id: workspace ?? null, workspace_name: claims['workspace_name'] ?? null },
    };
  },
  logoutUrl: noLogout,
  quirks: [
    {
      text: 'the token request is JSON with a `Notion-Version` header, and Basic authentication of the plain id and secret',
      source: 'https://developers.notion.com/reference/create-a-token',
    },
    {
      text: 'no scopes and no userinfo: the token answer says who it was; the workspace id counts as a group',
      source:
        'https://developers.notion.com/changelog/oauth-token-response-now-includes-more-info-about-the-workspace',
    },
    {
      text: 'no `expires_in`: a token with a refresh token is refreshed after an hour, and each refresh gives a new refresh token',
      source: 'https://developers.notion.com/reference/refresh-a-token',
    },
  ],
};
