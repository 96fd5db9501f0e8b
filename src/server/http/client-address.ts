import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { quote } from '../../shared/errors.js';

/** Which proxies may say where a request comes from. */
export type TrustedProxies =
  /** Every request comes through so many of them, one behind the other. */
  | { readonly hops: number }
  /** Addresses and networks (`10.0.0.0/8`) of proxies; others' word counts nothing. */
  | { readonly addresses: readonly string[] };

/** Where a request comes from: an IP address, or undefined when nobody knows. */
export type ClientAddress = (request: IncomingMessage) => string | undefined;

/** Without proxies. */
export const addressOfConnection: ClientAddress = (request) => request.socket.remoteAddress;

/** More proxies than anybody has: what a client puts before them is not even looked at. */
const MAX_HOPS = 32;

/**
 * Finds the address of a client behind proxies, by `X-Forwarded-For`: read from the right, where the proxies write, and
 * only as far as they are trusted. What a client itself puts into the header never counts.
 *
 * The answer is for limits and logs. Host, scheme and authentication do not depend on it.
 *
 * @param trusted - `hops` is for a server that can be reached through the proxies alone
 * @throws {TypeError} naming the address, network or number that cannot be used
 */
export function createClientAddress(trusted: TrustedProxies): ClientAddress {
  const isTrusted = 'hops' in trusted ? byNumber(trusted.hops) : byAddress(trusted.addresses);
  return (request) => {
    let address = request.socket.remoteAddress;
    const header = request.headers['x-forwarded-for'];
    if (header === undefined) return address;
    let rest = Array.isArray(header) ? header.join(',') : header;
    for (let hop = 0; hop < MAX_HOPS && rest !== '' && isTrusted(hop, address); hop += 1) {
      const comma = rest.lastIndexOf(',');
      const named = addressIn(rest.slice(comma + 1));
      // A proxy that says nothing usable is as far as anybody can see.
      if (named === undefined) return address;
      address = named;
      rest = comma < 0 ? '' : rest.slice(0, comma);
    }
    return address;
  };
}

/** @param hop - 0 for the address of the connection itself */
type IsTrusted = (hop: number, address: string | undefined) => boolean;

function byNumber(hops: number): IsTrusted {
  if (!Number.isInteger(hops) || hops < 1 || hops > MAX_HOPS) {
    throw new TypeError(`${quote(hops)} proxies: give a whole number from 1 to ${MAX_HOPS}`);
  }
  return (hop) => hop < hops;
}

function byAddress(addresses: readonly string[]): IsTrusted {
  const list = new BlockList();
  for (const text of addresses) addTo(list, text);
  return (_hop, address) => {
    const plain = address === undefined ? undefined : unmapped(address);
    const family = plain === undefined ? 0 : isIP(plain);
    return plain !== undefined && family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}

function addTo(list: BlockList, text: string): void {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  const isNumber = bits === undefined || /^\d{1,3}$/.test(bits);
  if (
    family === 0 ||
    address.includes('%') ||
    more.length > 0 ||
    !isNumber ||
    Number(bits) > most
  ) {
    throw new TypeError(
      `${quote(text)} is neither an IP address nor a network such as "10.0.0.0/8" or "fd00::/8"`,
    );
  }
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, kind);
  else list.addSubnet(address, Number(bits), kind);
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function addressIn(text: string): string | undefined {
  const trimmed = text.trim();
  const bare =
    /^\[([^\]]+)\](?::\d{1,5})?$/.exec(trimmed)?.[1] ??
    /^([\d.]+):\d{1,5}$/.exec(trimmed)?.[1] ??
    trimmed;
  const plain = unmapped(bare);
  return isIP(plain) === 0 ? undefined : plain;
}

/** An IPv4 address as a socket of both families shows it. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=[\d.]+$)/i, '');
}
