import { createPrivateKey } from 'node:crypto';
import { importPKCS8 } from 'jose';
import type * as OpenidClient from 'openid-client';
import type { SafeFetch } from '../../../net/safe-fetch.js';
import type { Introspect } from '../../../oauth/access-token.js';
import { isLoopbackUrl } from '../../../oauth/loopback.js';
import { isJsonObject } from '../../../shared/json.js';
import type { Logger } from '../../../shared/logger.js';
import { err, ok } from '../../../shared/result.js';
import type { IntrospectionMethod } from './metadata.js';

/** Who this resource server is to the issuer's introspection endpoint (RFC 7662 §2.1). */
export interface IntrospectionClient {
  readonly clientId: string;
  readonly method: IntrospectionMethod;
  /** The client secret; with `private_key_jwt` the private key, as PKCS #8 PEM or as a JWK. */
  readonly secret: string;
}

export interface IntrospectionOptions {
  readonly issuer: string;
  /** Where it is, now: it may move. */
  readonly endpoint: () => string;
  readonly client: IntrospectionClient;
  /** With limits on size and time. */
  readonly fetch: SafeFetch;
  readonly logger: Logger;
}

// Tokens nobody has seen before, asked about at the same time: more is a flood, and the issuer is to be spared.
const MAX_AT_ONCE = 64;

/**
 * Makes a function that asks an issuer about a token.
 *
 * An issuer that does not answer, or refuses this server's own credentials, is `unavailable`: it has not said that the
 * token is bad. Neither the token nor the answer gets into the log.
 *
 * @throws {TypeError} when the private key cannot be read
 */
export async function createIntrospection(options: IntrospectionOptions): Promise<Introspect> {
  const { issuer, endpoint, client, fetch, logger } = options;
  const library = await import('openid-client');
  const authentication = await authenticationOf(client, library);
  let configured:
    | { readonly endpoint: string; readonly value: OpenidClient.Configuration }
    | undefined;
  let underWay = 0;
  let isFailing = false;

  const configuration = (): OpenidClient.Configuration => {
    const now = endpoint();
    if (configured?.endpoint !== now) {
      const server = { issuer, introspection_endpoint: now };
      const value = new library.Configuration(server, client.clientId, undefined, authentication);
      value[library.customFetch] = (url, init) => fetch(url, init as RequestInit);
      if (isLoopbackUrl(now)) library.allowInsecureRequests(value);
      configured = { endpoint: now, value };
    }
    return configured.value;
  };

  return async (token) => {
    if (underWay >= MAX_AT_ONCE) return err('unavailable');
    underWay += 1;
    try {
      const hint = { token_type_hint: 'access_token' };
      const answer: unknown = await library.tokenIntrospection(configuration(), token, hint);
      if (isFailing) logger.warn('an issuer answers introspection again', { issuer });
      isFailing = false;
      if (!isJsonObject(answer) || answer['active'] !== true) return err('inactive');
      return ok(answer);
    } catch (error) {
      if (!isFailing)
        logger.error('an issuer does not answer introspection', { issuer, ...say(error) });
      isFailing = true;
      return err('unavailable');
    } finally {
      underWay -= 1;
    }
  };
}

type Library = typeof OpenidClient;

async function authenticationOf(
  { method, secret }: IntrospectionClient,
  library: Library,
): Promise<OpenidClient.ClientAuth> {
  switch (method) {
    case 'client_secret_basic':
      return library.ClientSecretBasic(secret);
    case 'client_secret_post':
      return library.ClientSecretPost(secret);
    case 'private_key_jwt': {
      const { pem, algorithm, keyId } = readPrivateKey(secret);
      const key = await importPKCS8(pem, algorithm);
      return library.PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId });
    }
  }
}

function readPrivateKey(text: string): { pem: string; algorithm: string; keyId?: string } {
  try {
    const jwk: unknown = text.trimStart().startsWith('{') ? JSON.parse(text) : undefined;
    const key = createPrivateKey(isJsonObject(jwk) ? { key: jwk, format: 'jwk' } : text);
    const kinds: Readonly<Record<string, string>> = {
      ec: 'ES256',
      rsa: 'RS256',
      ed25519: 'Ed25519',
    };
    const algorithm = kinds[String(key.asymmetricKeyType)];
    if (algorithm === undefined) throw new TypeError('neither EC, RSA nor Ed25519');
    const keyId = isJsonObject(jwk) && typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
    const pem = String(key.export({ type: 'pkcs8', format: 'pem' }));
    return { pem, algorithm, ...(keyId !== undefined && { keyId }) };
  } catch {
    // Without the cause: a parser may quote what it read.
    throw new TypeError(
      'the private key for introspection cannot be read: give PKCS #8 PEM or a JWK, of the kind P-256, RSA or Ed25519',
    );
  }
}

/** What of a failure may be logged: the library's errors hold requests and responses. */
function say(error: unknown): { error: string; status?: number; hint?: string } {
  if (!(error instanceof Error)) return { error: 'unknown' };
  const status = 'status' in error && typeof error.status === 'number' ? error.status : undefined;
  const isRefusal = status === 401 || status === 403;
  return {
    error: error.message,
    ...(status !== undefined && { status }),
    ...(isRefusal && {
      hint: "it refuses this server's own credentials: check client id and secret",
    }),
  };
}
