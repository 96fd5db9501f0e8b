import type { JsonObject } from '../../shared/json.js';
import { type Host, HostConfigError, type Launcher, proxyCommand } from '../../client/index.js';
import { changeConfigFile } from '../../client/hosts/config-file.js';
import { patchHostEntry, readHostEntries } from '../../client/hosts/host-document.js';
import { commandProperties, findMcpRemoteEntries } from '../../client/hosts/mcp-remote-entries.js';
import { type ConfigFlags, report, requireConfigPath } from './config-target.js';
import type { ClientContext } from './context.js';
import { ClientUsageError } from './errors.js';
import { parseProxyArguments } from './proxy-arguments.js';

/** Turns every entry that starts mcp-remote into one that starts our proxy; what cannot be turned stays, and is named. */
export async function importMcpRemote(
  context: ClientContext,
  host: Host,
  flags: ConfigFlags,
  launcher: Launcher,
): Promise<void> {
  const { home, clock } = context;
  const isDryRun = flags.write !== true;
  const path = requireConfigPath(context, host, flags);
  const imported: string[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const change = await changeConfigFile({ path, home, clock, isDryRun }, (text) => {
    if (text === undefined) throw new ClientUsageError(`${path} does not exist`);
    let edited = text;
    for (const { name, args } of findMcpRemoteEntries(host, readHostEntries(host, text))) {
      try {
        requireProxyArguments(args);
        const changes: JsonObject = commandProperties(host, proxyCommand(launcher, args));
        edited = patchHostEntry(host, edited, name, changes);
        imported.push(name);
      } catch (error) {
        if (!(error instanceof ClientUsageError || error instanceof HostConfigError)) throw error;
        skipped.push({ name, reason: error.message });
      }
    }
    return edited;
  });
  for (const { name, reason } of skipped) context.say(`Left as it is: ${name}: ${reason}`);
  if (imported.length === 0) context.say(`No entry of ${path} that starts mcp-remote was changed`);
  else
    context.say(`${isDryRun ? 'Would turn' : 'Turned'} to catalog-client: ${imported.join(', ')}`);
  report(context, host, change, isDryRun, { imported, skipped });
  if (isDryRun && imported.length > 0) context.say('Nothing is written without --write');
}

/** Throws where the proxy would not take the command line. Variables are those of the host: any value will do here. */
function requireProxyArguments(args: readonly string[]): void {
  const anything = new Proxy<Record<string, string>>({}, { get: () => 'value' });
  // A file that is named is read at the start, not now.
  if (args.some((argument) => argument.startsWith('--header-file') || argument.startsWith('@'))) {
    throw new ClientUsageError('it reads a file; turn it by hand');
  }
  parseProxyArguments(args, anything);
}
