import { type OpenPort, PortInUseError, openPort } from '../../server/index.js';
import { ConfigurationError } from './config.js';

/**
 * Opens the port of the settings.
 *
 * @throws {ConfigurationError} in one line that names the port or host and the flag to change
 */
export async function listenOn(host: string, port: number): Promise<OpenPort> {
  try {
    return await openPort(host, port);
  } catch (error) {
    if (error instanceof PortInUseError) {
      throw new ConfigurationError(
        `port ${error.port} is in use: stop what holds it, or choose another one with --port`,
        { cause: error },
      );
    }
    const reason = REASONS[String((error as NodeJS.ErrnoException).code)];
    if (reason === undefined) throw error;
    throw new ConfigurationError(reason(host, port), { cause: error });
  }
}

const REASONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EACCES: (_host, port) =>
    `port ${port} is not allowed for this account: choose one above 1023 with --port`,
  EADDRNOTAVAIL: (host) => `this machine has no address ${host}: give another one with --host`,
  ENOTFOUND: (host) => `the name ${host} has no address: give another one with --host`,
};
