import { quote } from '../shared/errors.js';
import { type Clock, nowSeconds } from '../shared/clock.js';
import { isJsonObject, parseJson } from '../shared/json.js';
import { isRedirectUriMatch } from '../oauth/redirect-uri.js';
import type { Broker } from './broker.js';
import type { AuthorizationServer } from './discovery.js';
import { RegistrationError } from './errors.js';
import type { ClientRegistration } from './grant.js';
import { type FetchLike, printable } from './token-endpoint.js';

/** Who this client is, where it does not register itself. */
export interface ClientIdentityOptions {
  /** A client that an operator made at the authorization server. */
  readonly preRegistered?: {
    readonly clientId: string;
    readonly clientSecret?: string;
    /** The issuer it was made at: no other one ever gets the secret. Undefined: the first one that is met. */
    readonly issuer?: string;
  };
  /** URL of a client id metadata document: https, with a path. Used where the server takes such ids. */
  readonly metadataDocumentUrl?: string;
  /** Shown on consent pages. Default `catalog-client`. */
  readonly clientName?: string;
}

export interface RegistrationRequest {
  readonly broker: Broker;
  readonly fetch: FetchLike;
  readonly server: AuthorizationServer;
  /** The address that this login listens on. */
  readonly redirectUri: string;
  /** Also registered, so that a later login may use it. */
  readonly preferredRedirectUri: string;
  readonly identity: ClientIdentityOptions;
  /** A grant that the client has to be registered for, besides the authorization code and refresh. */
  readonly grantType?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Finds this client's identity at an authorization server: pre-registered, else a metadata document where the server
 * takes one, else the earlier registration, else a new one (RFC 7591).
 *
 * @throws {RegistrationError} when there is no way, or the server refuses
 */
export async function findRegistration(request: RegistrationRequest): Promise<ClientRegistration> {
  const { server, identity, broker } = request;
  const { preRegistered } = identity;
  if (preRegistered !== undefined) {
    if (preRegistered.issuer !== undefined && preRegistered.issuer !== server.issuer) {
      throw new RegistrationError(
        `the client ${quote(preRegistered.clientId)} belongs to ${preRegistered.issuer}, but the server now uses ${server.issuer}. Ask its operator for a client there`,
      );
    }
    return {
      issuer: server.issuer,
      clientId: preRegistered.clientId,
      ...(preRegistered.clientSecret !== undefined && { clientSecret: preRegistered.clientSecret }),
      source: 'pre-registered',
      redirectUris: [],
    };
  }
  if (identity.metadataDocumentUrl !== undefined && server.takesMetadataDocuments) {
    return {
      issuer: server.issuer,
      clientId: requireMetadataDocumentUrl(identity.metadataDocumentUrl),
      tokenEndpointAuthMethod: 'none',
      source: 'metadata-document',
      redirectUris: [],
    };
  }
  const earlier = await broker.store.findRegistration(server.issuer);
  if (earlier !== undefined && isStillGood(earlier, request, broker.clock)) return earlier;
  if (server.registrationEndpoint === undefined) {
    throw new RegistrationError(
      `${server.issuer} lets no client register itself. Ask its operator for a client id and give it with --client-id`,
    );
  }
  const registration = await register(server.registrationEndpoint, request);
  await broker.store.saveRegistration(registration);
  return registration;
}

function isStillGood(
  earlier: ClientRegistration,
  request: RegistrationRequest,
  clock: Clock,
): boolean {
  const { secretExpiresAt = 0 } = earlier;
  if (secretExpiresAt !== 0 && secretExpiresAt <= nowSeconds(clock)) return false;
  const { grantType } = request;
  if (grantType !== undefined) return earlier.grantTypes?.includes(grantType) === true;
  // Loopback ports are free by RFC 8252 §7.3, but not every server knows: only a registered address is sent.
  const isExact = earlier.redirectUris.includes(request.redirectUri);
  const isOwnPort = request.redirectUri === request.preferredRedirectUri;
  return (
    isExact ||
    (!isOwnPort && earlier.redirectUris.some((uri) => isPortFree(uri, request.redirectUri)))
  );
}

/** Whether the server has shown, by registering a portless address, that it takes any port. */
function isPortFree(registered: string, requested: string): boolean {
  return new URL(registered).port === '' && isRedirectUriMatch(registered, requested);
}

async function register(
  endpoint: string,
  request: RegistrationRequest,
): Promise<ClientRegistration> {
  const redirectUris = [...new Set([request.preferredRedirectUri, request.redirectUri])];
  const more = request.grantType === undefined ? [] : [request.grantType];
  const response = await request.fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({
      client_name: request.identity.clientName ?? 'catalog-client',
      application_type: 'native',
      redirect_uris: redirectUris,
      grant_types: ['authorization_code', 'refresh_token', ...more],
      response_types: ['code'],
      token_endpoint_auth_method: preferredAuthMethod(request.server),
    }),
    ...(request.signal !== undefined && { signal: request.signal }),
  });
  const parsed = parseJson(await response.text(), { maxBytes: 256 * 1024, maxDepth: 16 });
  const body = parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
  const { client_id: clientId, client_secret: clientSecret } = body;
  if (!response.ok || typeof clientId !== 'string' || clientId === '') {
    throw new RegistrationError(
      `${new URL(endpoint).origin} refuses to register this client (${response.status}${describeRefusal(body)}). Ask its operator for a client id and give it with --client-id`,
    );
  }
  const method = body['token_endpoint_auth_method'];
  const secretExpiresAt = body['client_secret_expires_at'];
  return {
    issuer: request.server.issuer,
    clientId,
    ...(typeof clientSecret === 'string' && clientSecret !== '' && { clientSecret }),
    ...(typeof method === 'string' && { tokenEndpointAuthMethod: method }),
    ...(typeof secretExpiresAt === 'number' && { secretExpiresAt }),
    source: 'dynamic',
    redirectUris,
    ...(more.length > 0 && { grantTypes: more }),
  };
}

/** A program that everybody has a copy of keeps no secret: `none` wherever the server takes it. */
function preferredAuthMethod(server: AuthorizationServer): string {
  const methods = server.tokenAuthMethods;
  if (methods.length === 0 || methods.includes('none')) return 'none';
  const known = ['client_secret_basic', 'client_secret_post'];
  return known.find((method) => methods.includes(method)) ?? 'none';
}

function describeRefusal(body: Readonly<Record<string, unknown>>): string {
  return [body['error'], body['error_description']]
    .filter((part): part is string => typeof part === 'string')
    .map((part) => `, ${printable(part, 200)}`)
    .join('');
}

function requireMetadataDocumentUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' && url.pathname !== '/' && url.hash === '') return text;
  throw new RegistrationError(
    `the client metadata URL ${quote(text)} is not an https URL with a path`,
  );
}
