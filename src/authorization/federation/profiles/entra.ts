import {
  type PersonSource,
  type ProviderProfile,
  type UpstreamPerson,
  domainOfEmail,
  endSessionUrl,
  readOpenIdPerson,
  textOf,
} from '../profile.js';

const SHARED_TENANTS = ['common', 'organizations', 'consumers'];

const RESOURCE_QUIRK = {
  text: 'it refuses a `resource` parameter: none is ever sent upstream',
  source: 'https://github.com/modelcontextprotocol/modelcontextprotocol/issues/1389',
};
const EMAIL_QUIRK = {
  text: 'anybody can put any address into `email`: a domain counts only with `xms_edov`. Use rules on `tid` or groups',
  source:
    'https://learn.microsoft.com/en-us/entra/identity-platform/migrate-off-email-claim-authorization',
};

const ENTRA = {
  protocol: 'openid',
  scopes: ['openid', 'profile', 'email'],
  clientAuthentication: 'client_secret_post',
  // Its userinfo endpoint belongs to Graph, which wants a token of its own and says less.
  usesUserInfo: false,
  revocation: { kind: 'standard' },
  readPerson: readEntraPerson,
  logoutUrl: endSessionUrl,
} as const;

/** Microsoft Entra ID, tokens of version 2. */
export const entra: ProviderProfile = {
  ...ENTRA,
  label: 'Microsoft',
  issuerExample: 'https://login.microsoftonline.com/<tenant id>/v2.0',
  checkIssuer: (issuer) =>
    issuer.endsWith('/v2.0') ? undefined : 'it has to end in "/v2.0"; older issuers are "entra-v1"',
  offline: { scopes: ['offline_access'] },
  quirks: [
    RESOURCE_QUIRK,
    EMAIL_QUIRK,
    {
      text: '`common` and `organizations` name `{tenantid}` as the issuer: the token’s own tenant is put in, and is part of the subject',
      source: 'https://github.com/MicrosoftDocs/azure-docs/issues/38427',
    },
    {
      text: 'a refresh token needs `offline_access`',
      source: 'https://learn.microsoft.com/en-us/entra/identity-platform/scopes-oidc',
    },
  ],
};

/** Microsoft Entra ID, tokens of version 1. */
export const entraV1: ProviderProfile = {
  ...ENTRA,
  label: 'Microsoft',
  issuerExample: 'https://sts.windows.net/<tenant id>/',
  checkIssuer: (issuer) =>
    /^https:\/\/sts\.windows\.net\/[^/]+\/$/.test(issuer)
      ? undefined
      : 'it has to be https://sts.windows.net/<tenant id>/ with the slash at its end',
  metadataUrl: (issuer) =>
    `https://login.microsoftonline.com${new URL(issuer).pathname}.well-known/openid-configuration`,
  // Refresh tokens come without asking; this version does not know the scope.
  offline: {},
  quirks: [
    {
      text: 'issuer on `sts.windows.net` with a slash, metadata on `login.microsoftonline.com`',
      source: 'https://github.com/MicrosoftDocs/azure-docs/issues/38545',
    },
    EMAIL_QUIRK,
  ],
};

function readEntraPerson(source: PersonSource): UpstreamPerson {
  const { claims, issuer } = source;
  const person = readOpenIdPerson(source);
  const tenant = textOf(claims['tid']);
  const isShared = SHARED_TENANTS.some((name) => issuer.includes(`/${name}/`));
  const isDomainVerified = [true, 1, '1', 'true'].includes(claims['xms_edov'] as never);
  return {
    ...person,
    subject: isShared && tenant !== undefined ? `${tenant}/${person.subject}` : person.subject,
    domain: isDomainVerified ? domainOfEmail(claims['email']) : undefined,
  };
}
