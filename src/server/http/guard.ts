import type { IncomingMessage, ServerResponse } from 'node:http';
import { LOOPBACK_HOSTNAMES, isLoopbackUrl } from '../../oauth/loopback.js';
import { JSON_RPC } from '../../shared/errors.js';
import { sendRpcError } from './respond.js';

/** The first two steps of the guard order: which hosts and origins may speak to this server at all. */
export interface Guard {
  isAllowedHost(request: IncomingMessage): boolean;
  /** A request without `Origin` is not a browser's and passes. */
  isAllowedOrigin(request: IncomingMessage): boolean;
}

/**
 * On loopback every spelling of this machine passes, on any port: tunnels and relays change the port. Elsewhere the
 * public URL's own host and origin, and what is listed.
 *
 * @param allowedOrigins - further origins, exact (`https://app.example.com`)
 */
export function createGuard(publicUrl: string, allowedOrigins: readonly string[]): Guard {
  const { hostname, origin } = new URL(publicUrl);
  const isLoopback = isLoopbackUrl(publicUrl);
  const origins = new Set([origin, ...allowedOrigins.map((allowed) => new URL(allowed).origin)]);
  return {
    isAllowedHost(request) {
      const name = hostnameOf(request.headers.host);
      if (name === undefined) return false;
      return isLoopback ? LOOPBACK_HOSTNAMES.includes(name) : name === hostname;
    },
    isAllowedOrigin(request) {
      const header = request.headers.origin;
      if (header === undefined) return true;
      if (!URL.canParse(header)) return false;
      return origins.has(new URL(header).origin) || (isLoopback && isLoopbackUrl(header));
    },
  };
}

/** The host name of a `Host` header, as `URL.hostname` spells it; undefined when there is none or it is no host. */
export function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === '' || /[/\\@?#\s]/.test(host)) return undefined;
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

export function refuseHost(response: ServerResponse): void {
  sendRpcError(response, 403, JSON_RPC.invalidRequest, 'Forbidden: this host is not served here');
}

export function refuseOrigin(response: ServerResponse): void {
  sendRpcError(response, 403, JSON_RPC.invalidRequest, 'Forbidden: this origin is not allowed');
}

const ALLOWED_HEADERS = new Set([
  'accept',
  'authorization',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'x-api-key',
]);
const EXPOSED_HEADERS = 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After';
const MAX_PREFLIGHT_HEADERS = 64;

/**
 * CORS for the MCP endpoint, once the origin is known to be allowed. No credentials mode: nothing here reads cookies.
 *
 * @returns whether the request was a preflight and is answered
 */
export function applyCors(request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return false;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  response.setHeader('Vary', 'Origin');
  if (request.method !== 'OPTIONS') return false;
  const asked = (request.headers['access-control-request-headers'] ?? '')
    .split(',', MAX_PREFLIGHT_HEADERS)
    .map((name) => name.trim().toLowerCase())
    .filter((name) => ALLOWED_HEADERS.has(name) || /^mcp-param-[a-z0-9_.-]+$/.test(name));
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-allow-headers': asked.join(', '),
    'access-control-max-age': '600',
  });
  response.end();
  return true;
}
