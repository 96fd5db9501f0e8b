import { join } from 'node:path';
import type { JsonObject } from '../../shared/json.js';
import { quote } from '../../shared/errors.js';
import { HOSTS, type Host, KEY_PLACEHOLDER, type Launcher, hostEntry } from '../../client/index.js';
import { changeConfigFile, undoConfigChange } from '../../client/hosts/config-file.js';
import { readHostEntries, setHostEntry } from '../../client/hosts/host-document.js';
import { HOST_PROFILES, asFragment } from '../../client/hosts/host-profiles.js';
import { printToml } from '../../client/hosts/toml-edit.js';
import { isSameMeaning } from '../../client/hosts/same-meaning.js';
import { packageRoot } from '../package-root.js';
import { VERSION } from '../version.js';
import { importMcpRemote } from './config-import.js';
import { type ConfigFlags, configPaths, report, requireConfigPath } from './config-target.js';
import type { ClientContext } from './context.js';
import { ClientUsageError } from './errors.js';

const ENTRY_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const HEADER_VARIABLE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([A-Za-z_][A-Za-z0-9_]*)$/;

/** `config <host>`: prints what goes into a host's configuration, writes it there, or takes it out again. */
export async function runConfig(
  context: ClientContext,
  host: Host,
  url: string | undefined,
  flags: ConfigFlags,
): Promise<void> {
  if (!HOSTS.includes(host)) {
    throw new ClientUsageError(`${quote(host)} is not a host known here: ${HOSTS.join(', ')}`);
  }
  if (flags.undo === true) return undo(context, host, flags);
  if (flags.import === true) return importMcpRemote(context, host, flags, launcherOf(flags));
  const entry = await buildEntry(context, host, url, flags);
  if (flags.write === true || flags.dryRun === true) return write(context, host, flags, entry);
  const fragment = asFragment(host, flags.name, entry);
  const isToml = HOST_PROFILES[host].format === 'toml';
  context.print(fragment, isToml ? printToml(fragment) : JSON.stringify(fragment, undefined, 2));
  const [path] = configPaths(context, host, flags);
  context.say(
    path === undefined
      ? 'Goes into the options of MultiServerMCPClient'
      : `Goes into ${path} (--write puts it there)`,
  );
  hintAtSecrets(context, entry);
}

async function buildEntry(
  context: ClientContext,
  host: Host,
  url: string | undefined,
  flags: ConfigFlags,
): Promise<JsonObject> {
  if (!ENTRY_NAME.test(flags.name)) {
    throw new ClientUsageError(
      `--name is ${quote(flags.name)}, expected 1 to 63 letters, digits, - and _`,
    );
  }
  const headerVariables = Object.fromEntries(flags.headerEnv.map(readHeaderVariable));
  const isProxied = flags.via === 'proxy' && flags.way !== 'stdio';
  return hostEntry({
    host,
    way: flags.way,
    via: flags.via,
    url: await context.serverUrl(url),
    launcher: launcherOf(flags),
    serverScript: join(packageRoot(), 'server.js'),
    headerVariables,
    proxyArguments:
      isProxied && context.profile !== 'default' ? ['--profile', context.profile] : [],
    ...(flags.includeSecrets === true && {
      secrets: readSecrets(context, flags, Object.values(headerVariables)),
    }),
  });
}

function readHeaderVariable(text: string): [string, string] {
  const [, header, variable] = HEADER_VARIABLE.exec(text) ?? [];
  if (header !== undefined && variable !== undefined) return [header, variable];
  throw new ClientUsageError(
    '--header-env is not of the form "Name=VARIABLE": the name of a header, and of the environment variable with its value',
  );
}

function readSecrets(
  context: ClientContext,
  { way }: ConfigFlags,
  variables: readonly string[],
): Record<string, string> {
  const wanted = [...(way === 'login' ? [] : ['CATALOG_API_KEY']), ...variables];
  return Object.fromEntries(
    wanted.map((name) => {
      const value = context.io.env[name];
      if (value === undefined || value === '') {
        throw new ClientUsageError(
          `--include-secrets takes the value from the environment variable ${name}, which is not set`,
        );
      }
      return [name, value];
    }),
  );
}

/** From a clone there may be nothing published to fetch: its own files are what works. */
function launcherOf({ launch }: ConfigFlags): Launcher {
  const root = packageRoot();
  const isInstalled = /[\\/]node_modules[\\/]/.test(root);
  return {
    launch: launch ?? (isInstalled ? 'npx' : 'local'),
    version: VERSION,
    node: process.execPath,
    clientScript: join(root, 'dist', 'bin', 'catalog-client.js'),
    platform: process.platform,
  };
}

async function write(
  context: ClientContext,
  host: Host,
  flags: ConfigFlags,
  entry: JsonObject,
): Promise<void> {
  const { home, clock } = context;
  const isDryRun = flags.dryRun === true;
  const file = { path: requireConfigPath(context, host, flags), home, clock, isDryRun };
  const change = await changeConfigFile(file, (text) => {
    const existing = readHostEntries(host, text)[flags.name];
    if (text !== undefined && isSameMeaning(existing, entry)) return text;
    if (existing !== undefined && flags.replace !== true) {
      throw new ClientUsageError(
        `${file.path} has another entry ${quote(flags.name)}. Give --replace, or another --name`,
      );
    }
    return setHostEntry(host, text, flags.name, entry);
  });
  report(context, host, change, isDryRun);
  if (!isDryRun) hintAtSecrets(context, entry);
}

async function undo(context: ClientContext, host: Host, flags: ConfigFlags): Promise<void> {
  const { home, clock } = context;
  const outcome = await undoConfigChange({
    path: requireConfigPath(context, host, flags),
    home,
    clock,
  });
  context.print(
    { host, file: outcome.path, removed: outcome.removed },
    outcome.removed
      ? `Removed ${outcome.path}: it did not exist before`
      : `${outcome.path} is as it was before`,
  );
}

function hintAtSecrets(context: ClientContext, entry: JsonObject): void {
  const text = JSON.stringify(entry);
  if (text.includes(KEY_PLACEHOLDER)) {
    context.say(`Put your key in place of ${KEY_PLACEHOLDER}: catalog-server api-keys create`);
  }
  const [missing] = /<value of \w+>/.exec(text) ?? [];
  if (missing !== undefined) context.say(`Put the secret in place of ${missing}`);
}
