import { afterEach, describe, expect, it } from 'vitest';
import { createSqliteEventLog } from '../../src/storage/sqlite/event-log.js';
import { OpenStream, send } from '../requirements/support/exchange.js';
import {
  type Headers,
  closePairs,
  lastEventId,
  startPair,
  streams,
} from './support/process-pair.js';
import { type RpcMessage, legacyRequest } from './support/wire.js';

afterEach(closePairs);

const withElicitation = { elicitation: { form: {} } };
const waitParams = { name: 'wait', arguments: {}, _meta: { progressToken: 'p' } };

function accept(question: RpcMessage | undefined, name: string): object {
  return { jsonrpc: '2.0', id: question?.id, result: { action: 'accept', content: { name } } };
}

function reply(url: string, headers: Headers, message: object): Promise<{ status: number }> {
  const request = legacyRequest('', {}, { headers });
  return send(url, { ...request, body: JSON.stringify(message) });
}

describe('a question to the client of a session', () => {
  it('is answered to another process and goes on where it was asked', async () => {
    const { urls, open, post, server } = await startPair();
    const headers = await open(withElicitation);
    const call = new OpenStream(
      await post(0, 'tools/call', { name: 'ask', arguments: {} }, headers, 7),
    );

    const first = await call.next();
    expect(first).toMatchObject({
      method: 'elicitation/create',
      params: { message: 'First name?' },
    });
    expect(await reply(urls[1], headers, accept(first, 'Ada'))).toMatchObject({ status: 202 });
    const last = await call.next();
    expect(last).toMatchObject({ params: { message: 'Last name?' } });
    expect(last?.id).not.toBe(first?.id);
    expect(await reply(urls[1], headers, accept(last, 'Lovelace'))).toMatchObject({ status: 202 });

    expect(await call.next()).toMatchObject({
      id: 7,
      result: { content: [{ text: 'Ada Lovelace' }] },
    });
    expect(await call.next()).toBeUndefined();
    await expect.poll(() => server.database.all('SELECT * FROM mcp_question')).toEqual([]);
  });

  it('is answered to the process that asked as well', async () => {
    const { urls, open, post } = await startPair();
    const headers = await open(withElicitation);
    const call = new OpenStream(
      await post(1, 'tools/call', { name: 'ask', arguments: {} }, headers, 7),
    );
    for (const name of ['Ada', 'Lovelace'])
      await reply(urls[1], headers, accept(await call.next(), name));
    expect(await call.next()).toMatchObject({ result: { content: [{ text: 'Ada Lovelace' }] } });
  });

  it('has an id that no other process uses in the same session', async () => {
    const { open, post } = await startPair();
    const headers = await open(withElicitation);
    const calls = await Promise.all(
      ([0, 1, 0, 1] as const).map(async (at, id) => {
        const params = { name: 'ask', arguments: {} };
        return new OpenStream(await post(at, 'tools/call', params, headers, 10 + id));
      }),
    );
    streams.push(...calls);
    const ids = await Promise.all(calls.map(async (call) => (await call.next())?.id));
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(Number.isSafeInteger(id)).toBe(true);
  });

  it('is taken back when the call is cancelled at another process', async () => {
    const { open, post, server } = await startPair();
    const headers = await open(withElicitation);
    const call = new OpenStream(
      await post(0, 'tools/call', { name: 'ask', arguments: {} }, headers, 7),
    );
    streams.push(call);
    const question = await call.next();
    const cancelled = await post(1, 'notifications/cancelled', { requestId: 7 }, headers);
    expect(cancelled.status).toBe(202);
    expect(await call.next()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: question?.id },
    });
    await expect.poll(() => server.database.all('SELECT * FROM mcp_question')).toEqual([]);
  });

  it.each([
    ['that nobody asked', { jsonrpc: '2.0', id: 123_456, result: {} }],
    ['with the id of nobody’s question as text', { jsonrpc: '2.0', id: 'x', result: {} }],
    ['that is an error', { jsonrpc: '2.0', id: 9, error: { code: -1, message: 'no' } }],
  ])('an answer %s is taken and ignored', async (_name, message) => {
    const { urls, open } = await startPair();
    expect(await reply(urls[1], await open(), message)).toMatchObject({ status: 202 });
  });

  it('cannot be answered from another session', async () => {
    const { urls, open, post } = await startPair();
    const [mine, other] = [await open(withElicitation), await open(withElicitation)];
    const call = new OpenStream(
      await post(0, 'tools/call', { name: 'ask', arguments: {} }, mine, 7),
    );
    streams.push(call);
    const question = await call.next();
    for (const url of urls) await reply(url, other, accept(question, 'Eve'));
    await reply(urls[1], mine, accept(question, 'Ada'));
    await reply(urls[1], mine, accept(await call.next(), 'Lovelace'));
    expect(await call.next()).toMatchObject({ result: { content: [{ text: 'Ada Lovelace' }] } });
  });
});

describe('a call of a session', () => {
  it('is followed from another process when its stream broke, to its end', async () => {
    const { open, get, post, patience } = await startPair();
    const headers = await open();
    const call = new OpenStream(await post(0, 'tools/call', waitParams, headers, 7));
    await call.next();
    await call.close();
    const resumed = await get(1, { ...headers, 'last-event-id': lastEventId(call) });
    patience.letGo();
    expect(await resumed.next()).toMatchObject({ method: 'notifications/progress' });
    expect(await resumed.next()).toMatchObject({
      id: 7,
      result: { content: [{ text: 'waited' }] },
    });
    expect(await resumed.next()).toBeUndefined();
  });

  it('is cancelled from another process', async () => {
    const { open, post, patience } = await startPair();
    const headers = await open();
    const call = new OpenStream(await post(0, 'tools/call', waitParams, headers, 7));
    streams.push(call);
    await patience.started;
    await post(1, 'notifications/cancelled', { requestId: 7 }, headers);
    await expect.poll(() => patience.isAborted()).toBe(true);
  });

  it('is not cancelled from another session', async () => {
    const { open, post, patience } = await startPair();
    const [mine, other] = [await open(), await open()];
    const call = new OpenStream(await post(0, 'tools/call', waitParams, mine, 7));
    await patience.started;
    await call.next();
    for (const at of [0, 1] as const) {
      await post(at, 'notifications/cancelled', { requestId: 7 }, other);
    }
    patience.letGo();
    await call.next();
    expect(await call.next()).toMatchObject({ id: 7, result: { content: [{ text: 'waited' }] } });
  });

  it('whose process is gone is answered with an error when its stream is resumed', async () => {
    const { open, get, server } = await startPair();
    const headers = await open();
    const log = createSqliteEventLog(server.database);
    const call = { processId: 'dead', requestIds: [7, 'eight'] };
    const session = headers['mcp-session-id'] ?? '';
    const eventId = (await log.append(session, 'lost', {}, { call })) ?? '';
    for (const at of [0, 1] as const) {
      const resumed = await get(at, { ...headers, 'last-event-id': eventId });
      const told = await resumed.rest();
      expect(told).toMatchObject([
        { id: 7, error: { code: 1503 } },
        { id: 'eight', error: { code: 1503 } },
      ]);
      expect(told[0]?.error?.message).toContain('Look whether it had its effect');
    }
    expect(
      await log.append(session, 'lost', { late: true }, { call, isLast: true }),
    ).toBeUndefined();
  });

  it('is answered with an error when its process ends before it, there and elsewhere', async () => {
    const { open, get, post, server } = await startPair({ drainMs: 50 });
    const headers = await open();
    const call = new OpenStream(await post(0, 'tools/call', waitParams, headers, 7));
    await call.next();
    const eventId = lastEventId(call);
    await server.http.close();
    expect(await call.next()).toMatchObject({ id: 7, error: { code: 1503 } });
    const resumed = await get(1, { ...headers, 'last-event-id': eventId });
    expect(await resumed.rest()).toMatchObject([{ id: 7, error: { code: 1503 } }]);
    expect(server.database.all('SELECT * FROM mcp_process')).toEqual([]);
  });

  it('hears the log level that was set at another process', async () => {
    const { open, post } = await startPair();
    const headers = await open();
    const said = async (at: 0 | 1) => {
      const answer = await (
        await post(at, 'tools/call', { name: 'talk', arguments: {} }, headers)
      ).text();
      return ['quiet', 'loud'].filter((word) => answer.includes(`"${word}"`));
    };
    expect(await said(1)).toEqual(['quiet', 'loud']);
    await (await post(0, 'logging/setLevel', { level: 'error' }, headers)).text();
    expect(await said(1)).toEqual(['loud']);
  });
});

describe('a session', () => {
  it('that is ended at one process ends its stream and its calls at the other', async () => {
    const { urls, open, get, post, patience } = await startPair();
    const headers = await open();
    const news = await get(1, headers);
    const call = new OpenStream(await post(1, 'tools/call', waitParams, headers, 7));
    streams.push(call);
    await patience.started;
    const { status } = await send(urls[0], { method: 'DELETE', headers });
    expect(status).toBe(200);
    expect(await news.next()).toBeUndefined();
    await expect.poll(() => patience.isAborted()).toBe(true);
    expect((await post(1, 'ping', {}, headers)).status).toBe(404);
  });
});
