import type { SafeFetch } from '../../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../../oauth/loopback.js';
import { authorizationServerMetadataCandidates } from '../../../oauth/metadata-url.js';
import { type JsonObject, isJsonObject, parseJson } from '../../../shared/json.js';
import { IssuerMetadataError, type MetadataFault } from './errors.js';

/** Client authentication at an introspection endpoint. */
export type IntrospectionMethod = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

/** What a resource server has to know of an issuer. */
export interface IssuerMetadata {
  readonly jwksUri: string | undefined;
  readonly introspectionEndpoint: string | undefined;
  /** What does not stop this server, and will stop its clients. */
  readonly warnings: readonly string[];
}

export interface ReadMetadataOptions {
  readonly issuer: string;
  readonly fetch: SafeFetch;
  /** How tokens will be introspected; undefined: not at all, so there has to be a JWKS. */
  readonly introspectionMethod: IntrospectionMethod | undefined;
}

export const MAX_DOCUMENT_BYTES: number = 256 * 1024;

/**
 * Reads an issuer's metadata from wherever it may be: RFC 8414 insertion, OpenID insertion, OpenID appending.
 *
 * @throws {IssuerMetadataError} naming the field that does not fit, or what every place answered
 */
export async function readIssuerMetadata(options: ReadMetadataOptions): Promise<IssuerMetadata> {
  const { issuer, fetch } = options;
  const tried: string[] = [];
  let firstFault: MetadataFault | undefined;
  for (const url of authorizationServerMetadataCandidates(issuer)) {
    const found = await readDocument(url, fetch);
    if (typeof found === 'string') {
      tried.push(`${url} answered ${found}`);
      continue;
    }
    const checked = checkMetadata(found, url, options);
    if ('jwksUri' in checked) return checked;
    // A server that is right in one place may answer nonsense in another.
    firstFault ??= checked;
  }
  throw new IssuerMetadataError(
    issuer,
    firstFault ?? {
      url: issuer,
      field: undefined,
      received: tried.join('; '),
      expected: 'a JSON document at one of them',
      advice: 'Check the URL, and that this machine can reach it',
    },
  );
}

/** @returns the object, or in words why there is none */
export async function readDocument(url: string, fetch: SafeFetch): Promise<JsonObject | string> {
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (response.status !== 200) {
      await response.body?.cancel();
      return `status ${response.status}`;
    }
    const parsed = parseJson(await response.text(), { maxBytes: MAX_DOCUMENT_BYTES });
    return parsed.ok && isJsonObject(parsed.value)
      ? parsed.value
      : 'something other than an object';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function checkMetadata(
  found: JsonObject,
  url: string,
  { issuer, introspectionMethod }: ReadMetadataOptions,
): IssuerMetadata | MetadataFault {
  const fault = (field: string, expected: string, advice: string): MetadataFault => {
    return { url, field, received: found[field], expected, advice };
  };
  if (found['issuer'] !== issuer) {
    const advice = 'Trust the issuer by exactly the name it gives itself, or mend the server';
    return fault('issuer', `exactly ${JSON.stringify(issuer)}`, advice);
  }
  const mend = 'Mend the metadata of the authorization server';
  for (const field of [
    'authorization_endpoint',
    'token_endpoint',
    'jwks_uri',
    'introspection_endpoint',
  ]) {
    if (found[field] !== undefined && usableUrl(found[field]) === undefined) {
      return fault(field, 'an absolute https URL (http on loopback alone)', mend);
    }
  }
  const jwksUri = usableUrl(found['jwks_uri']);
  const introspectionEndpoint = usableUrl(found['introspection_endpoint']);
  if (introspectionMethod === undefined && jwksUri === undefined) {
    const advice = `${mend}, or configure introspection if its tokens are opaque`;
    return fault('jwks_uri', 'the URL of its keys', advice);
  }
  if (introspectionMethod !== undefined && introspectionEndpoint === undefined) {
    const advice = `${mend}, or leave introspection out if its tokens are JWTs`;
    return fault('introspection_endpoint', 'the URL to introspect tokens at', advice);
  }
  const methods = found['introspection_endpoint_auth_methods_supported'];
  if (
    introspectionMethod !== undefined &&
    Array.isArray(methods) &&
    !methods.includes(introspectionMethod)
  ) {
    const advice = 'Choose one of those that the server supports';
    const field = 'introspection_endpoint_auth_methods_supported';
    return fault(field, `one that has ${JSON.stringify(introspectionMethod)}`, advice);
  }
  return { jwksUri, introspectionEndpoint, warnings: warningsOf(found) };
}

function warningsOf(found: JsonObject): string[] {
  const warnings: string[] = [];
  for (const field of ['authorization_endpoint', 'token_endpoint']) {
    if (found[field] === undefined)
      warnings.push(`"${field}" is missing: nobody can sign in there`);
  }
  const challenges = found['code_challenge_methods_supported'];
  if (!Array.isArray(challenges) || !challenges.includes('S256')) {
    warnings.push(
      '"code_challenge_methods_supported" lacks "S256": MCP clients will refuse to sign in',
    );
  }
  return warnings;
}

function usableUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const isUsable = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackUrl(url));
  return isUsable && url.username === '' && url.password === '' ? value : undefined;
}
