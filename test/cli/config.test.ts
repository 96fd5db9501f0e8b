import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/catalog-client/main.js';

const URL_OF_SERVER = 'https://learn.example/mcp';

describe('catalog-client config', () => {
  let home: string;
  let env: Record<string, string>;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
    env = {
      HOME: home,
      CATALOG_CLIENT_HOME: join(home, 'client'),
      CATALOG_CLIENT_KEYCHAIN: 'off',
      CATALOG_URL: URL_OF_SERVER,
    };
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const run = async (
    ...args: string[]
  ): Promise<{ code: number; stdout: string; stderr: string }> => {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const code = await main(['config', ...args], { env, stdin, stdout, stderr });
    return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') };
  };
  const put = (name: string, text: string): string => {
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };

  it('prints JSON, or TOML for Codex, on stdout and the place on stderr', async () => {
    const cursor = await run('cursor', '--launch', 'npx');
    expect(cursor).toMatchObject({ code: 0, stderr: expect.stringContaining('.cursor/mcp.json') });
    expect(JSON.parse(cursor.stdout)).toMatchObject({
      mcpServers: { catalog: { command: 'npx', args: expect.arrayContaining([URL_OF_SERVER]) } },
    });
    const codex = await run('codex', '--launch', 'npx', '--way', 'key');
    expect(codex.stdout).toMatch(/^\[mcp_servers\.catalog\]\ncommand = "npx"\n/);
    expect(codex.stdout).toContain('env_vars = [ "CATALOG_API_KEY" ]');
  });

  it('writes, shows what it would write, and takes it back to the byte', async () => {
    const before = '{\n  // mine\n  "context_servers": {},\n}\n';
    const path = put('.config/zed/settings.json', before);
    const dry = await run('zed', '--dry-run');
    expect(dry.stdout).toMatch(/^\+ {4}"catalog": \{$/m);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(await run('zed', '--write')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(path),
    });
    expect(readFileSync(path, 'utf8')).toContain('// mine');
    expect((await run('zed', '--write')).stdout).toContain('as it should be');
    expect(await run('zed', '--undo')).toMatchObject({ code: 0 });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(await run('zed', '--undo')).toMatchObject({ code: 1, stdout: '' });
  });

  it('replaces no entry of somebody else, unless it is told to', async () => {
    const path = put('.cursor/mcp.json', '{"mcpServers":{"catalog":{"command":"mine"}}}');
    const refused = await run('cursor', '--write');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--replace') });
    expect(readFileSync(path, 'utf8')).toContain('mine');
    expect((await run('cursor', '--write', '--replace')).code).toBe(0);
    expect(readFileSync(path, 'utf8')).not.toContain('mine');
  });

  it('names file, line and column of a fault, and writes nothing', async () => {
    const path = put('.codex/config.toml', 'a = 1\nb = oops\n');
    const refused = await run('codex', '--write', '--json');
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: {
        code: 'ERR_HOST_CONFIG',
        message: expect.stringMatching(/config\.toml: line 2, column \d+: .*Nothing was written/),
      },
    });
    expect(readFileSync(path, 'utf8')).toBe('a = 1\nb = oops\n');
    expect(existsSync(join(home, 'client/hosts'))).toBe(false);
  });

  it('takes the file that is there (opencode.jsonc), and one that is named (--file)', async () => {
    const path = put('.config/opencode/opencode.jsonc', '{}');
    await run('opencode', '--write');
    expect(readFileSync(path, 'utf8')).toContain('"type": "local"');
    const other = join(home, 'project/servers.json');
    expect((await run('langgraph', '--write')).stderr).toContain('--file');
    expect((await run('langgraph', '--write', '--file', other)).code).toBe(0);
    expect(readFileSync(other, 'utf8')).toContain('"transport": "stdio"');
  });

  it('writes a secret only when it is asked to', async () => {
    env['CATALOG_API_KEY'] = 'cmcp_canary';
    await run('claude-desktop', '--write', '--way', 'key');
    const path = join(home, '.config/Claude/claude_desktop_config.json');
    expect(readFileSync(path, 'utf8')).not.toContain('canary');
    await run('claude-desktop', '--write', '--way', 'key', '--include-secrets', '--replace');
    expect(readFileSync(path, 'utf8')).toContain('cmcp_canary');
    delete env['CATALOG_API_KEY'];
    expect((await run('cursor', '--way', 'key', '--include-secrets')).stderr).toContain(
      'CATALOG_API_KEY',
    );
  });

  it('turns the entries of mcp-remote into ours, and leaves what it cannot', async () => {
    const path = put(
      '.cursor/mcp.json',
      `{
  "mcpServers": {
    // by npx
    "a": { "command": "npx", "args": ["-y", "mcp-remote@0.1.18", "https://a.example/mcp", "9696", "--header", "Authorization:\${TOKEN}"], "env": { "TOKEN": "x" } },
    "b": { "command": "cmd", "args": ["/c", "npx", "mcp-remote", "https://b.example/sse", "--allow-http", "--transport", "http-only"] },
    "c": { "command": "node", "args": ["/usr/lib/node_modules/mcp-remote/dist/proxy.js", "https://c.example/mcp", "--disable-cookies"] },
    "d": { "command": "npx", "args": ["-y", "something-else"] }
  }
}
`,
    );
    const before = readFileSync(path, 'utf8');
    const dry = await run('cursor', '--import', '--launch', 'npx');
    expect(dry.stderr).toContain('--write');
    expect(readFileSync(path, 'utf8')).toBe(before);
    const done = await run('cursor', '--import', '--launch', 'npx', '--write', '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({
      changed: true,
      imported: ['a', 'b'],
      skipped: [{ name: 'c' }],
    });
    const after = readFileSync(path, 'utf8');
    expect(after).toContain('// by npx');
    expect(after).toContain('"env": { "TOKEN": "x" }');
    expect(after.match(/"catalog-client"/g)).toHaveLength(2);
    expect(after).toContain('"/usr/lib/node_modules/mcp-remote/dist/proxy.js"');
    await run('cursor', '--undo');
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it.each([
    ['an unknown host', ['notepad']],
    ['a name that is none', ['cursor', '--name', '../x']],
    ['a header with a value in it', ['cursor', '--header-env', 'Authorization: Bearer abc']],
    ['a way that is none', ['cursor', '--way', 'pigeon']],
  ])('ends with 1 on %s', async (_name, args) => {
    const refused = await run(...args);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).not.toContain('abc');
  });
});
