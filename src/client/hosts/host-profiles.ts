import { posix, win32 } from 'node:path';
import type { JsonObject, JsonValue } from '../../shared/json.js';

/** Hosts whose configuration this project can print. */
export const HOSTS = [
  'claude-desktop',
  'claude-code',
  'cursor',
  'vscode',
  'windsurf',
  'zed',
  'codex',
  'gemini-cli',
  'opencode',
  'langgraph',
] as const;
export type Host = (typeof HOSTS)[number];

/** A command that a host starts and talks to on stdio. */
interface HostCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** What the entry says of the environment: values, or references in the host's own syntax. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables that reach the command by their name alone. */
  readonly passedOn: readonly string[];
}

interface HostRemote {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is special about one host. */
export interface HostProfile {
  readonly title: string;
  readonly format: 'json' | 'toml';
  /** The property of the file that holds the servers. */
  readonly section: string;
  /**
   * How an entry refers to an environment variable. `passed-on`: it needs no value in the file. Undefined: the host has
   * no way, and hands on nothing by itself.
   */
  readonly reference: ((variable: string) => string) | 'passed-on' | undefined;
  command(command: HostCommand): JsonObject;
  /** Undefined: the host starts commands alone. */
  readonly remote: ((remote: HostRemote) => JsonObject) | undefined;
}

const withEnv = (env: HostCommand['env'], name = 'env'): JsonObject =>
  Object.keys(env).length === 0 ? {} : { [name]: { ...env } };
const withHeaders = (headers: HostRemote['headers']): JsonObject =>
  Object.keys(headers).length === 0 ? {} : { headers: { ...headers } };
const plain = ({ command, args, env }: HostCommand): JsonObject => ({
  command,
  args: [...args],
  ...withEnv(env),
});
const typed = (command: HostCommand): JsonObject => ({ type: 'stdio', ...plain(command) });
const typedRemote = ({ url, headers }: HostRemote): JsonObject => ({
  type: 'http',
  url,
  ...withHeaders(headers),
});

export const HOST_PROFILES: Readonly<Record<Host, HostProfile>> = {
  'claude-desktop': {
    title: 'Claude Desktop',
    format: 'json',
    section: 'mcpServers',
    reference: undefined,
    command: plain,
    remote: undefined,
  },
  'claude-code': {
    title: 'Claude Code',
    format: 'json',
    section: 'mcpServers',
    reference: (name) => `\${${name}}`,
    command: typed,
    remote: typedRemote,
  },
  cursor: {
    title: 'Cursor',
    format: 'json',
    section: 'mcpServers',
    reference: (name) => `\${env:${name}}`,
    command: plain,
    remote: ({ url, headers }) => ({ url, ...withHeaders(headers) }),
  },
  vscode: {
    title: 'VS Code',
    format: 'json',
    section: 'servers',
    reference: (name) => `\${env:${name}}`,
    command: typed,
    remote: typedRemote,
  },
  windsurf: {
    title: 'Windsurf',
    format: 'json',
    section: 'mcpServers',
    reference: (name) => `\${env:${name}}`,
    command: plain,
    remote: ({ url, headers }) => ({ serverUrl: url, ...withHeaders(headers) }),
  },
  zed: {
    title: 'Zed',
    format: 'json',
    section: 'context_servers',
    reference: 'passed-on',
    command: (command) => ({ source: 'custom', ...plain(command) }),
    remote: undefined,
  },
  codex: {
    title: 'Codex',
    format: 'toml',
    section: 'mcp_servers',
    reference: 'passed-on',
    command: (command) => ({
      command: command.command,
      args: [...command.args],
      // The first start may have to download the package; the host's own limit is 10 seconds.
      startup_timeout_sec: 60,
      ...(command.passedOn.length > 0 && { env_vars: [...command.passedOn] }),
      ...withEnv(command.env),
    }),
    remote: undefined,
  },
  'gemini-cli': {
    title: 'Gemini CLI',
    format: 'json',
    section: 'mcpServers',
    reference: (name) => `\${${name}}`,
    command: plain,
    remote: ({ url, headers }) => ({ httpUrl: url, ...withHeaders(headers) }),
  },
  opencode: {
    title: 'opencode',
    format: 'json',
    section: 'mcp',
    reference: (name) => `{env:${name}}`,
    command: ({ command, args, env }) => ({
      type: 'local',
      command: [command, ...args],
      enabled: true,
      ...withEnv(env, 'environment'),
    }),
    remote: ({ url, headers }) => ({ type: 'remote', url, enabled: true, ...withHeaders(headers) }),
  },
  langgraph: {
    title: 'LangGraph (MultiServerMCPClient)',
    format: 'json',
    section: 'mcpServers',
    reference: undefined,
    command: (command) => ({ transport: 'stdio', ...plain(command) }),
    remote: ({ url, headers }) => ({ transport: 'http', url, ...withHeaders(headers) }),
  },
};

/** The machine whose folders are meant. */
export interface HostPlatform {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Where a host keeps the configuration of an account: the file to write to when none exists yet first.
 *
 * @returns empty for hosts that have no file of their own
 */
export function hostConfigPaths(host: Host, machine: HostPlatform): readonly string[] {
  const { platform, home, env } = machine;
  const isWindows = platform === 'win32';
  const join = (...parts: string[]): string => (isWindows ? win32 : posix).join(...parts);
  const xdg = env['XDG_CONFIG_HOME'] || join(home, '.config');
  const applications = isWindows
    ? env['APPDATA'] || join(home, 'AppData', 'Roaming')
    : platform === 'darwin'
      ? join(home, 'Library', 'Application Support')
      : xdg;
  switch (host) {
    case 'claude-desktop':
      return [join(applications, 'Claude', 'claude_desktop_config.json')];
    case 'claude-code':
      return [join(env['CLAUDE_CONFIG_DIR'] || home, '.claude.json')];
    case 'cursor':
      return [join(home, '.cursor', 'mcp.json')];
    case 'vscode':
      return [join(applications, 'Code', 'User', 'mcp.json')];
    case 'windsurf':
      return [join(home, '.codeium', 'windsurf', 'mcp_config.json')];
    case 'zed':
      // Not in "Application Support" on macOS.
      return [
        isWindows
          ? join(applications, 'Zed', 'settings.json')
          : join(platform === 'linux' ? xdg : join(home, '.config'), 'zed', 'settings.json'),
      ];
    case 'codex':
      return [join(env['CODEX_HOME'] || join(home, '.codex'), 'config.toml')];
    case 'gemini-cli':
      return [join(home, '.gemini', 'settings.json')];
    case 'opencode':
      return ['opencode.json', 'opencode.jsonc'].map((name) => join(xdg, 'opencode', name));
    case 'langgraph':
      return [];
  }
}

/** The part of a configuration file that an entry makes, as a host would read it. */
export function asFragment(host: Host, name: string, entry: JsonValue): JsonObject {
  return { [HOST_PROFILES[host].section]: { [name]: entry } };
}
