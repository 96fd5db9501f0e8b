import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';

const sources = new WeakMap<object, string>();

/** Remembers where a request comes from, before headers are removed from it. */
export function rememberSource(request: IncomingMessage, source: string): void {
  sources.set(request, source);
}

/** What {@link rememberSource} was told of this request. */
export function sourceOf(request: IncomingMessage | undefined): string | undefined {
  return request === undefined ? undefined : sources.get(request);
}

/**
 * The unit that limits count by: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address of a
 * /64 has them all.
 */
export function sourceKey(address: string): string {
  const bare = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.toLowerCase().split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const whole = [...groups, ...Array.from({ length: missing }, () => '0'), ...after];
  const prefix = whole.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${prefix.join(':')}::/64`;
}

/** A source as it is stored: nobody without the key can tell which address it was. */
export function hashSource(key: Uint8Array, source: string): string {
  return createHmac('sha256', key).update(source).digest('base64url').slice(0, 22);
}
