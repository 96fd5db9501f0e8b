import { createHash } from 'node:crypto';
import { errors } from 'oidc-provider';
import { isLoopbackUrl } from '../oauth/loopback.js';
import { GRANTS, SIGNING_ALGORITHM } from './metadata.js';

const MAX_REDIRECT_URIS = 10;
const MAX_URI_LENGTH = 2000;
const MAX_NAME_LENGTH = 200;

/** Schemes that run or read something in a browser instead of opening an app. */
const DANGEROUS_SCHEMES = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'blob:',
  'file:',
  'about:',
  'view-source:',
  'filesystem:',
  'ws:',
  'wss:',
  'ftp:',
]);

/** Metadata that has no meaning here, would make the engine refuse sane requests, or would make it fetch something. */
const DROPPED = [
  'scope',
  'contacts',
  'sector_identifier_uri',
  'default_max_age',
  'default_acr_values',
  'require_auth_time',
  'initiate_login_uri',
  'subject_type',
] as const;

const DISPLAY_URIS = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const;

/** Where the answer to a client leads, as far as trust goes. `unsafe` is never usable. */
export type RedirectKind = 'https' | 'loopback' | 'private-use' | 'unsafe';

/** The same for a whole request: a device is told at the token endpoint (RFC 8628). */
export type AnswerKind = RedirectKind | 'device';

/**
 * Where the answer to an authorization request goes, for the consent page.
 *
 * @returns `host`: that of the redirect URI, or the scheme of an app's own; undefined for a device
 */
export function describeAnswer(params: Readonly<Record<string, unknown>>): {
  readonly kind: AnswerKind;
  readonly host: string | undefined;
} {
  const uri = params['redirect_uri'];
  if (typeof uri !== 'string' || !URL.canParse(uri)) return { kind: 'device', host: undefined };
  const { host, protocol } = new URL(uri);
  return { kind: classifyRedirectUri(uri), host: host === '' ? protocol : host };
}

/**
 * Classifies a redirect URI: https, http on a loopback address, or an app's own scheme.
 *
 * @see RFC 8252 §7, OAuth 2.1 §2.3
 */
export function classifyRedirectUri(uri: string): RedirectKind {
  if (uri.length > MAX_URI_LENGTH || !URL.canParse(uri) || /[\s#\\]/.test(uri)) return 'unsafe';
  const url = new URL(uri);
  if (url.username !== '' || url.password !== '' || DANGEROUS_SCHEMES.has(url.protocol)) {
    return 'unsafe';
  }
  if (url.protocol === 'https:') return isLoopbackUrl(url) ? 'unsafe' : 'https';
  if (url.protocol === 'http:') return isLoopbackUrl(url) ? 'loopback' : 'unsafe';
  return 'private-use';
}

/** Mutable client metadata, as the engine hands it over. */
export type ClientMetadataDraft = Record<string, unknown>;

/** What this server lets clients be that nobody vouches for. */
export interface ClientPolicyOptions {
  /** Whether redirect URIs with an app's own scheme are usable. */
  readonly allowsPrivateUseSchemes: boolean;
  /** Grant types that such a client may have. */
  readonly grantTypes: readonly string[];
  /** What id tokens can be signed with; the first one is the default. */
  readonly signingAlgorithms: readonly string[];
}

/**
 * Makes the metadata of a registration request or of a client's document fit this server, in place: drops what has no meaning here, keeps the
 * redirect URIs that are safe, and makes every client with a loopback or private-use redirect a native one.
 *
 * @throws {errors.InvalidClientMetadata} when nothing usable is left
 */
export function applyClientPolicy(
  metadata: ClientMetadataDraft,
  options: ClientPolicyOptions,
): void {
  for (const name of DROPPED) delete metadata[name];
  for (const name of DISPLAY_URIS) {
    const value = metadata[name];
    if (typeof value !== 'string' || !value.startsWith('https://') || !URL.canParse(value)) {
      delete metadata[name];
    }
  }
  // The validator of the engine has the last word on what these may be; unknown values must not fail a client.
  keepKnown(metadata, 'grant_types', options.grantTypes);
  keepKnown(metadata, 'response_types', ['code']);
  const idTokenAlgorithm = metadata['id_token_signed_response_alg'];
  metadata['id_token_signed_response_alg'] =
    options.signingAlgorithms.find((name) => name === idTokenAlgorithm) ?? SIGNING_ALGORITHM;
  dropUnusedKeys(metadata);
  metadata['client_name'] = cleanName(metadata['client_name']);
  if (isForDevicesAlone(metadata)) {
    metadata['redirect_uris'] = [];
    metadata['response_types'] = [];
    return;
  }
  const redirectUris = usableRedirectUris(metadata['redirect_uris'], options);
  metadata['redirect_uris'] = redirectUris;
  if (redirectUris.some((uri) => classifyRedirectUri(uri) !== 'https')) {
    metadata['application_type'] = 'native';
  }
}

/** Keys count only for a client that signs: for any other, their URL would be one more that we could be made to fetch. */
function dropUnusedKeys(metadata: ClientMetadataDraft): void {
  const isSigning = metadata['token_endpoint_auth_method'] === 'private_key_jwt';
  if (!isSigning) {
    delete metadata['token_endpoint_auth_signing_alg'];
    delete metadata['jwks'];
  }
  const keys = metadata['jwks_uri'];
  const isFetchable = typeof keys === 'string' && URL.canParse(keys);
  if (!isSigning || !isFetchable) delete metadata['jwks_uri'];
}

/** A device without a browser has nowhere to be redirected to (RFC 8628). */
function isForDevicesAlone(metadata: ClientMetadataDraft): boolean {
  const { grant_types: grants, redirect_uris: uris } = metadata;
  const hasUris = uris !== undefined && !(Array.isArray(uris) && uris.length === 0);
  return (
    !hasUris &&
    Array.isArray(grants) &&
    grants.includes(GRANTS.device) &&
    !grants.includes(GRANTS.code)
  );
}

function keepKnown(metadata: ClientMetadataDraft, name: string, known: readonly string[]): void {
  const given = metadata[name];
  if (!Array.isArray(given)) return;
  const kept = known.filter((value) => given.includes(value));
  metadata[name] = kept.length > 0 ? kept : known.slice(0, 1);
}

function usableRedirectUris(
  value: unknown,
  options: Pick<ClientPolicyOptions, 'allowsPrivateUseSchemes'>,
): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isString)) {
    throw invalidRedirect('redirect_uris must be a non-empty array of strings');
  }
  if (value.length > MAX_REDIRECT_URIS) {
    throw invalidRedirect(`redirect_uris has more than ${MAX_REDIRECT_URIS} entries`);
  }
  const usable = value.filter((uri) => {
    const kind = classifyRedirectUri(uri);
    return kind !== 'unsafe' && (kind !== 'private-use' || options.allowsPrivateUseSchemes);
  });
  if (usable.length === 0) {
    throw invalidRedirect(
      'redirect_uris must be https URLs, http URLs on localhost, 127.0.0.1 or [::1], or URIs of an app',
    );
  }
  return [...new Set(usable)];
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** A name is text to show: control and formatting characters could make it look like another one. */
function cleanName(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > MAX_NAME_LENGTH) {
    throw new errors.InvalidClientMetadata(
      `client_name must be a string of at most ${MAX_NAME_LENGTH} characters`,
    );
  }
  const cleaned = value.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, '').trim();
  return cleaned === '' ? undefined : cleaned;
}

function invalidRedirect(description: string): errors.InvalidClientMetadata {
  const error = new errors.InvalidClientMetadata(description);
  // RFC 7591 §3.2.2 has a code of its own for this.
  error.error = 'invalid_redirect_uri';
  error.message = 'invalid_redirect_uri';
  return error;
}

/** Changes whenever a person would want to be asked again: other name, other redirect URIs. */
export function clientFingerprint(
  name: string | undefined,
  redirectUris: readonly string[],
): string {
  return createHash('sha256')
    .update(JSON.stringify([name ?? null, redirectUris.toSorted()]))
    .digest('base64url');
}
