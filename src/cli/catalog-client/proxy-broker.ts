import { type Clock, systemClock } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import { Broker } from '../../client/broker.js';
import { clientHome, requireProfileName } from '../../client/store/config-folder.js';
import { systemKeychain } from '../../client/store/wrapping-key.js';
import type { CliIo } from '../io.js';
import { ClientUsageError } from './errors.js';

/** The profile of a command line. Credentials for a resource of one's own share nothing with the others. */
export function proxyProfile(profile: string | undefined, resource: string | undefined): string {
  try {
    const name = requireProfileName(profile ?? 'default');
    if (resource === undefined) return name;
    return requireProfileName(`${name.slice(0, 40)}-${hashId(resource).slice(0, 12)}`);
  } catch (error) {
    if (error instanceof TypeError) throw new ClientUsageError(error.message, { cause: error });
    throw error;
  }
}

/** The broker as every command has it, without what only a terminal needs. */
export function openBroker(
  io: CliIo,
  profile: string,
  logger: Logger,
  clock: Clock = systemClock,
): { readonly broker: Broker; readonly home: string } {
  const home = clientHome(io.env);
  const broker = new Broker({
    home,
    profile,
    explicitKey: io.env['CATALOG_CLIENT_KEY'],
    keychain: io.env['CATALOG_CLIENT_KEYCHAIN'] === 'off' ? undefined : systemKeychain(),
    clock,
    logger,
    dangerouslyAllowPrivateNetwork: io.env['CATALOG_ALLOW_PRIVATE_NETWORK'] === '1',
  });
  return { broker, home };
}
