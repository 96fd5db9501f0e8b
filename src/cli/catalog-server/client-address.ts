import { type ClientAddress, createClientAddress } from '../../server/index.js';
import { ConfigurationError } from './parse-setting.js';

/**
 * How to find the address of a client.
 *
 * @param trustedProxies - the setting: how many, or which
 * @returns undefined when no proxy is trusted
 * @throws {ConfigurationError} naming the flag, the value and what would work
 */
export function clientAddressOf(trustedProxies: string | undefined): ClientAddress | undefined {
  if (trustedProxies === undefined) return undefined;
  const addresses = trustedProxies.split(',').map((address) => address.trim());
  try {
    return createClientAddress(
      /^\d+$/.test(trustedProxies) ? { hops: Number(trustedProxies) } : { addresses },
    );
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConfigurationError(`--trusted-proxies: ${error.message}`, { cause: error });
  }
}
