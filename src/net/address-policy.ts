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

// One list per family: a single one would judge every IPv4 address by the rule for mapped IPv6 addresses.
const specialV4 = new BlockList();
for (const [network, prefix] of SPECIAL_V4) specialV4.addSubnet(network, prefix, 'ipv4');
const specialV6 = new BlockList();
for (const [network, prefix] of SPECIAL_V6) specialV6.addSubnet(network, prefix, 'ipv6');

const loopbackV6 = new BlockList();
loopbackV6.addAddress('::1', 'ipv6');

export type AddressKind = 'public' | 'loopback' | 'special';

/** What an IP address is. A zone index (`fe80::1%eth0`) or anything that is not an address counts as special. */
export function classifyAddress(address: string): AddressKind {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 'special';
  if (family === 4) {
    if (address.startsWith('127.')) return 'loopback';
    return specialV4.check(address, 'ipv4') ? 'special' : 'public';
  }
  if (loopbackV6.check(address, 'ipv6')) return 'loopback';
  return specialV6.check(address, 'ipv6') ? 'special' : 'public';
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
