import { type JsonObject, isJsonObject, parseJson } from '../shared/json.js';
import { quote } from '../shared/errors.js';
import type { Challenge } from '../oauth/challenge.js';
import { isLoopbackUrl } from '../oauth/loopback.js';
import {
  authorizationServerMetadataCandidates,
  protectedResourceMetadataCandidates,
} from '../oauth/metadata-url.js';
import { canonicalResource } from '../oauth/resource.js';
import { parseScope } from '../oauth/scope.js';
import { DiscoveryError } from './errors.js';
import type { FetchLike } from './token-endpoint.js';

/** RFC 9728, as far as it is used here. */
interface ResourceMetadata {
  /** As published: what goes into every `resource` parameter. */
  readonly resource: string;
  readonly authorizationServers: readonly string[];
  readonly scopesSupported: readonly string[];
}

/** RFC 8414, as far as it is used here. Every URL is https, or http to this machine. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly registrationEndpoint?: string;
  readonly revocationEndpoint?: string;
  /** RFC 8628. */
  readonly deviceAuthorizationEndpoint?: string;
  readonly scopesSupported: readonly string[];
  readonly tokenAuthMethods: readonly string[];
  readonly revocationAuthMethods?: readonly string[];
  readonly takesMetadataDocuments: boolean;
  /** RFC 9207: every authorization response has to carry `iss`. */
  readonly sendsIss: boolean;
  /** Own extension: see `GrantEndpoints.refreshReplaySeconds`. */
  readonly refreshReplaySeconds?: number;
}

export interface Discovered {
  readonly resourceMetadata: ResourceMetadata;
  readonly authorizationServer: AuthorizationServer;
}

export interface DiscoverOptions {
  readonly fetch: FetchLike;
  /** The Bearer challenge of a 401, when there was one. */
  readonly challenge?: Challenge | undefined;
  /** Taken when the server lists it among others: the one that was used before, or that the user wants. */
  readonly preferredIssuer?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MAX_DOCUMENT_BYTES = 256 * 1024;
const MAX_SERVERS = 16;
/** A replay window longer than this is not believed. */
const MAX_REPLAY_SECONDS = 600;

/**
 * Finds the authorization server of an MCP server: protected resource metadata (URL of the challenge, else the path
 * form, else the root form), then the metadata of one of its issuers (three forms, in order).
 *
 * Checks that `resource` covers the server, that `issuer` is the one asked for, that S256 is supported and that every
 * URL is https or loopback. Does NOT fall back to guessed endpoints (2025-03-26).
 *
 * @throws {DiscoveryError} names the document and what is wrong with it
 * @see RFC 9728 §3, RFC 8414 §3, MCP 2026-07-28 authorization
 */
export async function discover(serverUrl: string, options: DiscoverOptions): Promise<Discovered> {
  const resourceMetadata = await fetchResourceMetadata(serverUrl, options);
  const issuer = chooseIssuer(resourceMetadata, options.preferredIssuer);
  const authorizationServer = await fetchAuthorizationServer(issuer, options);
  return { resourceMetadata, authorizationServer };
}

async function fetchResourceMetadata(
  serverUrl: string,
  options: DiscoverOptions,
): Promise<ResourceMetadata> {
  const advertised = options.challenge?.params['resource_metadata'];
  if (advertised !== undefined) {
    const url = requireUrl(advertised, 'resource-metadata', 'resource_metadata of the challenge');
    if (isLoopbackUrl(url) && !isLoopbackUrl(serverUrl)) {
      throw new DiscoveryError(
        'resource-metadata',
        `${new URL(serverUrl).origin} sends this client to ${quote(advertised)} on this machine: refused`,
      );
    }
  }
  const urls =
    advertised === undefined ? protectedResourceMetadataCandidates(serverUrl) : [advertised];
  for (const url of urls) {
    const document = await fetchDocument(url, 'resource-metadata', options);
    if (document !== undefined) return readResourceMetadata(document, url, serverUrl);
  }
  throw new DiscoveryError(
    'resource-metadata',
    `${serverUrl} has no protected resource metadata (asked ${urls.join(', ')}). It needs another kind of credential, or is not set up for OAuth`,
  );
}

function readResourceMetadata(
  document: JsonObject,
  url: string,
  serverUrl: string,
): ResourceMetadata {
  const { resource } = document;
  if (typeof resource !== 'string' || !isResourceFor(resource, serverUrl)) {
    throw new DiscoveryError(
      'resource-metadata',
      `${url} is about the resource ${quote(resource)}, not about ${serverUrl}. The server's public URL is probably set wrong`,
    );
  }
  const servers = textsOf(document['authorization_servers']).slice(0, MAX_SERVERS);
  if (servers.length === 0) {
    throw new DiscoveryError('resource-metadata', `${url} names no authorization server`);
  }
  return {
    resource,
    authorizationServers: servers,
    scopesSupported: parseScope(textsOf(document['scopes_supported']).join(' ')),
  };
}

/**
 * Whether metadata for `resource` may be used for a server: the same URL, or the same origin and a path that is a
 * whole-segment prefix of the server's.
 */
export function isResourceFor(resource: string, serverUrl: string): boolean {
  if (!URL.canParse(resource)) return false;
  const [published, server] = [new URL(resource), new URL(serverUrl)];
  if (published.hash !== '' || published.origin !== server.origin) return false;
  if (published.origin === 'null') return false;
  if (published.search !== '') return canonicalResource(resource) === canonicalResource(serverUrl);
  const prefix = published.pathname.replace(/\/$/, '');
  return server.pathname === prefix || server.pathname.startsWith(`${prefix}/`);
}

function chooseIssuer(metadata: ResourceMetadata, preferred: string | undefined): string {
  const [first = ''] = metadata.authorizationServers;
  const issuer =
    preferred !== undefined && metadata.authorizationServers.includes(preferred)
      ? preferred
      : first;
  requireUrl(issuer, 'resource-metadata', 'authorization_servers');
  if (isLoopbackUrl(issuer) && !isLoopbackUrl(metadata.resource)) {
    throw new DiscoveryError(
      'resource-metadata',
      `${metadata.resource} names an authorization server on this machine, ${quote(issuer)}: refused`,
    );
  }
  return issuer;
}

async function fetchAuthorizationServer(
  issuer: string,
  options: DiscoverOptions,
): Promise<AuthorizationServer> {
  const urls = authorizationServerMetadataCandidates(issuer);
  for (const url of urls) {
    const document = await fetchDocument(url, 'authorization-server-metadata', options);
    if (document !== undefined) return readAuthorizationServer(document, url, issuer);
  }
  throw new DiscoveryError(
    'authorization-server-metadata',
    `the authorization server ${issuer} publishes no metadata (asked ${urls.join(', ')})`,
  );
}

function readAuthorizationServer(
  document: JsonObject,
  url: string,
  issuer: string,
): AuthorizationServer {
  const fail = (problem: string): DiscoveryError =>
    new DiscoveryError('authorization-server-metadata', `${url}: ${problem}`);
  if (document['issuer'] !== issuer) {
    throw fail(`issuer is ${quote(document['issuer'])}, expected ${quote(issuer)} to the letter`);
  }
  if (!textsOf(document['code_challenge_methods_supported']).includes('S256')) {
    throw fail('PKCE with S256 is not among code_challenge_methods_supported; it is required');
  }
  const endpoint = (name: string): string | undefined => {
    const value = document[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw fail(`${name} is ${quote(value)}, expected a URL`);
    requireUrl(value, 'authorization-server-metadata', name);
    if (isLoopbackUrl(value) && !isLoopbackUrl(issuer)) {
      throw fail(`${name} points to this machine: refused`);
    }
    return value;
  };
  const authorizationEndpoint = endpoint('authorization_endpoint');
  const tokenEndpoint = endpoint('token_endpoint');
  if (authorizationEndpoint === undefined) throw fail('authorization_endpoint is missing');
  if (tokenEndpoint === undefined) throw fail('token_endpoint is missing');
  const registrationEndpoint = endpoint('registration_endpoint');
  const revocationEndpoint = endpoint('revocation_endpoint');
  const deviceEndpoint = endpoint('device_authorization_endpoint');
  const revocationAuth = document['revocation_endpoint_auth_methods_supported'];
  const replay = document['refresh_token_replay_seconds'];
  return {
    issuer,
    authorizationEndpoint,
    tokenEndpoint,
    ...(registrationEndpoint !== undefined && { registrationEndpoint }),
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
    ...(deviceEndpoint !== undefined && { deviceAuthorizationEndpoint: deviceEndpoint }),
    scopesSupported: textsOf(document['scopes_supported']),
    tokenAuthMethods: textsOf(document['token_endpoint_auth_methods_supported']),
    ...(revocationAuth !== undefined && { revocationAuthMethods: textsOf(revocationAuth) }),
    takesMetadataDocuments: document['client_id_metadata_document_supported'] === true,
    sendsIss: document['authorization_response_iss_parameter_supported'] === true,
    ...(typeof replay === 'number' &&
      replay > 0 &&
      replay <= MAX_REPLAY_SECONDS && { refreshReplaySeconds: replay }),
  };
}

/** @returns undefined when there is no document: a 4xx answer */
async function fetchDocument(
  url: string,
  hop: DiscoveryError['hop'],
  options: DiscoverOptions,
): Promise<JsonObject | undefined> {
  const response = await options.fetch(url, {
    headers: { accept: 'application/json' },
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  if (!response.ok) {
    await response.body?.cancel();
    if (response.status >= 400 && response.status <= 499) return undefined;
    throw new DiscoveryError(hop, `${url} answered ${response.status}. Try again later`);
  }
  const parsed = parseJson(await response.text(), { maxBytes: MAX_DOCUMENT_BYTES, maxDepth: 16 });
  if (parsed.ok && isJsonObject(parsed.value)) return parsed.value;
  throw new DiscoveryError(hop, `${url} does not answer with a JSON object of reasonable size`);
}

function requireUrl(text: string, hop: DiscoveryError['hop'], name: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isAllowed =
    url !== undefined &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackUrl(url))) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '';
  if (url !== undefined && isAllowed) return url;
  throw new DiscoveryError(
    hop,
    `${name} is ${quote(text)}, expected an https URL (or http to this machine)`,
  );
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string').slice(0, 200)
    : [];
}
