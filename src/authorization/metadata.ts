import type { JsonObject } from '../shared/json.js';
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

export const GRANT_TYPES = ['authorization_code', 'refresh_token'] as const;

export const SIGNING_ALGORITHM = 'ES256';

/** Scopes of the protocol itself. */
export const PROTOCOL_SCOPES = ['openid', 'offline_access'] as const;

/**
 * The metadata document, one for RFC 8414 and OpenID discovery. It is made from the issuer alone: no request header
 * has a part in it.
 */
export function buildMetadata(
  locations: Locations,
  resources: ResourceRegistry,
  isRegistrationEnabled: boolean,
): JsonObject {
  return {
    issuer: locations.issuer,
    authorization_endpoint: locations.urlOf(ROUTES.authorization),
    token_endpoint: locations.urlOf(ROUTES.token),
    ...(isRegistrationEnabled
      ? { registration_endpoint: locations.urlOf(ROUTES.registration) }
      : {}),
    revocation_endpoint: locations.urlOf(ROUTES.revocation),
    introspection_endpoint: locations.urlOf(ROUTES.introspection),
    jwks_uri: locations.urlOf('/.well-known/jwks.json'),
    scopes_supported: [...PROTOCOL_SCOPES, ...resources.scopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [...GRANT_TYPES],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
    token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256', 'EdDSA'],
    revocation_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
    introspection_endpoint_auth_methods_supported: [...CLIENT_AUTH_METHODS],
    authorization_response_iss_parameter_supported: true,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [SIGNING_ALGORITHM],
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'name'],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    protected_resources: resources.all.map((entry) => entry.resource),
    // An extension of ours: how long a spent refresh token gets the same answer again, so that a client which lost the
    // answer knows that repeating the request is safe.
    refresh_token_replay_seconds: LIFETIMES.refreshReplay,
  };
}
