import { loopbackAliases } from './loopback.js';

/**
 * The canonical form of a resource identifier: scheme and host in lower case, no fragment, no lone trailing slash
 * (RFC 8707 §2, MCP authorization).
 *
 * @throws {TypeError} when it is not an absolute http(s) URI, or has a fragment or user information
 */
export function canonicalResource(resource: string): string {
  if (!URL.canParse(resource)) {
    throw new TypeError(`resource ${JSON.stringify(resource)} is not an absolute URI`);
  }
  const canonical = parseResource(resource);
  if (canonical === undefined) {
    throw new TypeError(
      `resource ${JSON.stringify(resource)} has to be an http(s) URI without fragment and user information`,
    );
  }
  return canonical;
}

/**
 * Whether a requested resource names this server: the canonical one, or on loopback the same URL under another
 * spelling of this machine.
 */
export function isSameResource(canonical: string, requested: string): boolean {
  const parsed = parseResource(requested);
  return parsed !== undefined && loopbackAliases(canonical).includes(parsed);
}

function parseResource(resource: string): string | undefined {
  // A URL parser reports an empty fragment as none at all.
  if (!URL.canParse(resource) || resource.includes('#')) return undefined;
  const url = new URL(resource);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  const path = url.pathname === '/' ? '' : url.pathname;
  return `${url.origin}${path}${url.search}`;
}
