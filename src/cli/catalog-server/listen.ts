import { type OpenPort, PortInUseError, openPort } from '../../server/index.js';
import { ConfigurationError } from './config.js';

/** What the settings are called. */
interface Flags {
  readonly host: string;
  readonly port: string;
}

/**
 * Opens the port of the settings.
 *
 * @throws {ConfigurationError} in one line that names the port or host and the flag to change
 */
export async function listenOn(
  host: string,
  port: number,
  flags: Flags = { host: '--host', port: '--port' },
): Promise<OpenPort> {
  try {
    return await openPort(host, port);
  } catch (error) {
    if (error instanceof PortInUseError) {
      throw new ConfigurationError(
        `port ${error.port} is in use: stop what holds it, or choose another one with ${flags.port}`,
        { cause: error },
      );
    }
    const reason = REASONS[String((error as NodeJS.ErrnoException).code)];
    if (reason === undefined) throw error;
    throw new ConfigurationError(reason(host, port, flags), { cause: error });
  }
}

const REASONS: Readonly<Record<string, (host: string, port: number, flags: Flags) => string>> = {
  EACCES: (_host, port, flags) =>
    `port ${port} is not allowed for this account: choose one above 1023 with ${flags.port}`,
  EADDRNOTAVAIL: (host, _port, flags) =>
    `this machine has no address ${host}: give another one with ${flags.host}`,
  ENOTFOUND: (host, _port, flags) =>
    `the name ${host} has no address: give another one with ${flags.host}`,
};
