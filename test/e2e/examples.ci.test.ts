import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, SERVER, browserCommand, startCatalog } from '../support/catalog-server.js';
import { ROOT, runNode, startServer, temporaryFolder } from '../support/processes.js';
import { freePort } from '../support/free-port.js';
import { StdioPeer } from '../support/stdio-peer.js';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};

interface HostEntry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly url?: string;
  readonly headers?: Record<string, string>;
}

function hostEntries(file: string): Record<string, HostEntry> {
  const parsed = JSON.parse(readFileSync(join(ROOT, 'examples', file), 'utf8')) as {
    mcpServers: Record<string, HostEntry>;
  };
  return parsed.mcpServers;
}

describe('the configuration examples', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  /** What a person changes in the example: the path, the address and the key. */
  function fill(text: string): string {
    return text
      .replace('/absolute/path/to/catalog-mcp/server.js', SERVER)
      .replace('http://localhost:3000/mcp', server.ready.mcp)
      .replace('cmcp_…', server.ready.apiKey)
      .replace(/\$\{(env:)?CATALOG_API_KEY\}/, server.ready.apiKey);
  }

  async function expectTools(peer: StdioPeer): Promise<void> {
    await peer.initialize();
    const listed = (await peer.request('tools/list')).result as { tools: { name: string }[] };
    expect(listed.tools.map((tool) => tool.name)).toContain('search_courses');
    peer.child.kill('SIGTERM');
    await peer.exited;
  }

  it.each([
    ['claude-desktop', 'stdio', 'proxy', 'catalog-stdio-with-a-key'],
    ['claude-desktop', 'key', 'proxy', 'catalog-http-with-a-key'],
    ['claude-desktop', 'login', 'proxy', 'catalog-http-with-a-login'],
    ['cursor', 'stdio', 'host', 'catalog-stdio-with-a-key'],
    ['cursor', 'key', 'host', 'catalog-http-with-a-key'],
    ['cursor', 'login', 'host', 'catalog-http-with-a-login'],
  ])(
    'catalog-client config %s --way %s --via %s prints the entry of the example',
    async (host, way, via, name) => {
      const choice = ['--way', way, '--via', via, '--launch', 'npx'];
      const run = await runNode([CLIENT, 'config', host, server.ready.mcp, ...choice]);
      expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('Goes into') });
      const printed = JSON.parse(run.stdout) as { mcpServers: { catalog: HostEntry } };
      const text = JSON.stringify(hostEntries(`${host}.json`)[name])
        .replace('"node"', JSON.stringify(process.execPath))
        .replace('/absolute/path/to/catalog-mcp/server.js', SERVER)
        .replace('http://localhost:3000/mcp', server.ready.mcp);
      expect(printed.mcpServers.catalog).toEqual(JSON.parse(text));
    },
  );

  it('catalog-client config refuses a host it does not know', async () => {
    const run = await runNode([CLIENT, 'config', 'notepad', server.ready.mcp]);
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('cursor') });
  });

  const entries = ['claude-desktop.json', 'cursor.json'].flatMap((file) =>
    Object.entries(hostEntries(file)).map(([name, entry]) => [file, name, entry] as const),
  );

  it.each(entries)('%s: %s works', async (_file, _name, entry) => {
    const env = Object.fromEntries(
      Object.entries(entry.env ?? {}).map(([key, value]) => [key, fill(value)]),
    );
    const args = (entry.args ?? []).map(fill);
    if (entry.command === 'node') {
      const peer = new StdioPeer([...args, '--data', server.data], { env });
      return expectTools(peer);
    }
    if (entry.command === 'npx') {
      expect(args.slice(0, 4)).toEqual(['-y', '-p', `catalog-mcp@${version}`, 'catalog-client']);
      const home = temporaryFolder();
      const signIn = { CATALOG_CLIENT_HOME: home, BROWSER: browserCommand('Nora') };
      if (entry.env === undefined) {
        const login = await runNode([CLIENT, 'login', server.ready.mcp], { env: signIn });
        expect(login).toMatchObject({ code: 0 });
      }
      return expectTools(new StdioPeer([CLIENT, ...args.slice(4)], { env: { ...env, ...signIn } }));
    }
    const headers = Object.entries(entry.headers ?? {}).map(([name, value]) => [name, fill(value)]);
    const response = await fetch(fill(entry.url ?? ''), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(Object.fromEntries(headers) as Record<string, string>),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'cursor', version: '1.0.0' },
        },
      }),
    });
    // With a key the host is in; without one it is told where to sign in.
    expect(response.status).toBe(headers.length > 0 ? 200 : 401);
    if (headers.length === 0) {
      expect(response.headers.get('www-authenticate')).toContain('resource_metadata=');
    }
  });
});

describe('examples/your-own-domain', () => {
  const script = ['--import', 'tsx', 'examples/your-own-domain/server.ts'];

  it('has fewer than 100 lines', () => {
    const lines = ['rooms.ts', 'server.ts'].map(
      (name) =>
        readFileSync(join(ROOT, 'examples/your-own-domain', name), 'utf8').split('\n').length - 1,
    );
    expect(lines.reduce((sum, count) => sum + count)).toBeLessThan(100);
  });

  it('serves its own tools over both transports, with OAuth, scopes and audit', async () => {
    const data = temporaryFolder();
    const port = String(await freePort());
    const server = await startServer<{ mcp: string; apiKey: string }>([
      ...script,
      'http',
      data,
      port,
    ]);
    const { mcp, apiKey } = server.ready;
    const env = { CATALOG_CLIENT_HOME: temporaryFolder(), BROWSER: browserCommand('Ada') };
    const client = (...args: string[]) => runNode([CLIENT, ...args], { env });
    expect(await client('login', mcp)).toMatchObject({ code: 0 });
    const day = '{"day":"2027-03-01"}';
    const free = await client('call', mcp, 'find_rooms', day, '--json');
    expect(free.stdout).toContain('Alder');
    // The login has rooms:read alone; booking asks for more.
    const booking = '{"room":"Alder","day":"2027-03-01"}';
    const denied = await client('call', mcp, 'book_room', booking);
    expect(denied).toMatchObject({ code: 4, stderr: expect.stringContaining('rooms:book') });

    const peer = new StdioPeer([...script, 'stdio', data], { env: { ROOMS_API_KEY: apiKey } });
    await peer.initialize();
    const book = { name: 'book_room', arguments: { room: 'Alder', day: '2027-03-01' } };
    expect((await peer.request('tools/call', book)).result).toMatchObject({
      structuredContent: { room: 'Alder' },
    });
    expect((await peer.request('tools/call', book)).result).toMatchObject({ isError: true });
    expect((await peer.close()).code).toBe(0);
    const after = await client('call', mcp, 'find_rooms', day, '--json');
    expect(after.stdout).not.toContain('Alder');
    await server.stop();
  });
});
