import { type SafeFetch, createSafeFetch } from '../../../net/safe-fetch.js';
import type { AccessTokenAlgorithm, TrustedIssuer } from '../../../oauth/access-token.js';
import type { ClaimMapping } from '../../../oauth/claim-mapping.js';
import { isLoopbackUrl } from '../../../oauth/loopback.js';
import { type Clock, systemClock } from '../../../shared/clock.js';
import { type Logger, silentLogger } from '../../../shared/logger.js';
import { IssuerMetadataError } from './errors.js';
import { type IntrospectionClient, createIntrospection } from './introspection.js';
import { type IssuerMetadata, MAX_DOCUMENT_BYTES, readIssuerMetadata } from './metadata.js';
import { createRemoteKeys } from './remote-keys.js';

export interface RemoteIssuerOptions {
  readonly issuer: string;
  /** Name of its identities inside. Default: the issuer. */
  readonly identity?: string;
  /**
   * Where its keys are, when that is known. Then no metadata is read and nothing is fetched before the first token: the
   * issuer may start after this server.
   */
  readonly jwksUri?: string;
  readonly claims?: ClaimMapping;
  /** Names that the issuer has for this server, besides the resource. */
  readonly audiences?: readonly string[];
  /** Default: RS256, PS256, ES256, ES384 and EdDSA. */
  readonly algorithms?: readonly AccessTokenAlgorithm[];
  /** See `TrustedIssuer.allowsUntypedJwt`. */
  readonly allowsUntypedJwt?: boolean;
  /** Who this server is at the introspection endpoint. Undefined: opaque tokens are refused. */
  readonly introspection?: IntrospectionClient | undefined;
  /** How often the metadata is read again, in the background. Default 600,000. */
  readonly refreshMs?: number;
  /** With limits on size and time. Default: 256 KiB and 5 s; the issuer's own host may be in a private network. */
  readonly fetch?: SafeFetch;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** An authorization server elsewhere, and what keeps up with it. */
export interface RemoteIssuer {
  readonly trusted: TrustedIssuer;
  /** Stops reading its metadata. */
  close(): void;
}

const FETCH_TIMEOUT_MS = 5000;
const ALGORITHMS: readonly AccessTokenAlgorithm[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];

/**
 * Trusts an authorization server elsewhere. Its metadata and keys are read now, so that what is wrong with them is known
 * at the start; and again and again, in the background. When that fails, the last good ones stay, and it is logged.
 *
 * @throws {IssuerMetadataError} when the metadata or the keys cannot be had, or a field does not fit
 * @throws {TypeError} when the private key for introspection cannot be read
 */
export async function openRemoteIssuer(options: RemoteIssuerOptions): Promise<RemoteIssuer> {
  const { issuer, identity = issuer, introspection, refreshMs = 600_000 } = options;
  const { clock = systemClock, logger = silentLogger, algorithms = ALGORITHMS } = options;
  const fetch = options.fetch ?? fetchFor(issuer);
  const read = (): Promise<IssuerMetadata> =>
    readIssuerMetadata({ issuer, fetch, introspectionMethod: introspection?.method });
  let metadata: IssuerMetadata =
    options.jwksUri === undefined
      ? await read()
      : { jwksUri: options.jwksUri, introspectionEndpoint: undefined, warnings: [] };
  for (const warning of metadata.warnings) logger.warn('issuer metadata', { issuer, warning });

  const keys =
    metadata.jwksUri === undefined
      ? undefined
      : createRemoteKeys({ uri: () => metadata.jwksUri ?? '', fetch, clock, logger });
  if (options.jwksUri === undefined) await loadKeys(issuer, keys);
  const introspect =
    introspection === undefined
      ? undefined
      : await createIntrospection({
          issuer,
          endpoint: () => metadata.introspectionEndpoint ?? '',
          client: introspection,
          fetch,
          logger,
        });

  const refresh = async (): Promise<void> => {
    try {
      const next = await read();
      // Where it once had keys it goes on having them: their absence is an accident, and they are needed.
      metadata = { ...next, jwksUri: next.jwksUri ?? metadata.jwksUri };
    } catch (error) {
      logger.warn('the metadata of an issuer cannot be read again: the last good one stays', {
        issuer,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  };
  const timer =
    options.jwksUri === undefined ? setInterval(() => void refresh(), refreshMs) : undefined;
  timer?.unref();
  return {
    trusted: {
      issuer,
      identity,
      algorithms,
      ...(keys !== undefined && { keys: keys.find }),
      ...(introspect !== undefined && { introspect }),
      ...(options.claims !== undefined && { claims: options.claims }),
      ...(options.audiences !== undefined && { audiences: options.audiences }),
      ...(options.allowsUntypedJwt !== undefined && { allowsUntypedJwt: options.allowsUntypedJwt }),
    },
    close: () => clearInterval(timer),
  };
}

async function loadKeys(
  issuer: string,
  keys: ReturnType<typeof createRemoteKeys> | undefined,
): Promise<void> {
  try {
    await keys?.load();
  } catch (error) {
    throw new IssuerMetadataError(
      issuer,
      {
        url: issuer,
        field: 'jwks_uri',
        received: error instanceof Error ? error.message : String(error),
        expected: 'a URL that answers with its public keys',
        advice: 'Check that this machine can reach it, or mend the metadata',
      },
      { cause: error },
    );
  }
}

function fetchFor(issuer: string): SafeFetch {
  return createSafeFetch({
    allowLoopback: isLoopbackUrl(issuer),
    // The operator named this host: it may well be in a private network.
    trustedHosts: [new URL(issuer).host],
    timeoutMs: FETCH_TIMEOUT_MS,
    maxBytes: MAX_DOCUMENT_BYTES,
  });
}
