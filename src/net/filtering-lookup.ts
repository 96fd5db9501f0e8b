import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type AddressKind, classifyAddress } from './address-policy.js';
import { AddressBlockedError } from './errors.js';

/** Resolves a name to all its addresses. Injected in tests. */
export type ResolveAll = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveWithSystem: ResolveAll = (hostname, callback) =>
  systemLookup(hostname, { all: true }, callback);

/**
 * A `lookup` for sockets that hands out only addresses of the allowed kinds: the address that was checked is the one
 * that gets connected to, so a name that resolves differently the second time changes nothing.
 */
export function createFilteringLookup(
  allowedKinds: (hostname: string) => readonly AddressKind[],
  resolve: ResolveAll = resolveWithSystem,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 4);
        return;
      }
      const kinds = allowedKinds(hostname);
      const allowed = addresses.filter(({ address }) => kinds.includes(classifyAddress(address)));
      const [first] = allowed;
      if (first === undefined) {
        callback(new AddressBlockedError(hostname, addresses[0]?.address ?? 'none'), '', 4);
      } else if (options.all === true) {
        callback(null, allowed);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}
