/** Hosts whose configuration this project can print. */
export const HOSTS = ['claude-desktop', 'cursor'] as const;
export type Host = (typeof HOSTS)[number];

/**
 * How a host gets in: `login` over HTTP with OAuth, `key` over HTTP with an API key, `stdio` by starting the server
 * with an API key in its environment.
 */
export const WAYS_IN = ['login', 'key', 'stdio'] as const;
export type WayIn = (typeof WAYS_IN)[number];

export interface HostConfigOptions {
  readonly host: Host;
  readonly way: WayIn;
  /** MCP endpoint, for the ways over HTTP. */
  readonly url: string;
  /** Absolute path of the server's `server.js`, for stdio. */
  readonly serverScript: string;
}

/** One entry of a host's `mcpServers`. */
export interface HostEntry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Stands where a person puts the key: this project writes no secret into a file that it did not make. */
export const KEY_PLACEHOLDER = 'cmcp_…';
// The exact version: a host that fetches whatever is newest runs code that nobody looked at.
const BRIDGE = 'mcp-remote@0.15.1';
const CALLBACK_PORT = '9696';

/** The entry for one server in the host's own form. Holds no secret: {@link KEY_PLACEHOLDER} or the host's own syntax. */
export function hostEntry(options: HostConfigOptions): HostEntry {
  const { host, way, url, serverScript } = options;
  const key = host === 'cursor' ? '${env:CATALOG_API_KEY}' : KEY_PLACEHOLDER;
  if (way === 'stdio') {
    return {
      command: 'node',
      args: [serverScript, '--transport=stdio'],
      env: { CATALOG_API_KEY: key },
    };
  }
  // Cursor speaks HTTP and OAuth itself; Claude Desktop starts local commands alone.
  if (host === 'cursor') return way === 'key' ? { url, headers: { 'X-API-Key': key } } : { url };
  if (way === 'login') {
    return { command: 'npx', args: ['-y', BRIDGE, url, CALLBACK_PORT, '--transport', 'http-only'] };
  }
  return {
    command: 'npx',
    // No space in the argument: some hosts split at spaces.
    args: ['-y', BRIDGE, url, '--header', 'X-API-KEY:${CATALOG_API_KEY}'],
    env: { CATALOG_API_KEY: key },
  };
}

/** Where the host keeps its configuration, in words that fit every platform. */
export function hostConfigLocation(host: Host): string {
  return {
    'claude-desktop':
      'claude_desktop_config.json: in Claude Desktop, Settings > Developer > Edit Config opens it',
    cursor: '~/.cursor/mcp.json, or .cursor/mcp.json in a project',
  }[host];
}
