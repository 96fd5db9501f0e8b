import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { type TestPostgres, startPostgres } from '../support/postgres.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

const BURST = 40;
const PER_MINUTE = 60;
/** What a process takes from the store at a time: a tenth of the burst. */
const LEASED = 4;
const LIMITS = ['--rate-limit', String(PER_MINUTE), '--rate-burst', String(BURST)];
const search = { name: 'search_courses', arguments: { query: 'sql' } };

async function newKey(data: string, env: Record<string, string> = {}): Promise<string> {
  const made = await runNode([SERVER, 'api-keys', 'create', '--data', data, '--json'], { env });
  return (JSON.parse(made.stdout) as { key: string }).key;
}

describe('limits on calls', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  it('hold for two processes on one PostgreSQL together', async () => {
    const data = temporaryFolder();
    const env = { CATALOG_DATABASE: await postgres.createDatabase() };
    const first = await startCatalog(LIMITS, { data, env });
    const second = await startCatalog(['--role=mcp', '--auth-url', first.ready.issuer, ...LIMITS], {
      data,
      env,
    });
    const headers = { 'x-api-key': await newKey(data, env) };
    const urls = [first.ready.mcp, second.ready.mcp] as const;
    const startedAt = performance.now();
    const statuses: number[] = [];
    const waits: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let n = 0; n < 15; n += 1) {
          const url = urls[(worker + n) % 2] ?? '';
          const answer = await modernCall(url, 'tools/call', search, headers);
          await answer.text();
          statuses.push(answer.status);
          if (answer.status === 429) waits.push(Number(answer.headers.get('retry-after')));
        }
      }),
    );
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    const served = statuses.filter((status) => status === 200).length;
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    expect(served).toBeGreaterThanOrEqual(BURST);
    const overshoot = urls.length * (LEASED - 1);
    expect(served).toBeLessThanOrEqual(
      BURST + Math.ceil((elapsedSeconds * PER_MINUTE) / 60) + overshoot,
    );
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1);

    // The same person over stdio, in a third process: nothing is left there either.
    const env3 = { ...env, CATALOG_API_KEY: headers['x-api-key'] };
    const stdio = [SERVER, '--transport=stdio', '--data', data, ...LIMITS];
    const peer = new StdioPeer(stdio, { env: env3 });
    await peer.initialize();
    const results = [];
    for (let n = 0; n < BURST / 2; n += 1) {
      results.push((await peer.request('tools/call', search)).result);
    }
    const refused = results.filter((result) => result?.['isError'] === true);
    expect(refused.length).toBeGreaterThan(0);
    expect(JSON.stringify(refused.at(-1))).toMatch(/Too many calls: .*Try again in \d+ s\./);
    await peer.close();
    await second.stop();
    await first.stop();
  });

  it('are kept for other processes: a result too large to send is read at another one', async () => {
    const data = temporaryFolder();
    const env = { CATALOG_DATABASE: await postgres.createDatabase() };
    const small = ['--max-result-bytes', '1024'];
    const first = await startCatalog(small, { data, env });
    const second = await startCatalog(['--role=mcp', '--auth-url', first.ready.issuer, ...small], {
      data,
      env,
    });
    const headers = { 'x-api-key': await newKey(data, env) };
    const answer = await modernCall(first.ready.mcp, 'tools/call', search, headers);
    const { result } = (await answer.json()) as {
      result: { isError?: boolean; content: { type: string; uri?: string }[] };
    };
    expect(result.isError).toBe(true);
    const uri = result.content.find(({ type }) => type === 'resource_link')?.uri ?? '';
    expect(uri).toMatch(/^result:\/\/[\w-]+\/1$/);
    const read = await modernCall(second.ready.mcp, 'resources/read', { uri }, headers);
    expect(read.status).toBe(200);
    expect(await read.text()).toContain('sql-basics');
    await second.stop();
    await first.stop();
  });

  it('hold for processes that share one SQLite file, and end calls that have no permit there', async () => {
    const few = ['--rate-limit', '1', '--rate-burst', '2'];
    const server = await startCatalog(few);
    const apiKey = await newKey(server.data);
    const call = () => modernCall(server.ready.mcp, 'tools/call', search, { 'x-api-key': apiKey });
    for (const status of [200, 200, 429]) {
      const answer = await call();
      await answer.text();
      expect(answer.status).toBe(status);
    }
    const args = [SERVER, '--transport=stdio', '--data', server.data, ...few];
    const peer = new StdioPeer(args, { env: { CATALOG_API_KEY: apiKey } });
    await peer.initialize();
    const answer = await peer.request('tools/call', search);
    expect(answer.result).toMatchObject({ isError: true });
    await peer.close();
    await server.stop();
  });
});

describe('behind a proxy', () => {
  it('counts invalid credentials by the address that a trusted proxy names, and for nobody else', async () => {
    const server = await startCatalog([
      '--failure-limit',
      '2',
      '--trusted-proxies',
      '127.0.0.1,::1',
    ]);
    const knock = async (address: string): Promise<number> => {
      const headers = {
        authorization: 'Bearer bad',
        'x-forwarded-for': `198.51.100.7, ${address}`,
      };
      const answer = await modernCall(server.ready.mcp, 'tools/list', {}, headers);
      await answer.text();
      return answer.status;
    };
    expect([await knock('192.0.2.1'), await knock('192.0.2.1')]).toEqual([401, 401]);
    expect(await knock('192.0.2.1')).toBe(429);
    expect(await knock('192.0.2.2')).toBe(401);
    await server.stop();
  });
});
