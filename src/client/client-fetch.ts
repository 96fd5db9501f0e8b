import { isLoopbackUrl } from '../oauth/loopback.js';
import { type SafeFetch, createSafeFetch } from '../net/safe-fetch.js';

export interface ClientFetchOptions {
  /** The MCP server that the user named: its own address is taken as it is. */
  readonly target: string;
  /** For metadata, registration and tokens: small answers, soon. Default false. */
  readonly isOAuth?: boolean;
  /** Limit for a whole answer. Default 30,000 for `isOAuth`, else none: whoever makes a call sets its own. */
  readonly timeoutMs?: number;
  /** Takes addresses of private networks for every host. Default false. */
  readonly dangerouslyAllowPrivateNetwork?: boolean;
}

const MAX_RESULT_BYTES = 64 * 1024 * 1024;
const MAX_DOCUMENT_BYTES = 1024 * 1024;
const OAUTH_TIMEOUT_MS = 30_000;

/** The network of a client for one MCP server: loopback is a target only when the server itself is on this machine. */
export function createClientFetch(options: ClientFetchOptions): SafeFetch {
  const { target, isOAuth = false } = options;
  return createSafeFetch({
    allowLoopback: isLoopbackUrl(target),
    trustedHosts: [new URL(target).host],
    dangerouslyAllowPrivateNetwork: options.dangerouslyAllowPrivateNetwork ?? false,
    maxBytes: isOAuth ? MAX_DOCUMENT_BYTES : MAX_RESULT_BYTES,
    timeoutMs: options.timeoutMs ?? (isOAuth ? OAUTH_TIMEOUT_MS : 0),
    redirects: isOAuth ? 'same-origin' : 'refuse',
  });
}
