import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

const SEARCH = { name: 'search_courses', arguments: { query: 'statistics' } };

describe('node server.js --transport=stdio', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  const start = (key: string | undefined, data = server.data): StdioPeer =>
    new StdioPeer([SERVER, '--transport=stdio', '--data', data], { env: { CATALOG_API_KEY: key } });

  it('lists the same tools and gives the same answers as HTTP, in both eras', async () => {
    const legacy = start(server.ready.apiKey);
    await legacy.initialize();
    const modern = start(server.ready.apiKey);
    const key = { 'x-api-key': server.ready.apiKey };
    for (const [method, params] of [
      ['tools/list', {}],
      ['tools/call', SEARCH],
      ['tools/call', { name: 'get_learner', arguments: {} }],
    ] as const) {
      const overHttp = (await (await modernCall(server.ready.mcp, method, params, key)).json()) as {
        result: Record<string, unknown>;
      };
      const overLegacy = await legacy.request(method, params);
      const overModern = await modern.modernRequest(method, params);
      const pick = (result: Record<string, unknown> | undefined): unknown => [
        result?.['tools'],
        result?.['structuredContent'],
        result?.['content'],
      ];
      expect(pick(overLegacy.result)).toEqual(pick(overHttp.result));
      expect(pick(overModern.result)).toEqual(pick(overHttp.result));
      expect(overHttp.result['isError'] ?? false).toBe(false);
    }
    for (const peer of [legacy, modern]) {
      const outcome = await peer.close();
      expect(outcome.code).toBe(0);
      expect(peer.strayLines).toEqual([]);
    }
  });

  it('takes the key under its alias X-API-KEY', async () => {
    const peer = new StdioPeer([SERVER, '--transport=stdio', '--data', server.data], {
      env: { 'X-API-KEY': server.ready.apiKey },
    });
    await peer.initialize();
    expect((await peer.request('tools/call', SEARCH)).result?.['isError'] ?? false).toBe(false);
    await peer.close();
  });

  it.each([
    ['no key', undefined],
    ['a malformed key', 'not-a-key'],
    ['an unknown key', `cmcp_${'a'.repeat(16)}_${'b'.repeat(43)}`],
  ])('answers with %s by errors that say how to get one, and never hangs', async (_name, key) => {
    const peer = start(key);
    await peer.initialize();
    const answer = await peer.request('tools/call', SEARCH);
    expect(answer.error?.message).toContain('CATALOG_API_KEY');
    expect(answer.error?.message).toContain('catalog-server api-keys create');
    const modern = start(key);
    expect((await modern.modernRequest('tools/list')).error?.message).toContain('CATALOG_API_KEY');
    const [outcome] = await Promise.all([peer.close(), modern.close()]);
    expect(outcome.stderr).toContain('CATALOG_API_KEY');
    if (key !== undefined) expect(outcome.stderr + JSON.stringify(answer)).not.toContain(key);
    expect(peer.strayLines).toEqual([]);
  });
});

describe('catalog-server api-keys', () => {
  it('shows a key once, lists it without it, and ends it', async () => {
    const server = await startCatalog();
    const keys = (...args: string[]) =>
      runNode([SERVER, 'api-keys', ...args, '--data', server.data, '--json']);
    const created = await keys(
      'create',
      '--learner',
      server.ready.learner,
      '--scope',
      'catalog:read',
      '--expires',
      '2h',
      '--name',
      'reading only',
    );
    expect(created.code).toBe(0);
    const { key, id } = JSON.parse(created.stdout) as { key: string; id: string };
    const listed = await keys('list');
    expect(listed.stdout).toContain(id);
    expect(listed.stdout).not.toContain(key);
    const header = { 'x-api-key': key };
    const call = { name: 'search_courses', arguments: { query: 'sql' } };
    expect((await modernCall(server.ready.mcp, 'tools/call', call, header)).status).toBe(200);
    const denied = await modernCall(
      server.ready.mcp,
      'tools/call',
      { name: 'get_learner', arguments: {} },
      header,
    );
    expect(denied.status).toBe(403);
    expect(denied.headers.get('www-authenticate')).toContain('learner:read');
    expect((await keys('revoke', id)).code).toBe(0);
    expect((await modernCall(server.ready.mcp, 'tools/call', call, header)).status).toBe(401);
    await server.stop();
  });

  it.each([
    [['create', '--learner', 'nobody'], 'nobody'],
    [['create', '--scope', 'no:such'], 'no:such'],
    [['create', '--expires', 'soon'], 'soon'],
    [['revoke', 'no-such-id'], 'no-such-id'],
  ])('refuses %j with exit code 1 and says what would work', async (args, message) => {
    const run = await runNode([SERVER, 'api-keys', ...args, '--data', temporaryFolder()]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(message);
  });
});
