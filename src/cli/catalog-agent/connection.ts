import { join, resolve } from 'node:path';
import { AgentAuthenticationError, type ServerEntry } from '../../agent/index.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { ToolkitError, quote } from '../../shared/errors.js';
import { packageRoot } from '../package-root.js';

/** Flags or environment variables that do not go together or cannot be used. */
export class AgentUsageError extends ToolkitError {
  readonly code = 'ERR_AGENT_USAGE';
}

/** Where the tools are: a data folder for a server of our own over stdio, or the URL of a running one. */
export type Target =
  | { readonly kind: 'data'; readonly folder: string; readonly apiKey: string }
  | { readonly kind: 'url'; readonly url: string; readonly apiKey: string | undefined };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the target: `--server`, `--data`, else `CATALOG_URL`, else the server that `npm start` runs.
 *
 * @throws {AgentUsageError} when both flags are given or the URL cannot be used
 * @throws {AgentAuthenticationError} when a data folder is used without an API key
 */
export function chooseTarget(
  flags: { readonly data?: string; readonly server?: string },
  env: Environment,
): Target {
  const apiKey = env['CATALOG_API_KEY'] ?? env['X-API-KEY'];
  if (flags.data !== undefined) {
    if (flags.server !== undefined) {
      throw new AgentUsageError(
        '--data and --server exclude each other: give the folder or the URL',
      );
    }
    const folder = resolve(flags.data);
    if (apiKey === undefined || apiKey === '') {
      throw new AgentAuthenticationError(
        `--data needs an API key in CATALOG_API_KEY: make one with "catalog-server api-keys create --data ${folder}"`,
      );
    }
    return { kind: 'data', folder, apiKey };
  }
  const url = flags.server ?? env['CATALOG_URL'] ?? 'http://localhost:3000/mcp';
  return { kind: 'url', url: checkUrl(url, flags.server === undefined), apiKey };
}

function checkUrl(text: string, isFromEnvironment: boolean): string {
  const name = isFromEnvironment ? 'CATALOG_URL' : '--server';
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new AgentUsageError(
      `${name} ${quote(text)} is not an http(s) URL, such as "http://localhost:3000/mcp"`,
    );
  }
  if (new URL(text).protocol === 'http:' && !isLoopbackUrl(text)) {
    throw new AgentUsageError(
      `${name} ${quote(text)} has to be https: it is not on loopback, and credentials would travel in the clear`,
    );
  }
  return text;
}

/** The stdio entry that starts this package's own server on a data folder. The key goes into its environment. */
export function stdioEntry(target: Extract<Target, { kind: 'data' }>): ServerEntry {
  return {
    kind: 'stdio',
    command: process.execPath,
    args: [join(packageRoot(), 'server.js'), '--transport=stdio', '--data', target.folder],
    env: { CATALOG_API_KEY: target.apiKey },
  };
}
