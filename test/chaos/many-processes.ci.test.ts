import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OpenStream } from '../requirements/support/exchange.js';
import { type RpcMessage, modernRequest } from '../server/support/wire.js';
import { queryPostgres } from '../support/postgres.js';
import { type Fleet, type Member, startFixtureFleet } from './support/fleet.js';
import { lastEventIdOf, openSessionClient, until } from './support/session-client.js';

const elicits = { capabilities: { elicitation: { form: {} } } };
const accept = (name: string) => ({ action: 'accept', content: { name } });

const hasAnswer = (message: RpcMessage): boolean => message.method === undefined;

describe('two processes behind a round robin', () => {
  let fleet: Fleet;
  let members: Member[];

  beforeAll(async () => {
    fleet = await startFixtureFleet();
    members = [await fleet.start(), await fleet.start()];
  });
  afterAll(() => fleet.stop());

  it('ask on one what the client answers to the other, and end where they began', async () => {
    const client = await openSessionClient(fleet.mcpUrl, elicits);
    const calls = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const stream = await client.call('ask', {}, n);
        for (const name of [`first ${n}`, `last ${n}`]) {
          await client.answer(await stream.next(), accept(name));
        }
        return until(stream, hasAnswer);
      }),
    );
    for (const [n, answer] of calls.entries()) {
      expect(answer).toMatchObject({
        id: n,
        result: { content: [{ text: `first ${n} last ${n}` }] },
      });
    }
    await expect
      .poll(() => queryPostgres(fleet.database, 'SELECT count(*)::int AS n FROM mcp_question'))
      .toEqual([{ n: 0 }]);
    await client.end();
  });

  it('tell the clients of both of a change, within a second and once', async () => {
    const listeners = await Promise.all(
      members.flatMap(({ url }) =>
        [0, 1].map(async () => (await openSessionClient(fleet.mcpUrl)).listen(undefined, url)),
      ),
    );
    const params = { notifications: { toolsListChanged: true } };
    for (const { url } of members) {
      const stream = new OpenStream(
        await fetch(url, modernRequest('subscriptions/listen', params)),
      );
      await stream.next();
      listeners.push(stream);
    }
    const isNews = ({ method }: RpcMessage) => method === 'notifications/tools/list_changed';
    const announcer = await openSessionClient(fleet.mcpUrl);
    for (let round = 0; round < 5; round++) {
      const startedAt = performance.now();
      await announcer.post('tools/call', { name: 'announce', arguments: {} });
      for (const stream of listeners) expect(await until(stream, isNews)).toBeDefined();
      expect(performance.now() - startedAt).toBeLessThan(1000);
    }
    for (const stream of listeners) {
      const { text } = stream;
      expect(text.match(/list_changed"/g)).toHaveLength(5);
      await stream.close();
    }
  });

  it('lose no acknowledged write when one is killed, and tell who resumes that the call is lost', async () => {
    const doomed = await fleet.start();
    const client = await openSessionClient(fleet.mcpUrl);
    // A call whose stream is at the process that will die.
    const waiting = await openSessionClient(doomed.url);
    const lost = await waiting.call('wait', { ms: 60_000 }, 7);
    await lost.next();

    const acknowledged: string[] = [];
    const writing = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 60; n++) {
        const word = `${writer}-${n}`;
        const params = { name: 'write', arguments: { word } };
        const answer = await client.post('tools/call', params).catch(() => undefined);
        if (answer?.result !== undefined && answer.result['isError'] !== true) {
          acknowledged.push(word);
        }
        if (acknowledged.length === 100) await doomed.stop('SIGKILL');
      }
    });
    await Promise.all(writing);
    expect(acknowledged.length).toBeGreaterThan(300);
    const rows = await queryPostgres(fleet.database, 'SELECT word FROM chaos_write');
    expect(rows.map(({ word }) => word)).toEqual(expect.arrayContaining(acknowledged));

    await lost.rest().catch(() => undefined);
    const resumed = await waiting.listen(lastEventIdOf(lost), fleet.mcpUrl);
    expect(await until(resumed, hasAnswer)).toMatchObject({ id: 7, error: { code: 1503 } });
    expect(await resumed.next()).toBeUndefined();
  });

  it('serve a stream on, when its connection broke, from the process that the client comes back to', async () => {
    const [one, two] = members as [Member, Member];
    const client = await openSessionClient(one.url);
    const broken = await client.call('wait', { ms: 1500 }, 7);
    await broken.next();
    await broken.close();
    const resumed = await client.listen(lastEventIdOf(broken), two.url);
    expect(await until(resumed, hasAnswer)).toMatchObject({
      id: 7,
      result: { content: [{ text: 'waited' }] },
    });
  });

  it('answer the calls that run when one is asked to end, and end the streams that wait', async () => {
    const leaving = await fleet.start();
    const client = await openSessionClient(leaving.url);
    const news = await client.listen();
    const params = { notifications: { toolsListChanged: true } };
    const listening = await fetch(
      leaving.url,
      modernRequest('subscriptions/listen', params, { id: 'sub' }),
    );
    const modernNews = new OpenStream(listening);
    await modernNews.next();
    const call = await client.call('wait', { ms: 1000 }, 7);
    await call.next();

    const ended = leaving.stop('SIGTERM');
    expect(await news.rest()).toEqual([]);
    expect(await modernNews.rest()).toMatchObject([
      { id: 'sub', result: { resultType: 'complete' } },
    ]);
    expect(await until(call, hasAnswer)).toMatchObject({
      id: 7,
      result: { content: [{ text: 'waited' }] },
    });
    expect(await ended).toBe(0);
  });
});
