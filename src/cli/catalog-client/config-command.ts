import { join } from 'node:path';
import {
  HOSTS,
  type Host,
  KEY_PLACEHOLDER,
  type WayIn,
  hostConfigLocation,
  hostEntry,
} from '../../client/index.js';
import { quote } from '../../shared/errors.js';
import { packageRoot } from '../package-root.js';
import type { ClientContext } from './context.js';
import { ClientUsageError } from './errors.js';

/** Prints what goes into a host's configuration file: JSON on stdout, where to put it on stderr. */
export async function runConfig(
  context: ClientContext,
  host: Host,
  url: string | undefined,
  way: WayIn,
): Promise<void> {
  if (!HOSTS.includes(host)) {
    throw new ClientUsageError(`${quote(host)} is not a host known here: ${HOSTS.join(', ')}`);
  }
  const entry = hostEntry({
    host,
    way,
    url: await context.serverUrl(url),
    serverScript: join(packageRoot(), 'server.js'),
  });
  const fragment = { mcpServers: { catalog: entry } };
  context.print(fragment, JSON.stringify(fragment, undefined, 2));
  context.say(`Goes into ${hostConfigLocation(host)}`);
  if (JSON.stringify(entry).includes(KEY_PLACEHOLDER)) {
    context.say(`Put your key in place of ${KEY_PLACEHOLDER}: catalog-server api-keys create`);
  }
}
