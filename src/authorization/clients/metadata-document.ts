import { ipLiteralOf } from '../../net/address-policy.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import { type Result, err, ok } from '../../shared/result.js';
import {
  type ClientMetadataDraft,
  type ClientPolicyOptions,
  applyClientPolicy,
} from '../client-policy.js';

/** Longest URL that is taken for a client id. */
const MAX_URL_LENGTH = 2000;

/** What a document may say and this server uses. Nothing else of it is kept. */
const USED = [
  'client_id',
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'redirect_uris',
  'grant_types',
  'response_types',
  'application_type',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'jwks',
  'jwks_uri',
  'software_id',
  'software_version',
  'id_token_signed_response_alg',
] as const;

/** Name under which the ways a document lets the client authenticate are kept, when there are several. */
const AUTH_METHODS = 'token_endpoint_auth_methods_supported';

const USABLE_METHODS = ['none', 'private_key_jwt'] as const;
type DocumentAuthMethod = (typeof USABLE_METHODS)[number];

/** Whether a client id is meant to be the URL of a document, well formed or not. */
export function isDocumentUrl(clientId: string): boolean {
  return /^https?:\/\//i.test(clientId);
}

/**
 * Checks the URL of a client metadata document: https with a path, and spelled the one way a URL parser would spell
 * it, which leaves out dot segments, other spellings of an address, user information and default ports.
 *
 * @param allowsLoopback - whether http and https on this machine are taken: for development
 * @returns the URL, or what is wrong with it
 */
export function checkDocumentUrl(clientId: string, allowsLoopback: boolean): Result<URL, string> {
  if (clientId.length > MAX_URL_LENGTH) return err('it is too long for a URL');
  if (!URL.canParse(clientId)) return err('it is not a URL');
  const url = new URL(clientId);
  const isLocal = isLoopbackUrl(url);
  if (url.protocol !== 'https:' && !(isLocal && allowsLoopback)) return err('it is not https');
  if (clientId.includes('#')) return err('it has a fragment');
  if (url.username !== '' || url.password !== '') return err('it has user information');
  if (url.pathname === '/') return err('it has no path');
  if (url.href !== clientId || /%2e|%2f|%5c/i.test(url.pathname)) {
    return err('it is not in its normal form');
  }
  if (
    !(isLocal && allowsLoopback) &&
    (ipLiteralOf(url) !== undefined || !url.hostname.includes('.'))
  ) {
    return err('its host is not a public name');
  }
  return ok(url);
}

/**
 * Reads a client metadata document: the client's id has to be the URL to the byte, a name and redirect URIs have to be
 * there, shared secrets cannot be. Unknown grants and members are dropped.
 *
 * @returns the metadata of the client, with {@link AUTH_METHODS} when the document offers more than one way, or what is
 * wrong with it in words for the client's author
 * @see draft-ietf-oauth-client-id-metadata-document §4
 */
export function readDocument(
  document: unknown,
  clientId: string,
  policy: ClientPolicyOptions,
): Result<JsonObject, string> {
  if (!isJsonObject(document)) return err('it is not a JSON object');
  if (document['client_id'] !== clientId) return err('its client_id is not its own URL');
  if (typeof document['client_name'] !== 'string' || document['client_name'].trim() === '') {
    return err('it has no client_name');
  }
  if ('client_secret' in document || 'client_secret_expires_at' in document) {
    return err('it holds a client_secret, which a public document cannot');
  }
  const methods = authMethodsOf(document);
  const [preferred] = methods;
  if (preferred === undefined) {
    return err(
      'it offers no way to authenticate that works here: none, or private_key_jwt with keys',
    );
  }
  const draft: ClientMetadataDraft = {};
  for (const name of USED) if (document[name] !== undefined) draft[name] = document[name];
  // As the strongest of them: the policy drops the keys of a client that does not sign.
  draft['token_endpoint_auth_method'] = methods.at(-1);
  try {
    applyClientPolicy(draft, policy);
  } catch (error) {
    return err(describe(error));
  }
  draft['token_endpoint_auth_method'] = preferred;
  if (methods.length > 1) draft[AUTH_METHODS] = methods;
  return ok(draft as JsonObject);
}

/**
 * The way a client proves itself in this very request: with a document that offers both, the one it uses.
 *
 * @param hasAssertion - whether the request carries a client assertion
 */
export function withAuthMethod(metadata: JsonObject, hasAssertion: boolean): JsonObject {
  const { [AUTH_METHODS]: methods, ...rest } = metadata;
  if (!Array.isArray(methods)) return metadata;
  if (hasAssertion) return { ...rest, token_endpoint_auth_method: 'private_key_jwt' };
  const { token_endpoint_auth_signing_alg: _unused, ...open } = rest;
  return { ...open, token_endpoint_auth_method: 'none' };
}

function authMethodsOf(document: JsonObject): DocumentAuthMethod[] {
  const offered = document[AUTH_METHODS];
  const named = document['token_endpoint_auth_method'];
  const stated = [named, ...(Array.isArray(offered) ? offered : [])].filter(
    (method) => method !== undefined,
  );
  if (stated.length === 0) return ['none'];
  const hasKeys = document['jwks'] !== undefined || document['jwks_uri'] !== undefined;
  return USABLE_METHODS.filter(
    (method) => stated.includes(method) && (method === 'none' || hasKeys),
  );
}

function describe(error: unknown): string {
  const { error_description: text } = error as { error_description?: string };
  return text ?? 'it does not fit';
}
