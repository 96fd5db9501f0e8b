import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OpenStream } from '../requirements/support/exchange.js';
import { modernRequest } from '../server/support/wire.js';
import { SERVER } from '../support/catalog-server.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';
import { type Fleet, type Member, startCatalogFleet } from './support/fleet.js';
import { runMixedCalls } from './support/mixed-calls.js';
import { openSessionClient, until } from './support/session-client.js';

const COURSE = 'course://chaos-basics';
const course = {
  id: 'chaos-basics',
  summary: 'All of it at once.',
  description: 'What happens when everything does.',
  provider: 'Chaos School',
  subject: 'mathematics',
  level: 'beginner',
  language: 'en',
  format: 'self-paced',
  duration_min: 180,
};

const isUpdate = ({ method }: { readonly method?: string }): boolean =>
  method === 'notifications/resources/updated';

describe('catalog servers on one database behind a round robin', () => {
  let fleet: Fleet & { readonly apiKey: string };
  let second: Member;

  beforeAll(async () => {
    fleet = await startCatalogFleet();
    second = await fleet.start();
  });
  afterAll(() => fleet.stop());

  it('answer 3,000 mixed calls of both eras without an error', async () => {
    const { mcpUrl: url, apiKey } = fleet;
    const report = await runMixedCalls({ url, apiKey, count: 3000, clients: 16, seed: 1 });
    expect(report.errors).toEqual([]);
    expect(report.done).toBe(3000);
    expect(fleet.proxy.failures).toEqual([]);
  });

  it('tell their clients within a second of the commit what another process imports', async () => {
    const { apiKey } = fleet;
    const client = await openSessionClient(fleet.mcpUrl, { apiKey });
    await client.post('resources/subscribe', { uri: COURSE });
    const params = {
      notifications: { resourcesListChanged: true, resourceSubscriptions: [COURSE] },
    };
    const request = modernRequest('subscriptions/listen', params, {
      headers: { 'x-api-key': apiKey },
    });
    const listening = new OpenStream(await fetch(second.url, request));
    await listening.next();
    const streams = [await client.listen(undefined, second.url), listening];

    const peer = new StdioPeer([SERVER, '--transport=stdio', '--data', temporaryFolder()], {
      env: { ...fleet.env, CATALOG_API_KEY: apiKey },
    });
    await peer.initialize();
    await peer.request('resources/subscribe', { uri: COURSE });
    const updatesOfPeer = () =>
      peer.notifications.filter(isUpdate).map((message) => message.params);

    const file = join(temporaryFolder(), 'courses.ndjson');
    const titles = ['Chaos, the basics', 'Chaos, the basics again'];
    for (const [position, title] of titles.entries()) {
      writeFileSync(file, `${JSON.stringify({ ...course, title })}\n`);
      const args = [SERVER, 'import', file, '--json', '--log-level', 'error'];
      const run = await runNode(args, { env: fleet.env });
      expect(run).toMatchObject({ code: 0, stderr: '' });
      const committedAt = performance.now();
      for (const stream of streams) {
        expect(await until(stream, isUpdate)).toMatchObject({ params: { uri: COURSE } });
      }
      expect(performance.now() - committedAt).toBeLessThan(1000);
      await expect.poll(updatesOfPeer).toHaveLength(position + 1);
    }
    expect(updatesOfPeer()).toEqual([{ uri: COURSE }, { uri: COURSE }]);
    expect(await peer.close()).toMatchObject({ code: 0 });
    for (const stream of streams) await stream.close();
  });

  it('fail no request when they are restarted one after the other under load', async () => {
    const { mcpUrl: url, apiKey } = fleet;
    const restarted = new AbortController();
    const load = runMixedCalls({
      url,
      apiKey,
      count: 100_000,
      clients: 8,
      seed: 2,
      until: restarted.signal,
    });
    const codes: (number | null)[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const leaving = second;
      second = await fleet.start();
      codes.push(await leaving.stop('SIGTERM'));
    }
    restarted.abort();
    const report = await load;
    expect(report.errors).toEqual([]);
    expect(fleet.proxy.failures).toEqual([]);
    expect(codes).toEqual([0, 0]);
    expect(report.done).toBeGreaterThan(200);
  });

  it('end at once at the second signal', async () => {
    const stubborn = await fleet.start();
    stubborn.child.kill('SIGTERM');
    const startedAt = performance.now();
    await expect
      .poll(() => fetch(stubborn.url).then(({ headers }) => headers.get('connection')))
      .toBe('close');
    expect(await stubborn.stop('SIGTERM')).toBe(143);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
