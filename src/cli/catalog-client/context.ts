import { type Clock, systemClock } from '../../shared/clock.js';
import { type Logger, silentLogger } from '../../shared/logger.js';
import { canonicalResource } from '../../oauth/resource.js';
import {
  Broker,
  type ConnectOptions,
  type OpenBrowser,
  clientHome,
  connect,
  createBrowserOpener,
  createClientFetch,
  systemKeychain,
} from '../../client/index.js';
import { requireProfileName } from '../../client/store/config-folder.js';
import type { CliIo } from '../io.js';
import { stderrLogger } from '../stderr-logger.js';
import { ClientUsageError } from './errors.js';

/** What tests replace. */
export interface ClientOverrides {
  readonly openBrowser?: OpenBrowser;
  readonly clock?: Clock;
  /** Ends the command with exit code 130. */
  readonly signal?: AbortSignal;
}

/** Options that every command takes. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly profile?: string;
  readonly verbose?: boolean;
}

const DEFAULT_URL = 'http://localhost:3000/mcp';

/** One run of one command: its streams, its profile, its credentials. */
export class ClientContext {
  readonly io: CliIo;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly profile: string;
  readonly home: string;
  readonly broker: Broker;
  readonly openBrowser: OpenBrowser;
  /** Whether `openBrowser` was given, so that there is one wherever this runs. */
  readonly hasOwnBrowser: boolean;
  readonly #isPrivateNetworkAllowed: boolean;
  #server: string | undefined;

  constructor(io: CliIo, flags: CommonFlags, overrides: ClientOverrides) {
    this.io = io;
    this.isJson = flags.json === true;
    this.signal = overrides.signal ?? new AbortController().signal;
    this.clock = overrides.clock ?? systemClock;
    this.profile = asUsage(() =>
      requireProfileName(flags.profile ?? io.env['CATALOG_PROFILE'] ?? 'default'),
    );
    this.home = clientHome(io.env);
    this.#isPrivateNetworkAllowed = io.env['CATALOG_ALLOW_PRIVATE_NETWORK'] === '1';
    const logger: Logger =
      flags.verbose === true
        ? stderrLogger({ level: 'debug', write: (line) => void io.stderr.write(line) })
        : silentLogger;
    this.broker = new Broker({
      home: this.home,
      profile: this.profile,
      explicitKey: io.env['CATALOG_CLIENT_KEY'],
      keychain: io.env['CATALOG_CLIENT_KEYCHAIN'] === 'off' ? undefined : systemKeychain(),
      clock: this.clock,
      logger,
      dangerouslyAllowPrivateNetwork: this.#isPrivateNetworkAllowed,
    });
    this.hasOwnBrowser = overrides.openBrowser !== undefined;
    this.openBrowser = overrides.openBrowser ?? createBrowserOpener(io.env['BROWSER']);
  }

  /** ` --profile NAME` where a command that is suggested needs it. */
  get profileFlag(): string {
    return this.profile === 'default' ? '' : ` --profile ${this.profile}`;
  }

  /** The server that this command is about, once {@link serverUrl} has found out. */
  get server(): string | undefined {
    return this.#server;
  }

  get apiKey(): string | undefined {
    return this.io.env['CATALOG_API_KEY'] || undefined;
  }

  /** The URL that was given, else `CATALOG_URL`, else the last one used, else the local server. */
  async serverUrl(given: string | undefined): Promise<string> {
    const url =
      given ??
      (this.io.env['CATALOG_URL'] || undefined) ??
      (await this.broker.store.lastServerUrl()) ??
      DEFAULT_URL;
    this.#server = asUsage(() => canonicalResource(url));
    return this.#server;
  }

  /** Connects without ever opening a browser. */
  connect(serverUrl: string): ReturnType<typeof connect> {
    const network = {
      target: serverUrl,
      dangerouslyAllowPrivateNetwork: this.#isPrivateNetworkAllowed,
    };
    const options: ConnectOptions = {
      broker: this.broker,
      apiKey: this.apiKey,
      fetch: createClientFetch(network),
      oauthFetch: createClientFetch({ ...network, isOAuth: true }),
      signal: this.signal,
    };
    return connect(serverUrl, options);
  }

  oauthFetch(serverUrl: string): ReturnType<typeof createClientFetch> {
    return createClientFetch({
      target: serverUrl,
      isOAuth: true,
      dangerouslyAllowPrivateNetwork: this.#isPrivateNetworkAllowed,
    });
  }

  /** Data: the only thing that goes to stdout. `text` is what people read in place of the JSON. */
  print(data: unknown, text: string): void {
    const body = this.isJson ? JSON.stringify(data) : text;
    if (body !== '') this.io.stdout.write(body.endsWith('\n') ? body : `${body}\n`);
  }

  /** Talk: never on stdout. */
  say(text: string): void {
    this.io.stderr.write(`${text}\n`);
  }
}

function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof TypeError) throw new ClientUsageError(error.message, { cause: error });
    throw error;
  }
}
