import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseJsonc } from 'jsonc-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, startCatalog } from '../support/catalog-server.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

interface Entry {
  readonly command: string | readonly string[];
  readonly args?: readonly string[];
}

const FILES = [
  ['claude-code', '.claude.json', 'mcpServers', '{\n  "numStartups": 3\n}\n'],
  ['vscode', '.config/Code/User/mcp.json', 'servers', '{\n\t// mine\n\t"servers": {},\n}'],
  ['codex', '.codex/config.toml', 'mcp_servers', 'model = "x" # mine\n\n[tui]\na = 1\n'],
  ['opencode', '.config/opencode/opencode.jsonc', 'mcp', '{ /* mine */ }'],
] as const;

describe('catalog-client config, as an installed program', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  it.each(FILES)(
    '%s: what is written starts and works; undo brings back every byte',
    async (host, name, section, before) => {
      const home = temporaryFolder();
      const path = join(home, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, before);
      const env = { HOME: home, CATALOG_CLIENT_HOME: join(home, 'client') };
      const config = (...args: string[]) =>
        runNode([CLIENT, 'config', host, server.ready.mcp, ...args], { env });
      expect(await config('--write', '--way', 'key')).toMatchObject({ code: 0, stderr: '' });
      const text = readFileSync(path, 'utf8');
      const root = (host === 'codex' ? parseToml(text) : parseJsonc(text)) as Record<
        string,
        Record<string, Entry>
      >;
      const entry = root[section]?.['catalog'];
      const [command, ...args] = [entry?.command ?? [], entry?.args ?? []].flat(2);
      expect(command).toBe(process.execPath);
      const peer = new StdioPeer(args, {
        env: { ...env, CATALOG_API_KEY: server.ready.apiKey },
      });
      await peer.initialize();
      const listed = (await peer.request('tools/list')).result as { tools: { name: string }[] };
      expect(listed.tools.map((tool) => tool.name)).toContain('search_courses');
      peer.child.kill('SIGTERM');
      await peer.exited;
      expect(await config('--undo')).toMatchObject({ code: 0 });
      expect(readFileSync(path, 'utf8')).toBe(before);
    },
  );
});
