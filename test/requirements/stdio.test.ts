import { afterEach, describe, expect, it } from 'vitest';
import { type Principal, type StdioServer, err, ok } from '../../src/server/index.js';
import { LEGACY, MODERN, type RpcMessage } from '../server/support/wire.js';
import { META } from './support/exchange.js';
import { type PipePeer, type PipeServer, envelope, startOnPipes } from './support/stdio-peer.js';
import { createLongLists, createWorkshop } from './support/workshop.js';

const workshop = createWorkshop();
const running: StdioServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

function start(options: Partial<Parameters<typeof startOnPipes>[0]> = {}): PipeServer {
  const started = startOnPipes({ registry: workshop.registry, ...options });
  running.push(started.server);
  return started;
}

const echo = { name: 'echo', arguments: { text: 'x' } };

const eras: readonly (readonly [
  string,
  (options?: object) => Promise<PipeServer & { ask: Ask }>,
])[] = [
  [
    MODERN,
    async (options) => {
      const started = start(options);
      return {
        ...started,
        ask: (method, params, meta) => started.peer.modern(method, params, meta),
      };
    },
  ],
  [
    LEGACY,
    async (options) => {
      const started = start(options);
      await started.peer.initialize();
      return {
        ...started,
        ask: (method, params, meta) =>
          started.peer.request(method, { ...params, ...(meta !== undefined && { _meta: meta }) }),
      };
    },
  ],
];
type Ask = (method: string, params?: object, meta?: object) => Promise<RpcMessage>;

describe.each(eras)('stdio in %s', (era, open) => {
  it('carries one JSON-RPC message a line in UTF-8, whatever the text holds [STDIO-1]', async () => {
    const { peer, ask } = await open();
    const text = 'two\nlines\r\nand \u2028 世界 🌍';
    const { result } = await ask('tools/call', { name: 'echo', arguments: { text } });
    expect(result).toMatchObject({ content: [{ text }] });
    for (const line of peer.text.split('\n').slice(0, -1)) {
      expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    }
    expect(peer.text).not.toContain('\r');
  });

  it('reads a letter that the pipe cut in two [STDIO-1]', async () => {
    const { peer } = await open();
    const params = {
      name: 'echo',
      arguments: { text: '🌍' },
      ...(era === MODERN && { _meta: envelope() }),
    };
    const message = { jsonrpc: '2.0', id: 'cut', method: 'tools/call', params };
    const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
    const at = bytes.indexOf(Buffer.from('🌍')) + 2;
    peer.input.write(bytes.subarray(0, at));
    peer.input.write(bytes.subarray(at));
    expect((await peer.answerTo('cut')).result).toMatchObject({ content: [{ text: '🌍' }] });
  });

  it('writes nothing of a failure but a dull answer [STDIO-1] [STDIO-12]', async () => {
    const { peer, ask } = await open();
    await ask('tools/call', { name: 'lie', arguments: {} });
    expect(peer.text).not.toContain('many');
    expect(peer.messages.every((message) => 'id' in message || 'method' in message)).toBe(true);
  });

  it.each([0, -1, 2 ** 53 - 1, '', 'ä-🌍'])('gives the id %j back as it was [H-8]', async (id) => {
    const { peer } = await open();
    const params = era === MODERN ? { _meta: envelope() } : {};
    peer.send({ id, method: 'nothing/at-all', params });
    expect(await peer.answerTo(id)).toMatchObject({ id, error: { code: -32601 } });
  });

  it('answers what it cannot read at once, and goes on [STDIO-10]', async () => {
    const { peer, ask } = await open();
    peer.write('{"oops');
    peer.write('[]');
    peer.write('{"jsonrpc":"2.0","id":{},"method":"ping"}');
    peer.write('5');
    await peer.next(({ error }) => error?.code === -32700);
    await expect
      .poll(() => peer.messages.filter(({ error }) => error?.code === -32600).length)
      .toBe(3);
    expect((await ask('tools/list')).result).toBeDefined();
  });

  it('stops a call on notifications/cancelled and says nothing more of it [STDIO-7]', async () => {
    const { peer, ask, rows } = await open();
    const hold = workshop.nextHold();
    const meta = era === MODERN ? envelope() : {};
    const params = { name: 'hold', arguments: {}, _meta: meta };
    peer.send({ id: 'long', method: 'tools/call', params });
    await hold.started;
    const cancelled = { requestId: 'long', ...(era === MODERN && { _meta: meta }) };
    peer.send({ method: 'notifications/cancelled', params: cancelled });
    await hold.aborted;
    await expect.poll(() => rows.at(-1)?.outcome).toBe('cancelled');
    await ask('tools/list');
    expect(peer.messages.filter(({ id }) => id === 'long')).toEqual([]);
  });

  it('ends soon after its input does, also in the middle of a call [STDIO-4]', async () => {
    const { peer, server } = await open();
    const hold = workshop.nextHold();
    const params = { name: 'hold', arguments: {}, _meta: era === MODERN ? envelope() : {} };
    peer.send({ id: 'long', method: 'tools/call', params });
    await hold.started;
    peer.input.end();
    await expect(server.closed).resolves.toBeUndefined();
    await hold.aborted;
  });

  it('reports progress that only grows [H-16]', async () => {
    const { peer, ask } = await open();
    await ask('tools/call', { name: 'climb', arguments: {} }, { progressToken: 'p' });
    await ask('tools/list');
    const steps = peer.messages.filter(({ method }) => method === 'notifications/progress');
    expect(steps.map(({ params }) => params?.['progress'])).toEqual([1, 3, 4]);
  });

  it('refuses a cursor that it did not make, takes an empty one [H-15]', async () => {
    const { ask } = await open({ registry: createLongLists() });
    expect((await ask('tools/list', { cursor: 'forged' })).error?.code).toBe(-32602);
    expect((await ask('tools/list', { cursor: '' })).result).toHaveProperty('nextCursor');
  });
});

describe('stdio in 2026-07-28', () => {
  it('needs no handshake and no headers, and every result is whole [STDIO-6]', async () => {
    const { peer } = start();
    const { result } = await peer.modern('tools/list');
    expect(result).toMatchObject({ resultType: 'complete', cacheScope: 'public' });
    expect(result?.['_meta']).toHaveProperty(`${META}serverInfo`);
    const region = { name: 'region', arguments: { region: 'eu' } };
    expect((await peer.modern('tools/call', region)).result).toMatchObject({
      resultType: 'complete',
    });
  });

  it.each([
    ['no capabilities', { [`${META}clientCapabilities`]: undefined }, -32602],
    ['an unknown version', { [`${META}protocolVersion`]: '2099-01-01' }, -32022],
    ['a version of the era before', { [`${META}protocolVersion`]: LEGACY }, -32022],
  ])('refuses an envelope with %s at once [STDIO-6] [STDIO-10]', async (_name, meta, code) => {
    const { peer } = start();
    expect((await peer.modern('server/discover', {}, meta)).error?.code).toBe(code);
    expect((await peer.modern('tools/call', echo)).result).toBeDefined();
  });

  it('never sends a request, also when a tool asks [STDIO-5] [STDIO-13]', async () => {
    const { peer } = start();
    const able = { [`${META}clientCapabilities`]: { elicitation: { form: {} } } };
    const ask = { name: 'ask_two', arguments: {} };
    const { result } = await peer.modern('tools/call', ask, able);
    expect(result).toMatchObject({ resultType: 'input_required' });
    expect(
      peer.messages.filter(({ id, method }) => id !== undefined && method !== undefined),
    ).toEqual([]);

    const bytes = Buffer.from(String(result?.['requestState']), 'base64url');
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
    const requestState = bytes.toString('base64url');
    const { error } = await peer.modern('tools/call', { ...ask, requestState }, able);
    expect(error?.code).toBe(-32602);
  });

  it('says nothing of logs unless the request asks [ENV-4]', async () => {
    const { peer } = start();
    await peer.modern('tools/call', { name: 'talk', arguments: {} });
    expect(peer.messages).toHaveLength(1);
    const meta = { [`${META}logLevel`]: 'error' };
    await peer.modern('tools/call', { name: 'talk', arguments: {} }, meta);
    expect(peer.messages.flatMap(({ params }) => params?.['data'] ?? [])).toEqual(['loud']);
  });

  it('carries several subscriptions at once, each acknowledged and tagged [STDIO-8]', async () => {
    const { peer, server } = start();
    const listen = (id: string, notifications: object): void =>
      peer.send({
        id,
        method: 'subscriptions/listen',
        params: { notifications, _meta: envelope() },
      });
    const tagOf = ({ params, result }: RpcMessage): unknown =>
      ((params ?? result)?.['_meta'] as Record<string, unknown> | undefined)?.[
        `${META}subscriptionId`
      ];
    listen('a', { toolsListChanged: true });
    listen('b', { resourceSubscriptions: ['memo://one'] });
    for (const id of ['a', 'b']) {
      await peer.next(
        (message) => tagOf(message) === id && message.method?.endsWith('acknowledged') === true,
      );
    }
    server.notify.promptsChanged();
    server.notify.resourceUpdated('memo://shared');
    server.notify.resourceUpdated('memo://one');
    server.notify.toolsChanged();
    await peer.next(({ method }) => method === 'notifications/tools/list_changed');
    const told = peer.messages.map((message) => [tagOf(message), message.method]);
    expect(told.filter(([tag]) => tag === 'a')).toEqual([
      ['a', 'notifications/subscriptions/acknowledged'],
      ['a', 'notifications/tools/list_changed'],
    ]);
    expect(told.filter(([tag]) => tag === 'b')).toEqual([
      ['b', 'notifications/subscriptions/acknowledged'],
      ['b', 'notifications/resources/updated'],
    ]);
    expect(told.every(([tag]) => tag !== undefined)).toBe(true);
  });

  it('ends a subscription that its client cancels, and no other [STDIO-8]', async () => {
    const { peer, server } = start();
    for (const id of ['a', 'b']) {
      const params = { notifications: { toolsListChanged: true }, _meta: envelope() };
      peer.send({ id, method: 'subscriptions/listen', params });
    }
    await expect.poll(() => peer.messages.length).toBe(2);
    const cancelled = { requestId: 'a', _meta: envelope() };
    peer.send({ method: 'notifications/cancelled', params: cancelled });
    await peer.modern('server/discover');
    server.notify.toolsChanged();
    await peer.next(({ method }) => method === 'notifications/tools/list_changed');
    await peer.modern('server/discover');
    const told = peer.messages.filter(
      ({ method }) => method === 'notifications/tools/list_changed',
    );
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told)).toContain('"b"');
  });
});

describe('stdio in both eras', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26'])(
    'initialize of %s selects the 2025 era for the life of the process [STDIO-9]',
    async (version) => {
      const { peer } = start();
      expect((await peer.initialize(version)).result).toMatchObject({ protocolVersion: version });
      const { result } = await peer.request('tools/call', echo);
      expect(result).toMatchObject({ content: [{ text: 'x' }] });
      expect(result).not.toHaveProperty('resultType');
      expect((await peer.request('ping')).result).toEqual({});
    },
  );

  it('starts no login: without credentials it names the variable to set, with them it serves [STDIO-3]', async () => {
    const message = 'set CATALOG_API_KEY';
    const locked: PipePeer = start({ credential: err({ message }) }).peer;
    expect((await locked.modern('tools/list')).error).toMatchObject({ message });
    expect(locked.text).not.toMatch(/authorization_|oauth|www-authenticate/i);
  });

  it('serves one credential as one principal, whatever the client says of itself [STDIO-11]', async () => {
    const ada: Principal = {
      issuer: 'local',
      subject: 'ada',
      tenant: 'acme',
      scopes: ['memo:read'],
      clientId: 'api-key:abc',
      method: 'api-key',
      expiresAt: undefined,
    };
    const { peer } = start({ credential: ok(ada) });
    const params = {
      ref: { type: 'ref/resource', uri: 'memo://{id}/body' },
      argument: { name: 'id', value: '' },
    };
    for (const name of ['eve', 'mallory']) {
      const meta = { [`${META}clientInfo`]: { name, version: '1' } };
      const { result } = await peer.modern('completion/complete', params, meta);
      expect(result).toMatchObject({ completion: { values: ['of-ada'] } });
    }
  });
});
