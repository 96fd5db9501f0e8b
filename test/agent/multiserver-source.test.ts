import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AgentAuthenticationError,
  ToolSourceError,
  ToolSourceUnreachableError,
} from '../../src/agent/errors.js';
import {
  type StdioServer,
  mcpRemoteEntry,
  multiServerSource,
} from '../../src/agent/multiserver-source.js';
import { ROOT, startServer, temporaryFolder } from '../support/processes.js';

const SCRIPT = [
  '--import',
  join(ROOT, 'node_modules/tsx/dist/loader.mjs'),
  join(ROOT, 'test/agent/course-server.child.ts'),
];
const stdio: StdioServer = {
  kind: 'stdio',
  command: process.execPath,
  args: [...SCRIPT, 'stdio'],
  env: { CATALOG_API_KEY: 'key-of-the-test' },
};

describe('the MultiServerMCPClient tool source over stdio', () => {
  const source = multiServerSource({ catalog: stdio });
  afterAll(() => source.close());

  it('lists tools under their own names with one server', async () => {
    const tools = await source.listTools();
    expect(tools.map(({ name, server }) => [name, server])).toEqual([
      ['search_courses', 'catalog'],
      ['broken', 'catalog'],
      ['credentials', 'catalog'],
    ]);
    expect(tools[0]?.inputSchema).toMatchObject({ properties: { query: { type: 'string' } } });
  });

  it('returns structured data and text apart', async () => {
    expect(await source.callTool('search_courses', { query: 'sql' })).toEqual({
      structured: { courses: [{ id: 'sql-basics', title: 'SQL basics (sql)' }] },
      text: 'one course for sql\nsecond block',
      isError: false,
    });
  });

  it('returns a failure that a tool reports, and does not throw it', async () => {
    expect(await source.callTool('broken', {})).toEqual({
      structured: undefined,
      text: 'the index is gone',
      isError: true,
    });
  });

  it('gives the child the variables of its entry and not the rest of ours', async () => {
    process.env['UNRELATED_SECRET'] = 'leaked';
    const own = multiServerSource({ catalog: stdio });
    try {
      expect((await own.callTool('credentials', {})).text).toBe('key-of-the-test -');
    } finally {
      delete process.env['UNRELATED_SECRET'];
      await own.close();
    }
  });

  it('names a tool that no server offers', async () => {
    await expect(source.callTool('teleport', {})).rejects.toThrow(
      new ToolSourceError('no server offers the tool "teleport"'),
    );
  });
});

describe('several servers', () => {
  it('prefixes tool names with the server by default, and calls the right one', async () => {
    const source = multiServerSource({ north: stdio, south: stdio });
    try {
      const names = (await source.listTools()).map(({ name }) => name);
      expect(names).toEqual(
        ['north', 'south'].flatMap((server) =>
          ['search_courses', 'broken', 'credentials'].map((tool) => `${server}__${tool}`),
        ),
      );
      expect((await source.callTool('south__broken', {})).text).toBe('the index is gone');
    } finally {
      await source.close();
    }
  });

  it('refuses two tools of one name when prefixes are switched off', async () => {
    const source = multiServerSource({ north: stdio, south: stdio }, { prefixToolNames: false });
    await expect(source.listTools()).rejects.toThrow(/two servers offer a tool "search_courses"/);
    await source.close();
  });
});

describe('the MultiServerMCPClient tool source over HTTP', () => {
  let server: Awaited<ReturnType<typeof startServer<{ url: string }>>>;
  beforeAll(async () => {
    server = await startServer<{ url: string }>([...SCRIPT, 'http']);
  });
  afterAll(() => server.stop());

  it('sends the headers of its entry', async () => {
    const headers = { 'X-API-Key': 'right' };
    const source = multiServerSource({ catalog: { kind: 'http', url: server.ready.url, headers } });
    try {
      expect((await source.callTool('search_courses', { query: 'sql' })).isError).toBe(false);
    } finally {
      await source.close();
    }
  });

  it.each([undefined, { 'X-API-Key': 'wrong' }])(
    'tells missing or refused credentials apart from other failures (%j)',
    async (headers) => {
      const source = multiServerSource({
        catalog: { kind: 'http', url: server.ready.url, ...(headers && { headers }) },
      });
      await expect(source.listTools()).rejects.toThrow(AgentAuthenticationError);
      await source.close();
    },
  );

  it('tells a server that is not there apart', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as AddressInfo;
    await new Promise((resolve) => listener.close(resolve));
    const source = multiServerSource({
      catalog: { kind: 'http', url: `http://127.0.0.1:${port}/mcp` },
    });
    await expect(source.listTools()).rejects.toThrow(ToolSourceUnreachableError);
    await source.close();
  });

  it('tells a command that does not start apart', async () => {
    const source = multiServerSource({
      catalog: { kind: 'stdio', command: '/nonexistent/server', args: [] },
    });
    await expect(source.listTools()).rejects.toThrow(ToolSourceUnreachableError);
    await source.close();
  });

  it('tells a server that is no MCP server apart', async () => {
    const web = createServer((_request, response) =>
      response.writeHead(404).end('not here'),
    ).listen(0, '127.0.0.1');
    await new Promise((resolve) => web.once('listening', resolve));
    const { port } = web.address() as AddressInfo;
    const source = multiServerSource({
      catalog: { kind: 'http', url: `http://127.0.0.1:${port}/mcp` },
    });
    await expect(source.listTools()).rejects.toThrow(ToolSourceError);
    await source.close();
    await new Promise((resolve) => web.close(resolve));
  });

  it('reaches it through mcp-remote with the key in the environment, not in argv', async () => {
    const entry = mcpRemoteEntry(server.ready.url, {
      script: join(ROOT, 'node_modules/mcp-remote/dist/proxy.js'),
      headers: { 'X-API-Key': 'right' },
      env: { MCP_REMOTE_CONFIG_DIR: temporaryFolder() },
    });
    expect(entry.args.join(' ')).not.toContain('right');
    const source = multiServerSource({ catalog: { ...entry, stderr: 'ignore' } });
    try {
      expect((await source.callTool('search_courses', { query: 'sql' })).structured).toEqual({
        courses: [{ id: 'sql-basics', title: 'SQL basics (sql)' }],
      });
    } finally {
      await source.close();
    }
  });
});
