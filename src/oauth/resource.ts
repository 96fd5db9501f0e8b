import { loopbackAliases } from './loopback.js';

/**
 * The canonical form of a resource identifier: scheme and host in lower case, no fragment, no lone trailing slash
 * (RFC 8707 §2, MCP authorization).
 *
 * @throws {TypeError} when it is not an absolute http(s) URI, or has a fragment
 */
export function canonicalResource(resource: string): string {
  if (!URL.canParse(resource)) {
    throw new TypeError(`resource ${JSON.stringify(resource)} is not an absolute URI`);
  }
  const url = new URL(resource);
  if (url.hash !== '' || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError(
      `resource ${JSON.stringify(resource)} has to be an http(s) URI without fragment`,
    );
  }
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.origin}${path}${url.search}`;
}

/**
 * Whether a requested resource names this server: the canonical one, or on loopback the same URL under another
 * spelling of this machine.
 */
export function isSameResource(canonical: string, requested: string): boolean {
  if (!URL.canParse(requested)) return false;
  const url = new URL(requested);
  if (url.hash !== '') return false;
  const path = url.pathname === '/' ? '' : url.pathname;
  return loopbackAliases(canonical).includes(`${url.origin}${path}${url.search}`);
}
