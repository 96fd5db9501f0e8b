import { type JWTVerifyGetKey, createRemoteJWKSet, customFetch } from 'jose';
import { type SafeFetch, createSafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { authorizationServerMetadataCandidates } from '../../oauth/metadata-url.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { TrustedAssertionIssuer } from './options.js';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;

/**
 * The keys of an issuer that the operator named: given, or fetched when the first assertion comes and again when an
 * unknown key shows up.
 */
export function issuerKeys({ issuer, jwksUri, keys }: TrustedAssertionIssuer): JWTVerifyGetKey {
  if (keys !== undefined) return keys;
  const fetch = createSafeFetch({
    allowLoopback: isLoopbackUrl(issuer),
    // The operator named these hosts: they may well be in a private network.
    trustedHosts: [issuer, jwksUri].flatMap((url) =>
      url === undefined ? [] : [new URL(url).host],
    ),
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  let remote: Promise<JWTVerifyGetKey> | undefined;
  const load = async (): Promise<JWTVerifyGetKey> =>
    createRemoteJWKSet(new URL(jwksUri ?? (await discoverJwksUri(issuer, fetch))), {
      timeoutDuration: TIMEOUT_MS,
      [customFetch]: (url, options) => fetch(url, options),
    });
  return async (header, token) => {
    remote ??= load().catch((error: unknown) => {
      remote = undefined;
      throw error;
    });
    return (await remote)(header, token);
  };
}

async function discoverJwksUri(issuer: string, fetch: SafeFetch): Promise<string> {
  for (const url of authorizationServerMetadataCandidates(issuer)) {
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (response.status !== 200) {
      await response.body?.cancel();
      continue;
    }
    const parsed = parseJson(await response.text(), { maxBytes: MAX_BYTES });
    if (!parsed.ok || !isJsonObject(parsed.value) || parsed.value['issuer'] !== issuer) continue;
    const found = parsed.value['jwks_uri'];
    if (typeof found === 'string' && URL.canParse(found)) return found;
  }
  throw new TypeError(`the metadata of ${JSON.stringify(issuer)} names no keys`);
}
