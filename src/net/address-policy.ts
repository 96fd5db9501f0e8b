import { BlockList, isIP } from 'node:net';

// IANA special-purpose registries (RFC 6890 and its updates): what is not globally reachable, or reaches somewhere else.
const SPECIAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

const SPECIAL_V6 = [
  ['::', 96],
  // Translated and tunnelled forms carry an IPv4 address that the table above would have to judge.
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['100::', 64],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const;

const special = new BlockList();
for (const [network, prefix] of SPECIAL_V4) special.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of SPECIAL_V6) special.addSubnet(network, prefix, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export type AddressKind = 'public' | 'loopback' | 'special';

/** What an IP address is. A zone index (`fe80::1%eth0`) or anything that is not an address counts as special. */
export function classifyAddress(address: string): AddressKind {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 'special';
  const type = family === 4 ? 'ipv4' : 'ipv6';
  // BlockList judges an IPv4-mapped address by its IPv4 rules: not here, where the mapped form itself is refused.
  if (family === 6 && /^::ffff:/i.test(address)) return 'special';
  if (loopback.check(address, type)) return 'loopback';
  return special.check(address, type) ? 'special' : 'public';
}

/** The host of a parsed URL as an IP literal without brackets, or undefined when it is a name. */
export function ipLiteralOf(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? undefined : host;
}

/** Whether the URL names this machine: `localhost`, an address of 127.0.0.0/8 or `[::1]`. */
export function isLoopbackHost(url: URL): boolean {
  if (url.hostname === 'localhost') return true;
  const literal = ipLiteralOf(url);
  return literal !== undefined && classifyAddress(literal) === 'loopback';
}
