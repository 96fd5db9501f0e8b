import type { JsonObject } from '../../shared/json.js';
import { HostConfigError } from './errors.js';
import { HOST_PROFILES, type Host } from './host-profiles.js';

/**
 * How a host gets in: `login` over HTTP with OAuth, `key` over HTTP with an API key, `stdio` by starting the server
 * with an API key in its environment.
 */
export const WAYS_IN = ['login', 'key', 'stdio'] as const;
export type WayIn = (typeof WAYS_IN)[number];

/** What stands between a host and a server over HTTP: our proxy, mcp-remote, or nothing but the host's own client. */
export const BRIDGES = ['proxy', 'mcp-remote', 'host'] as const;
export type Bridge = (typeof BRIDGES)[number];

/** How the proxy is started: `npx` fetches exactly this version, `local` runs the files of this installation. */
export const LAUNCHES = ['npx', 'local'] as const;
export type Launch = (typeof LAUNCHES)[number];

export interface Launcher {
  readonly launch: Launch;
  /** Exact version of this package. */
  readonly version: string;
  /** Absolute path of Node. */
  readonly node: string;
  /** Absolute path of the script of `catalog-client`. */
  readonly clientScript: string;
  readonly platform: NodeJS.Platform;
}

export interface HostConfigOptions {
  readonly host: Host;
  readonly way: WayIn;
  /** Default `proxy`. */
  readonly via?: Bridge;
  /** MCP endpoint, for the ways over HTTP. */
  readonly url: string;
  readonly launcher: Launcher;
  /** Absolute path of the server's `server.js`, for stdio. */
  readonly serverScript: string;
  /** Headers to send, each with the environment variable that holds its value. */
  readonly headerVariables?: Readonly<Record<string, string>>;
  /** Arguments for the proxy, behind the URL. */
  readonly proxyArguments?: readonly string[];
  /** Values of variables that are to stand in the file. Default: none. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Stands where a person puts the key: this project writes no secret into a file unless it is told to. */
export const KEY_PLACEHOLDER = 'cmcp_…';
const API_KEY = 'CATALOG_API_KEY';
const PACKAGE = 'catalog-mcp';
// Exact versions: a host that fetches whatever is newest runs code that nobody looked at.
const MCP_REMOTE = 'mcp-remote@0.15.1';
const CALLBACK_PORT = '9696';

/**
 * The entry for one server in the host's own form. Holds no secret but those of `secrets`.
 *
 * @throws {HostConfigError} when the host has no such way, or Windows' command line would take the entry apart
 */
export function hostEntry(options: HostConfigOptions): JsonObject {
  const { host, way, via = 'proxy', headerVariables = {} } = options;
  const profile = HOST_PROFILES[host];
  const variables = [...(way === 'login' ? [] : [API_KEY]), ...Object.values(headerVariables)];
  if (way !== 'stdio' && via === 'host') return remoteEntry(options, variables);
  const { command, args } = commandLine(options);
  const isPassedOn = profile.reference === 'passed-on';
  const written = isPassedOn
    ? variables.filter((name) => Object.hasOwn(options.secrets ?? {}, name))
    : variables;
  return profile.command({
    command,
    args,
    env: Object.fromEntries(written.map((name) => [name, valueOf(name, options)])),
    passedOn: isPassedOn ? variables.filter((name) => !written.includes(name)) : [],
  });
}

function commandLine(options: HostConfigOptions): { command: string; args: string[] } {
  const { way, via = 'proxy', url, launcher, serverScript, headerVariables = {} } = options;
  if (way === 'stdio') {
    return { command: launcher.node, args: [serverScript, '--transport=stdio'] };
  }
  if (via === 'mcp-remote') {
    const headers = Object.entries(headerVariables);
    if (way === 'key') headers.push(['X-API-KEY', API_KEY]);
    // No space in the argument: some hosts split at spaces.
    const given = headers.flatMap(([name, variable]) => ['--header', `${name}:\${${variable}}`]);
    const login = way === 'login' ? [CALLBACK_PORT, '--transport', 'http-only'] : [];
    return npx(['-y', MCP_REMOTE, url, ...login, ...given], launcher.platform);
  }
  return proxyCommand(launcher, [
    url,
    ...Object.entries(headerVariables).flatMap(([name, variable]) => [
      '--header-env',
      `${name}=${variable}`,
    ]),
    ...(options.proxyArguments ?? []),
  ]);
}

/** The command line that starts `catalog-client proxy` with these arguments. */
export function proxyCommand(
  launcher: Launcher,
  args: readonly string[],
): { command: string; args: string[] } {
  return launcher.launch === 'local'
    ? { command: launcher.node, args: [launcher.clientScript, 'proxy', ...args] }
    : npx(
        ['-y', '-p', `${PACKAGE}@${launcher.version}`, 'catalog-client', 'proxy', ...args],
        launcher.platform,
      );
}

/** Windows starts `npx.cmd` through its command interpreter alone, which has a syntax of its own. */
function npx(
  args: readonly string[],
  platform: NodeJS.Platform,
): { command: string; args: string[] } {
  if (platform !== 'win32') return { command: 'npx', args: [...args] };
  const unsafe = args.find((argument) => /[&|<>^%"!\s]/.test(argument));
  if (unsafe !== undefined) {
    throw new HostConfigError(
      `${JSON.stringify(unsafe)} has characters that the command line of Windows takes for its own. Use --launch local`,
    );
  }
  return { command: 'cmd', args: ['/c', 'npx', ...args] };
}

function remoteEntry(options: HostConfigOptions, variables: readonly string[]): JsonObject {
  const { host, way, url, headerVariables = {} } = options;
  const { remote, reference, title } = HOST_PROFILES[host];
  if (remote === undefined || (variables.length > 0 && reference === 'passed-on')) {
    throw new HostConfigError(`${title} has no such way without a bridge. Leave --via out`);
  }
  const headers = Object.entries(headerVariables);
  if (way === 'key') headers.push(['X-API-Key', API_KEY]);
  return remote({
    url,
    headers: Object.fromEntries(
      headers.map(([name, variable]) => [name, valueOf(variable, options)]),
    ),
  });
}

function valueOf(variable: string, { host, secrets = {} }: HostConfigOptions): string {
  const given = Object.hasOwn(secrets, variable) ? secrets[variable] : undefined;
  if (given !== undefined) return given;
  const { reference } = HOST_PROFILES[host];
  if (typeof reference === 'function') return reference(variable);
  return variable === API_KEY ? KEY_PLACEHOLDER : `<value of ${variable}>`;
}
