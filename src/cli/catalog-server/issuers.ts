import { createRemoteJWKSet, customFetch } from 'jose';
import { type SafeFetch, createSafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { authorizationServerMetadataCandidates } from '../../oauth/metadata-url.js';
import { LOCAL_ISSUER, type TrustedIssuer } from '../../server/index.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { quote } from '../../shared/errors.js';
import { ConfigurationError, type ServerConfig } from './config.js';

const MAX_METADATA_BYTES = 256 * 1024;
const FETCH_TIMEOUT_MS = 5000;

/**
 * An authorization server elsewhere: our own in another process (which may start after us: its keys are fetched with
 * the first token), or an external one (whose metadata is read now, so that a wrong URL is found at the start).
 *
 * @throws {ConfigurationError} when an external issuer's metadata cannot be had, or does not fit
 */
export async function remoteIssuer(
  config: Pick<ServerConfig, 'issuer' | 'isExternalIssuer'>,
): Promise<TrustedIssuer> {
  const fetch = createSafeFetch({
    allowLoopback: isLoopbackUrl(config.issuer),
    // The operator named this host: it may well be in a private network.
    trustedHosts: [new URL(config.issuer).host],
    timeoutMs: FETCH_TIMEOUT_MS,
    maxBytes: MAX_METADATA_BYTES,
  });
  const jwksUri = config.isExternalIssuer
    ? await discoverJwksUri(config.issuer, fetch)
    : `${config.issuer}/.well-known/jwks.json`;
  const keys = createRemoteJWKSet(new URL(jwksUri), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    [customFetch]: (url, options) => fetch(url, options),
  });
  return config.isExternalIssuer
    ? { issuer: config.issuer, identity: config.issuer, keys, claims: { tenant: 'tenant' } }
    : { issuer: config.issuer, identity: LOCAL_ISSUER, keys, claims: { tenant: 'tenant' } };
}

async function discoverJwksUri(issuer: string, fetch: SafeFetch): Promise<string> {
  const tried: string[] = [];
  for (const url of authorizationServerMetadataCandidates(issuer)) {
    const found = await readMetadata(url, fetch);
    if (typeof found === 'string') {
      tried.push(`${url}: ${found}`);
      continue;
    }
    if (found['issuer'] !== issuer) {
      throw new ConfigurationError(
        `--issuer ${quote(issuer)}: the metadata at ${url} names the issuer ${quote(found['issuer'])}; give exactly that, or mend the server`,
      );
    }
    if (typeof found['jwks_uri'] === 'string' && URL.canParse(found['jwks_uri'])) {
      return found['jwks_uri'];
    }
    throw new ConfigurationError(
      `--issuer ${quote(issuer)}: the metadata at ${url} has no usable "jwks_uri" (${quote(found['jwks_uri'])})`,
    );
  }
  throw new ConfigurationError(
    `--issuer ${quote(issuer)} has no metadata that can be read: ${tried.join('; ')}`,
  );
}

async function readMetadata(
  url: string,
  fetch: SafeFetch,
): Promise<Readonly<Record<string, unknown>> | string> {
  try {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (response.status !== 200) return `status ${response.status}`;
    const parsed = parseJson(await response.text(), { maxBytes: MAX_METADATA_BYTES });
    return parsed.ok && isJsonObject(parsed.value) ? parsed.value : 'not a JSON object';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
