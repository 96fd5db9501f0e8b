import { LOOPBACK_HOSTNAMES } from './loopback.js';

/**
 * Whether the redirect URI of a request is the registered one. Byte-exact, but for the port of an `http` loopback
 * address, which a native client chooses at run time (RFC 8252 §7.3). `localhost`, `127.0.0.1` and `[::1]` are not
 * equated with each other.
 */
export function isRedirectUriMatch(registered: string, requested: string): boolean {
  if (registered === requested) return true;
  const a = splitLoopback(registered);
  const b = splitLoopback(requested);
  return a !== undefined && b !== undefined && a.host === b.host && a.rest === b.rest;
}

/** Host and what follows the port, taken from the text itself: a URL parser would normalise what must match exactly. */
function splitLoopback(uri: string): { host: string; rest: string } | undefined {
  const match = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?(\/[^#]*)?$/.exec(uri);
  if (match === null || !URL.canParse(uri)) return undefined;
  const host = match[1] ?? '';
  return LOOPBACK_HOSTNAMES.includes(host) ? { host, rest: match[2] ?? '' } : undefined;
}
