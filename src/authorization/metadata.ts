import type { JsonObject } from '../shared/json.js';
import type { Capabilities } from './capabilities.js';
import { LIFETIMES } from './options.js';
import { type Locations, ROUTES } from './locations.js';
import type { ResourceRegistry } from './resources.js';

/** Client authentication at the token endpoint. */
export const CLIENT_AUTH_METHODS = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const;

/** The grant types that this server knows, by a short name. */
export const GRANTS = {
  code: 'authorization_code',
  refresh: 'refresh_token',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  clientCredentials: 'client_credentials',
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  jwtBearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const;

/** What a client gets that names no grant types. */
export const GRANT_TYPES: readonly string[] = [GRANTS.code, GRANTS.refresh];

/** What tokens are signed with unless somebody insists on another one. */
export const SIGNING_ALGORITHM = 'ES256';

/** Algorithms of client assertions. */
export const ASSERTION_ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const;

/** Profile of the jwt-bearer grant for identity assertions of an enterprise's identity provider. */
const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';

/** Scopes of the protocol itself. */
export const PROTOCOL_SCOPES = ['openid', 'offline_access'] as const;

/**
 * The metadata document, one for RFC 8414 and OpenID discovery. It is made from the issuer alone: no request header
 * has a part in it.
 */
export function buildMetadata(
  locations: Locations,
  resources: ResourceRegistry,
  capabilities: Capabilities,
): JsonObject {
  const { grantTypes } = capabilities;
  return {
    issuer: locations.issuer,
    authorization_endpoint: locations.urlOf(ROUTES.authorization),
    token_endpoint: locations.urlOf(ROUTES.token),
    ...(capabilities.hasRegistration && {
      registration_endpoint: locations.urlOf(ROUTES.registration),
    }),
    ...(grantTypes.includes(GRANTS.device) && {
      device_authorization_endpoint: locations.urlOf(ROUTES.deviceAuthorization),
    }),
    revocation_endpoint: locations.urlOf(ROUTES.revocation),
    introspection_endpoint: locations.urlOf(ROUTES.introspection),
    jwks_uri: locations.urlOf('/.well-known/jwks.json'),
    scopes_supported: [...PROTOCOL_SCOPES, ...resources.scopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [...grantTypes],
    ...(capabilities.hasIdentityAssertions && {
      authorization_grant_profiles_supported: [ID_JAG_PROFILE],
    }),
    client_id_metadata_document_supported: capabilities.hasDocuments,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
    token_endpoint_auth_signing_alg_values_supported: [...ASSERTION_ALGORITHMS],
    revocation_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
    introspection_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
    authorization_response_iss_parameter_supported: true,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...capabilities.signingAlgorithms],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'name'],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    protected_resources: resources.all.map((entry) => entry.resource),
    // An extension of ours: how long a spent refresh token gets the same answer again, so that a client which lost the
    // answer knows that repeating the request is safe.
    refresh_token_replay_seconds: LIFETIMES.refreshReplay,
  };
}
