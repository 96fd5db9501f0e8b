import {
  AgentAuthenticationError,
  type ServerEntry,
  type ToolSource,
  ToolSourceUnreachableError,
  multiServerSource,
} from '../../agent/index.js';
import {
  type Broker,
  CredentialKeyError,
  LoginRequiredError,
  RefreshFailedError,
  createOAuthProvider,
} from '../../client/index.js';
import { ClientContext } from '../catalog-client/context.js';
import type { CliIo } from '../io.js';
import { type Target, stdioEntry } from './connection.js';

/**
 * Opens the tools of a target through `MultiServerMCPClient`. Nothing is sent before the first use.
 *
 * @throws {AgentAuthenticationError} when there is neither an API key nor a usable login for the URL; the message has
 * the command to run
 */
export async function openSource(target: Target, io: CliIo): Promise<ToolSource> {
  const entry = target.kind === 'data' ? stdioEntry(target) : await httpEntry(target, io);
  return multiServerSource({ catalog: entry });
}

async function httpEntry(
  target: Extract<Target, { kind: 'url' }>,
  io: CliIo,
): Promise<ServerEntry> {
  const { url, apiKey } = target;
  if (apiKey !== undefined && apiKey !== '') {
    return { kind: 'http', url, headers: { 'X-API-Key': apiKey } };
  }
  // The same profile, folder and keychain as catalog-client: what it signed in, this finds.
  const { broker, profileFlag } = new ClientContext(io, {}, {});
  await requireLogin(broker, url, profileFlag);
  return { kind: 'http', url, authProvider: createOAuthProvider({ broker, serverUrl: url }) };
}

/** The adapter cannot finish a login that it starts, so there has to be one before it connects. */
async function requireLogin(broker: Broker, url: string, profileFlag: string): Promise<void> {
  const hint = `run "catalog-client login ${url}${profileFlag}", or set CATALOG_API_KEY`;
  try {
    if ((await broker.accessToken(url)) !== undefined) return;
  } catch (error) {
    if (error instanceof RefreshFailedError) {
      throw new ToolSourceUnreachableError(error.message, { cause: error });
    }
    if (error instanceof LoginRequiredError || error instanceof CredentialKeyError) {
      throw new AgentAuthenticationError(`${error.message}: ${hint}`, { cause: error });
    }
    throw error;
  }
  throw new AgentAuthenticationError(`not signed in at ${url}: ${hint}`);
}
