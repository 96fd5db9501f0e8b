import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserCommand, startCatalog } from '../support/catalog-server.js';
import { ROOT, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

const VERSIONS = [
  ['0.15.1', 'node_modules/mcp-remote/dist/proxy.js'],
  ['0.1.18', 'node_modules/mcp-remote-0.1/dist/proxy.js'],
] as const;

describe.each(VERSIONS)('mcp-remote %s, unmodified', (_version, script) => {
  let server: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  async function expectWorkingSession(
    args: readonly string[],
    env: Record<string, string>,
  ): Promise<void> {
    const peer = new StdioPeer([join(ROOT, script), server.ready.mcp, ...args], {
      env: { HOME: temporaryFolder(), MCP_REMOTE_CONFIG_DIR: temporaryFolder(), ...env },
    });
    const initialized = await peer.initialize();
    expect(initialized.result).toMatchObject({ serverInfo: { name: 'catalog-mcp' } });
    const listed = (await peer.request('tools/list')).result as { tools: { name: string }[] };
    expect(listed.tools.map((tool) => tool.name)).toContain('search_courses');
    const call = { name: 'search_courses', arguments: { query: 'sql' } };
    const called = await peer.request('tools/call', call);
    expect(JSON.stringify(called.result)).toContain('SQL');
    peer.child.kill('SIGTERM');
    await peer.exited;
  }

  it('signs in and works: URL 9696 --transport http-only', () =>
    expectWorkingSession(['9696', '--transport', 'http-only'], {
      BROWSER: browserCommand('Nora'),
    }));

  it.each(['X-API-KEY: ', 'X-API-KEY:'])('works with an API key: --header "%s..."', (header) =>
    expectWorkingSession(['--header', `${header}${server.ready.apiKey}`], {}),
  );
});
