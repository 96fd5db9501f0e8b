import { describe, expect, it } from 'vitest';
import {
  HOSTS,
  type HostConfigOptions,
  KEY_PLACEHOLDER,
  hostConfigPaths,
  hostEntry,
} from '../../../src/client/index.js';

const URL_OF_SERVER = 'https://learn.example/mcp';
const OPTIONS: HostConfigOptions = {
  host: 'cursor',
  way: 'login',
  url: URL_OF_SERVER,
  serverScript: '/opt/catalog/server.js',
  launcher: {
    launch: 'npx',
    version: '1.2.3',
    node: '/usr/bin/node',
    clientScript: '/opt/catalog/dist/bin/catalog-client.js',
    platform: 'linux',
  },
};
const NPX = ['-y', '-p', 'catalog-mcp@1.2.3', 'catalog-client', 'proxy', URL_OF_SERVER];
const windows = { ...OPTIONS.launcher, platform: 'win32' as const, node: 'C:\\node\\node.exe' };

describe('the entry of a host', () => {
  it.each([
    ['claude-desktop', { command: 'npx', args: NPX }],
    ['claude-code', { type: 'stdio', command: 'npx', args: NPX }],
    ['cursor', { command: 'npx', args: NPX }],
    ['vscode', { type: 'stdio', command: 'npx', args: NPX }],
    ['windsurf', { command: 'npx', args: NPX }],
    ['zed', { source: 'custom', command: 'npx', args: NPX }],
    ['codex', { command: 'npx', args: NPX, startup_timeout_sec: 60 }],
    ['gemini-cli', { command: 'npx', args: NPX }],
    ['opencode', { type: 'local', command: ['npx', ...NPX], enabled: true }],
    ['langgraph', { transport: 'stdio', command: 'npx', args: NPX }],
  ] as const)('%s starts the proxy, at an exact version', (host, entry) => {
    expect(hostEntry({ ...OPTIONS, host })).toEqual(entry);
  });

  it.each([
    ['claude-desktop', { env: { CATALOG_API_KEY: KEY_PLACEHOLDER } }],
    ['claude-code', { env: { CATALOG_API_KEY: '${CATALOG_API_KEY}' } }],
    ['cursor', { env: { CATALOG_API_KEY: '${env:CATALOG_API_KEY}' } }],
    ['vscode', { env: { CATALOG_API_KEY: '${env:CATALOG_API_KEY}' } }],
    ['windsurf', { env: { CATALOG_API_KEY: '${env:CATALOG_API_KEY}' } }],
    ['codex', { env_vars: ['CATALOG_API_KEY'] }],
    ['gemini-cli', { env: { CATALOG_API_KEY: '${CATALOG_API_KEY}' } }],
    ['opencode', { environment: { CATALOG_API_KEY: '{env:CATALOG_API_KEY}' } }],
    ['langgraph', { env: { CATALOG_API_KEY: KEY_PLACEHOLDER } }],
  ] as const)('%s gets a key by reference, never in the arguments', (host, part) => {
    const entry = hostEntry({ ...OPTIONS, host, way: 'key' });
    expect(entry).toMatchObject(part);
    expect(JSON.stringify([entry['command'], entry['args']])).not.toContain('API_KEY');
  });

  it('leaves the environment out where the host hands on its own (Zed)', () => {
    expect(hostEntry({ ...OPTIONS, host: 'zed', way: 'key' })).not.toHaveProperty('env');
  });

  it.each(HOSTS)('%s: a header is named with its variable, its value is nowhere', (host) => {
    const entry = hostEntry({ ...OPTIONS, host, headerVariables: { 'X-Team': 'TEAM_TOKEN' } });
    const words = [entry['command'], entry['args']].flat();
    expect(words).toEqual(expect.arrayContaining(['--header-env', 'X-Team=TEAM_TOKEN']));
  });

  it.each(HOSTS)('%s: writes a secret when it is told to', (host) => {
    const secrets = { CATALOG_API_KEY: 'cmcp_secret' };
    const entry = hostEntry({ ...OPTIONS, host, way: 'key', secrets });
    expect(entry[host === 'opencode' ? 'environment' : 'env']).toEqual(secrets);
    expect(entry).not.toHaveProperty('env_vars');
  });

  it('goes through cmd /c on Windows, where npx is no program', () => {
    const entry = hostEntry({ ...OPTIONS, launcher: windows });
    expect(entry).toEqual({ command: 'cmd', args: ['/c', 'npx', ...NPX] });
  });

  it.each(['https://learn.example/mcp?a=1&b=2', 'https://learn.example/%6dcp'])(
    'lets no address through to the command interpreter of Windows: %s',
    (url) => {
      expect(() => hostEntry({ ...OPTIONS, url, launcher: windows })).toThrow('--launch local');
      const launcher = { ...windows, launch: 'local' as const };
      expect(hostEntry({ ...OPTIONS, url, launcher })).toEqual({
        command: 'C:\\node\\node.exe',
        args: [OPTIONS.launcher.clientScript, 'proxy', url],
      });
    },
  );

  it('still writes mcp-remote, at an exact version, and starts the server itself', () => {
    expect(hostEntry({ ...OPTIONS, via: 'mcp-remote' })).toEqual({
      command: 'npx',
      args: ['-y', 'mcp-remote@0.15.1', URL_OF_SERVER, '9696', '--transport', 'http-only'],
    });
    expect(hostEntry({ ...OPTIONS, via: 'mcp-remote', way: 'key' })['args']).toContain(
      'X-API-KEY:${CATALOG_API_KEY}',
    );
    expect(hostEntry({ ...OPTIONS, way: 'stdio' })).toMatchObject({
      command: '/usr/bin/node',
      args: ['/opt/catalog/server.js', '--transport=stdio'],
    });
  });

  it.each([
    ['cursor', { url: URL_OF_SERVER, headers: { 'X-API-Key': '${env:CATALOG_API_KEY}' } }],
    [
      'opencode',
      {
        type: 'remote',
        url: URL_OF_SERVER,
        enabled: true,
        headers: { 'X-API-Key': '{env:CATALOG_API_KEY}' },
      },
    ],
  ] as const)('%s may speak HTTP itself', (host, entry) => {
    expect(hostEntry({ ...OPTIONS, host, via: 'host', way: 'key' })).toEqual(entry);
  });

  it('says that Claude Desktop starts commands alone', () => {
    expect(() => hostEntry({ ...OPTIONS, host: 'claude-desktop', via: 'host' })).toThrow('--via');
  });
});

describe('where hosts keep their configuration', () => {
  const [linux, macos, win] = [
    { platform: 'linux' as const, home: '/home/nora', env: {} },
    { platform: 'darwin' as const, home: '/Users/nora', env: {} },
    {
      platform: 'win32' as const,
      home: 'C:\\Users\\nora',
      env: { APPDATA: 'C:\\Users\\nora\\AppData\\Roaming' },
    },
  ];

  it.each([
    ['claude-desktop', linux, '/home/nora/.config/Claude/claude_desktop_config.json'],
    [
      'claude-desktop',
      macos,
      '/Users/nora/Library/Application Support/Claude/claude_desktop_config.json',
    ],
    [
      'claude-desktop',
      win,
      'C:\\Users\\nora\\AppData\\Roaming\\Claude\\claude_desktop_config.json',
    ],
    ['claude-code', linux, '/home/nora/.claude.json'],
    ['cursor', win, 'C:\\Users\\nora\\.cursor\\mcp.json'],
    ['vscode', linux, '/home/nora/.config/Code/User/mcp.json'],
    ['vscode', macos, '/Users/nora/Library/Application Support/Code/User/mcp.json'],
    ['windsurf', macos, '/Users/nora/.codeium/windsurf/mcp_config.json'],
    ['zed', macos, '/Users/nora/.config/zed/settings.json'],
    ['zed', win, 'C:\\Users\\nora\\AppData\\Roaming\\Zed\\settings.json'],
    ['codex', linux, '/home/nora/.codex/config.toml'],
    ['gemini-cli', win, 'C:\\Users\\nora\\.gemini\\settings.json'],
    ['opencode', linux, '/home/nora/.config/opencode/opencode.json'],
  ] as const)('%s: %o', (host, machine, path) => {
    expect(hostConfigPaths(host, machine)[0]).toBe(path);
  });

  it('follows XDG_CONFIG_HOME and the hosts own variables', () => {
    const env = { XDG_CONFIG_HOME: '/x', CODEX_HOME: '/c', CLAUDE_CONFIG_DIR: '/d' };
    const at = (host: 'zed' | 'codex' | 'claude-code' | 'opencode'): readonly string[] =>
      hostConfigPaths(host, { ...linux, env });
    expect(at('zed')).toEqual(['/x/zed/settings.json']);
    expect(at('codex')).toEqual(['/c/config.toml']);
    expect(at('claude-code')).toEqual(['/d/.claude.json']);
    expect(at('opencode')).toEqual(['/x/opencode/opencode.json', '/x/opencode/opencode.jsonc']);
  });
});
