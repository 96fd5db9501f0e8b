import { Client, type ClientOptions, type Implementation } from '@modelcontextprotocol/client';
import { ToolkitError } from '../shared/errors.js';
import { canonicalResource } from '../oauth/resource.js';
import { createAuthorizedFetch } from './authorized-fetch.js';
import type { Broker } from './broker.js';
import { CredentialsRejectedError } from './errors.js';
import { createHttpTransport } from './http-transport.js';
import type { LoginOptions } from './login/login.js';
import { createClientFetch } from './client-fetch.js';
import type { FetchLike } from './token-endpoint.js';

export interface ConnectOptions {
  /** Where the credentials are. Undefined: none are used but `apiKey` and `headers`. */
  readonly broker?: Broker | undefined;
  /** Sent as `X-API-Key`. With it no token is sent and no login is started. */
  readonly apiKey?: string | undefined;
  /** Sent to the MCP server with every request, and to nobody else. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How to sign somebody in when the server asks for it. Undefined: the call fails and says so. */
  readonly login?: Omit<LoginOptions, 'broker' | 'fetch'> | undefined;
  readonly clientInfo?: Implementation;
  /** Passed to the SDK's client. `versionNegotiation` is `auto` unless it is given. */
  readonly client?: ClientOptions;
  /** Called before the connection opens: the place for request and notification handlers. */
  readonly prepare?: (client: Client) => void;
  /** Replaces the network. Default: `createClientFetch` for this URL. */
  readonly fetch?: FetchLike;
  /** Replaces the network for discovery and login. Default: `createClientFetch` for this URL. */
  readonly oauthFetch?: FetchLike;
  readonly signal?: AbortSignal;
}

/**
 * Connects to an MCP server over HTTP, in whichever protocol era it speaks, with the broker's credentials.
 *
 * A token is renewed before it ends and after a 401, and the call that met the 401 is repeated once. A browser is
 * opened only where `login` is given.
 *
 * @param url - the MCP endpoint: https, or http to this machine
 * @returns a connected client of the SDK; close it when done
 * @throws {LoginRequiredError | CredentialsRejectedError | NetworkError} and what the SDK throws for the protocol
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Client> {
  const serverUrl = canonicalResource(url);
  const network = options.fetch ?? createClientFetch({ target: serverUrl });
  const client = new Client(options.clientInfo ?? { name: 'catalog-client', version: '0.1.0' }, {
    versionNegotiation: { mode: 'auto' },
    ...options.client,
  });
  options.prepare?.(client);
  const transport = createHttpTransport(new URL(serverUrl), {
    fetch: authorize(serverUrl, network, options),
    requestInit: { headers: { ...options.headers } },
  });
  try {
    await client.connect(transport, options.signal === undefined ? {} : { signal: options.signal });
  } catch (error) {
    await client.close().catch(() => undefined);
    throw rootCause(error);
  }
  return client;
}

function authorize(serverUrl: string, network: FetchLike, options: ConnectOptions): FetchLike {
  const { apiKey, broker } = options;
  if (apiKey !== undefined || broker === undefined) {
    return async (input, init = {}) => {
      const headers = new Headers(init.headers);
      if (apiKey !== undefined) headers.set('x-api-key', apiKey);
      const response = await network(input, { ...init, headers });
      if (response.status !== 401) return response;
      await response.body?.cancel();
      throw new CredentialsRejectedError(
        serverUrl,
        apiKey === undefined ? 'it wants some, and none were given' : 'the API key is not accepted',
      );
    };
  }
  return createAuthorizedFetch({
    serverUrl,
    broker,
    fetch: network,
    oauthFetch: options.oauthFetch ?? createClientFetch({ target: serverUrl, isOAuth: true }),
    login: options.login,
  });
}

/** The SDK wraps what the network throws while it finds out the era: the caller wants the reason itself. */
export function rootCause(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    if (current instanceof ToolkitError) return current;
    current = current.cause;
  }
  return error;
}
