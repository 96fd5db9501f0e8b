import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopbackUrl } from '../oauth/loopback.js';
import type { Locations } from './locations.js';
import type { ResolvedOptions } from './options.js';

export interface RequestGuard {
  /** Against DNS rebinding: a page of another site must not reach this server under its own name. */
  isHostAllowed(request: IncomingMessage): boolean;
  /** A request without Origin comes from no web page. */
  isOriginAllowed(request: IncomingMessage): boolean;
}

export function createRequestGuard(
  locations: Locations,
  options: Pick<ResolvedOptions, 'isAllowedHost' | 'isAllowedOrigin'>,
): RequestGuard {
  const isAllowedHost =
    options.isAllowedHost ??
    ((host: string) => !locations.isLoopback || isLoopbackUrl(`http://${host}`));
  const isAllowedOrigin =
    options.isAllowedOrigin ?? ((origin: string) => !locations.isLoopback || isLoopbackUrl(origin));
  return {
    isHostAllowed: ({ headers: { host } }) => host !== undefined && isAllowedHost(host),
    isOriginAllowed: ({ headers: { origin } }) => origin === undefined || isAllowedOrigin(origin),
  };
}

/** CORS for endpoints that take no cookies: any allowed page may read the answer, none may send credentials. */
export function setCorsHeaders(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Vary', 'Origin');
  if (request.headers.origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', request.headers.origin);
  response.setHeader('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After');
}

export function answerPreflight(response: ServerResponse, methods: string): void {
  response.setHeader('Access-Control-Allow-Methods', methods);
  response.setHeader(
    'Access-Control-Allow-Headers',
    'Authorization, Content-Type, Accept, MCP-Protocol-Version',
  );
  response.setHeader('Access-Control-Max-Age', '3600');
  response.writeHead(204).end();
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      ...headers,
    })
    .end(JSON.stringify(body));
}
