import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLIENT,
  SERVER,
  browserCommand,
  modernCall,
  startCatalog,
} from '../support/catalog-server.js';
import { type TestPostgres, startPostgres } from '../support/postgres.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

describe('the server on PostgreSQL', () => {
  let postgres: TestPostgres;
  let env: Record<string, string>;
  let first: Awaited<ReturnType<typeof startCatalog>>;
  const data = temporaryFolder();

  beforeAll(async () => {
    postgres = await startPostgres();
    env = { CATALOG_DATABASE: await postgres.createDatabase() };
    first = await startCatalog([], { data, env });
  });

  afterAll(async () => {
    await first.stop();
    await postgres.stop();
  });

  it('signs in, searches and enrolls as on SQLite', async () => {
    const client = (...args: string[]) =>
      runNode([CLIENT, ...args, '--json'], {
        env: { CATALOG_CLIENT_HOME: home, BROWSER: browserCommand('Nora') },
      });
    const home = temporaryFolder();
    const scope = 'catalog:read learner:read enrollment:write';
    expect(await client('login', first.ready.mcp, '--scope', scope)).toMatchObject({ code: 0 });
    const found = await client('call', 'search_courses', '{"query":"sql"}');
    expect(found.stdout).toContain('sql-basics');
    expect(await client('call', 'enroll', '{"id":"sql-basics"}')).toMatchObject({ code: 0 });
    const learner = await client('call', 'get_learner', '{}');
    expect(learner.stdout).toContain('sql-basics');
    expect(await client('logout')).toMatchObject({ code: 0 });
  });

  it('serves stdio from the same database', async () => {
    const peer = new StdioPeer([SERVER, '--transport=stdio', '--data', data], {
      env: { ...env, CATALOG_API_KEY: first.ready.apiKey },
    });
    await peer.initialize();
    const call = { name: 'search_courses', arguments: { query: 'sql' } };
    const answer = await peer.request('tools/call', call);
    expect(JSON.stringify(answer.result)).toContain('sql-basics');
    expect((await peer.close()).code).toBe(0);
    expect(peer.strayLines).toEqual([]);
  });

  it('takes a session up in another process', async () => {
    const second = await startCatalog(['--role=mcp', '--auth-url', first.ready.issuer], {
      data,
      env,
    });
    // The demo key of the second start has replaced the first one's.
    const key = { 'x-api-key': second.ready.apiKey };
    const post = (url: string, message: object, headers: Record<string, string> = {}) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...key,
          ...headers,
        },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      });
    const initialized = await post(first.ready.mcp, {
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'test', version: '1.0.0' },
      },
    });
    const session = { 'mcp-session-id': initialized.headers.get('mcp-session-id') ?? '' };
    await initialized.text();
    const ready = { method: 'notifications/initialized' };
    expect((await post(first.ready.mcp, ready, session)).status).toBe(202);
    const listed = await post(second.ready.mcp, { id: 2, method: 'tools/list' }, session);
    expect(listed.status).toBe(200);
    expect(await listed.text()).toContain('search_courses');
    await second.stop();
  });

  it('says which database cannot be reached, without its password', async () => {
    const run = await runNode([SERVER, '--data', temporaryFolder(), '--port', '0'], {
      env: { CATALOG_DATABASE: 'postgres://someone:hunter2@127.0.0.1:1/nowhere' },
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('127.0.0.1');
    expect(run.stderr).not.toContain('hunter2');
  });

  it('answers a modern call', async () => {
    const keys = await runNode([SERVER, 'api-keys', 'create', '--data', data, '--json'], { env });
    const { key } = JSON.parse(keys.stdout) as { key: string };
    const params = { name: 'recommend_courses', arguments: { goal: 'data analyst' } };
    const answer = await modernCall(first.ready.mcp, 'tools/call', params, { 'x-api-key': key });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('statistics-foundations');
  });

  it('asks for every scope of an operation at once, over HTTP and stdio, and keeps people apart', async () => {
    const keyOf = async (learner: string, ...scopes: string[]): Promise<string> => {
      const wanted = scopes.flatMap((scope) => ['--scope', scope]);
      const args = ['create', '--learner', learner, ...wanted, '--data', data, '--json'];
      const made = await runNode([SERVER, 'api-keys', ...args], { env });
      return (JSON.parse(made.stdout) as { key: string }).key;
    };
    const ask = (key: string, name: string, args: object = {}) =>
      modernCall(first.ready.mcp, 'tools/call', { name, arguments: args }, { 'x-api-key': key });
    const scopeless = await keyOf('demo-nora', 'learner:write');
    const refused = await ask(scopeless, 'recommend_courses');
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope".*scope="catalog:read learner:read"/,
    );
    const peer = new StdioPeer([SERVER, '--transport=stdio', '--data', data], {
      env: { ...env, CATALOG_API_KEY: scopeless },
    });
    await peer.initialize();
    const { result } = await peer.request('tools/call', { name: 'get_learner', arguments: {} });
    expect(result?.['isError']).toBe(true);
    expect(JSON.stringify(result)).toContain('learner:read');
    await peer.close();

    const nora = await keyOf('demo-nora', 'learner:read', 'learner:write');
    const aiko = await keyOf('demo-aiko', 'learner:read');
    const goal = { goals: ['learn some Spanish'] };
    expect((await ask(nora, 'set_goals', goal)).status).toBe(200);
    expect(await (await ask(nora, 'get_learner')).text()).toContain('Spanish');
    const other = await (await ask(aiko, 'get_learner')).text();
    expect(other).toContain('Aiko Brandt');
    expect(other).not.toContain('Spanish');
  });
});
