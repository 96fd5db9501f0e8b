import type { JWK } from 'jose';
import type { SigningAlgorithm } from '../capabilities.js';
import { classifyRedirectUri } from '../client-policy.js';
import { GRANTS, GRANT_TYPES } from '../metadata.js';

export type ClientAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt';

/** A client that the operator made known, instead of registration at run time. */
export interface PreRegisteredClient {
  readonly clientId: string;
  readonly clientName: string;
  /** Default: none, for a client without a person. */
  readonly redirectUris?: readonly string[];
  /** Makes it a confidential client. Without one and without keys: a public client. */
  readonly clientSecret?: string;
  /** Public keys of a client that signs its assertions (`private_key_jwt`), or where they are. */
  readonly jwks?: { readonly keys: readonly JWK[] };
  readonly jwksUri?: string;
  /** Default: what fits the secret or the keys. */
  readonly authMethod?: ClientAuthMethod;
  /** Default: authorization code and refresh for a client with redirect URIs, else none. */
  readonly grantTypes?: readonly string[];
  /** The most it may ever get, also for itself. Default: every scope. */
  readonly scopes?: readonly string[];
  /** The tenant it acts in for itself. Required for `client_credentials`. */
  readonly tenant?: string;
  /** Resources whose tokens it may introspect and exchange, besides its own. Needs a secret or keys. */
  readonly introspects?: readonly string[];
  /** Default `ES256`. */
  readonly idTokenAlgorithm?: SigningAlgorithm;
}

/** What the operator says about a client and nobody else can: its names in the engine's metadata. */
export const OPERATOR_PROPERTIES = ['introspects', 'allowed_scopes', 'tenant'] as const;

type OperatorProperty = (typeof OPERATOR_PROPERTIES)[number];

/** Grants in which a client acts without a person, or with somebody else's token: it has to prove who it is. */
const CONFIDENTIAL_GRANTS: ReadonlySet<string> = new Set([
  GRANTS.clientCredentials,
  GRANTS.tokenExchange,
]);

/**
 * Checks a client of the operator's and writes it as the engine's metadata.
 *
 * @throws {TypeError} naming the client, the field and what would work
 */
export function toClientMetadata(client: PreRegisteredClient): Record<string, unknown> & {
  client_id: string;
} {
  const { clientId, redirectUris = [], jwks, jwksUri, clientSecret, scopes, tenant } = client;
  const refuse = (reason: string): never => {
    throw new TypeError(`client ${JSON.stringify(clientId)}: ${reason}`);
  };
  if (!/^[\x21-\x7e]{1,200}$/.test(clientId)) {
    refuse('clientId has to be 1 to 200 printable ASCII characters without spaces');
  }
  if (client.clientName.trim() === '') refuse('clientName is empty: people see it');
  const unsafe = redirectUris.find((uri) => classifyRedirectUri(uri) === 'unsafe');
  if (unsafe !== undefined) {
    refuse(
      `redirect URI ${JSON.stringify(unsafe)} is not usable: give https, http on loopback, or an app's own scheme`,
    );
  }
  const hasKeys = jwks !== undefined || jwksUri !== undefined;
  const authMethod =
    client.authMethod ??
    (hasKeys ? 'private_key_jwt' : clientSecret === undefined ? 'none' : 'client_secret_basic');
  if (authMethod === 'private_key_jwt' && !hasKeys) refuse('private_key_jwt needs jwks or jwksUri');
  if (authMethod.startsWith('client_secret') && (clientSecret ?? '').length < 16) {
    refuse(`${authMethod} needs a clientSecret of at least 16 characters`);
  }
  const grantTypes = client.grantTypes ?? (redirectUris.length > 0 ? GRANT_TYPES : []);
  const needsProof = grantTypes.find((grant) => CONFIDENTIAL_GRANTS.has(grant));
  if (
    authMethod === 'none' &&
    (needsProof !== undefined || (client.introspects ?? []).length > 0)
  ) {
    refuse(`${needsProof ?? 'introspects'} needs a clientSecret or keys`);
  }
  if (grantTypes.includes(GRANTS.clientCredentials) && tenant === undefined) {
    refuse('client_credentials needs the tenant that the client acts in');
  }
  if (grantTypes.includes(GRANTS.code) && redirectUris.length === 0) {
    refuse('authorization_code needs redirectUris');
  }
  const isNative = redirectUris.some((uri) => classifyRedirectUri(uri) !== 'https');
  return {
    client_id: clientId,
    client_name: client.clientName,
    redirect_uris: [...redirectUris],
    application_type: isNative ? 'native' : 'web',
    grant_types: [...grantTypes],
    response_types: grantTypes.includes(GRANTS.code) ? ['code'] : [],
    token_endpoint_auth_method: authMethod,
    ...(clientSecret !== undefined && authMethod.startsWith('client_secret')
      ? { client_secret: clientSecret }
      : {}),
    ...(jwks === undefined ? {} : { jwks: { keys: [...jwks.keys] } }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(client.idTokenAlgorithm === undefined
      ? {}
      : { id_token_signed_response_alg: client.idTokenAlgorithm }),
    introspects: [...(client.introspects ?? [])],
    ...(scopes === undefined ? {} : { allowed_scopes: [...scopes] }),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

/** Resources whose tokens a client may introspect and exchange. */
export function introspectsOf(client: object): readonly string[] {
  return listOf(client, 'introspects') ?? [];
}

/** The scopes a client may get at all; undefined: every one. */
export function allowedScopesOf(client: object): readonly string[] | undefined {
  return listOf(client, 'allowed_scopes');
}

/** The tenant a client acts in for itself. */
export function tenantOf(client: object): string | undefined {
  const value = (client as Record<string, unknown>)['tenant' satisfies OperatorProperty];
  return typeof value === 'string' ? value : undefined;
}

function listOf(client: object, name: OperatorProperty): readonly string[] | undefined {
  const value = (client as Record<string, unknown>)[name];
  return Array.isArray(value) ? value.map(String) : undefined;
}
