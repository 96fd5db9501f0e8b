import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { modernRequest, type RpcMessage } from '../server/support/wire.js';
import { META, OpenStream, modern, send, spoilt } from './support/exchange.js';
import { createLongLists, createWorkshop } from './support/workshop.js';

const workshop = createWorkshop();
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry: workshop.registry });
});
afterAll(() => server.close());

const own: TestServer[] = [];
afterEach(async () => {
  for (const each of own.splice(0)) await each.close();
});

async function start(...options: Parameters<typeof startTestServer>): Promise<TestServer> {
  const started = await startTestServer(...options);
  own.push(started);
  return started;
}

const echo = { name: 'echo', arguments: { text: 'x' } };
const cacheable: readonly (readonly [string, object])[] = [
  ['server/discover', {}],
  ['tools/list', {}],
  ['prompts/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'memo://one' }],
];
const completion = {
  ref: { type: 'ref/prompt', name: 'letter' },
  argument: { name: 'to', value: '' },
};

describe('a result of 2026-07-28', () => {
  it.each([
    ...cacheable,
    ['tools/call', echo],
    ['tools/call', { name: 'climb', arguments: {} }],
    ['tools/call', { name: 'fail', arguments: {} }],
    ['prompts/get', { name: 'letter', arguments: { to: 'Ada' } }],
    ['completion/complete', completion],
  ] as const)(
    'of %s %j says that it is complete, and who made it [R-1] [R-2]',
    async (method, params) => {
      const { result } = (await modern(server, method, params)).answer;
      expect(result?.['resultType']).toBe('complete');
      expect(result?.['_meta']).toEqual({
        [`${META}serverInfo`]: { name: 'notes', version: '1.0.0' },
      });
    },
  );

  it.each(cacheable)(
    'of %s says how long and by whom it may be kept [R-3]',
    async (method, params) => {
      const { result } = (await modern(server, method, params)).answer;
      expect(result?.['ttlMs']).toBeGreaterThanOrEqual(0);
      expect(result?.['cacheScope']).toBe('private');
    },
  );

  it.each([
    ['tools/call', echo],
    ['completion/complete', completion],
  ] as const)('of %s says nothing of caching [R-3]', async (method, params) => {
    const { result } = (await modern(server, method, params)).answer;
    expect(result).not.toHaveProperty('ttlMs');
    expect(result).not.toHaveProperty('cacheScope');
  });

  it('is for every cache only where nobody signs in, or where its author says so [R-5]', async () => {
    const open = await start({ registry: workshop.registry, isOpen: true });
    const listed = await send(open.mcpUrl, modernRequest('tools/list'));
    expect(listed.answer.result?.['cacheScope']).toBe('public');
    const shared = await modern(server, 'resources/read', { uri: 'memo://shared' });
    expect(shared.answer.result).toMatchObject({ cacheScope: 'public', ttlMs: 1000 });
  });

  it('is never replayed for somebody else when it depends on the caller [R-5]', async () => {
    for (const sub of ['ada', 'eve', 'ada']) {
      const token = await server.token({ sub });
      const params = {
        ref: { type: 'ref/resource', uri: 'memo://{id}/body' },
        argument: { name: 'id', value: '' },
      };
      const allowed = await server.token({ sub, scope: 'memo:read' });
      const { answer } = await modern(server, 'completion/complete', params, { token: allowed });
      expect(answer.result).toMatchObject({ completion: { values: [`of-${sub}`] } });
      const listed = await modern(server, 'tools/list', {}, { token });
      expect(listed.answer.result?.['cacheScope']).toBe('private');
      expect(listed.headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('a list of 2026-07-28', () => {
  it.each([
    ['tools/list', 'tools', true],
    ['prompts/list', 'prompts', true],
    ['resources/list', 'resources', true],
    ['resources/templates/list', 'resourceTemplates', true],
    ['tools/list', 'tools', false],
    ['prompts/list', 'prompts', false],
    ['resources/list', 'resources', false],
    ['resources/templates/list', 'resourceTemplates', false],
  ] as const)(
    '%s comes in pages that give every item of %s once, all under one cache scope (open: %s) [R-4] [H-15]',
    async (method, member, isOpen) => {
      const long = await start({ registry: createLongLists(), isOpen });
      const names: string[] = [];
      const scopes = new Set<unknown>();
      let params: object = {};
      for (let page = 0; page < 5; page += 1) {
        const { result } = (await modern(long, method, params)).answer;
        names.push(...(result?.[member] as { name: string }[]).map(({ name }) => name));
        scopes.add(result?.['cacheScope']);
        if (result?.['nextCursor'] === undefined) break;
        params = { cursor: result['nextCursor'] };
      }
      expect(names).toEqual(Array.from({ length: 205 }, (_, at) => `n${at}`));
      expect([...scopes]).toEqual([isOpen ? 'public' : 'private']);
    },
  );

  it('is the same at every call, in the same order, whatever was called before [R-7] [R-8]', async () => {
    const first = await modern(server, 'tools/list');
    await modern(server, 'tools/call', { name: 'vault', arguments: {} });
    await modern(server, 'tools/call', echo);
    await modern(server, 'tools/call', { name: 'nothing', arguments: {} });
    const again = await modern(server, 'tools/list');
    const second = await server.second();
    const elsewhere = await send(
      second.url,
      modernRequest('tools/list', {}, { token: await server.token() }),
    );
    await second.close();
    expect(again.answer).toEqual(first.answer);
    expect(elsewhere.answer).toEqual(first.answer);
  });
});

describe('a resource that is not there', () => {
  it('is answered with -32602, never with empty contents [R-9]', async () => {
    const token = await server.token({ scope: 'memo:read' });
    for (const uri of [
      'memo://none/body',
      'memo://',
      'nowhere://x',
      'not a uri',
      'memo://%ZZ/body',
    ]) {
      const { answer } = await modern(server, 'resources/read', { uri }, { token });
      expect(answer.result).toBeUndefined();
      expect(answer.error?.code).toBe(-32602);
    }
  });
});

describe('server/discover', () => {
  it('names the versions, the capabilities and the instructions [R-11]', async () => {
    const told = await start({
      registry: workshop.registry,
      serverInfo: { name: 'notes', version: '1.0.0', instructions: 'Be brief.' },
    });
    const { result } = (await modern(told, 'server/discover')).answer;
    expect(result).toMatchObject({
      supportedVersions: ['2026-07-28'],
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
      },
      instructions: 'Be brief.',
    });
  });
});

describe('a request of 2026-07-28', () => {
  it('owes nothing to the requests before it: capabilities and identity are its own [R-13]', async () => {
    const ask = { name: 'ask_two', arguments: {} };
    const able = { capabilities: { elicitation: { form: {} } } };
    expect((await modern(server, 'tools/call', ask, able)).answer.result).toMatchObject({
      resultType: 'input_required',
    });
    expect((await modern(server, 'tools/call', ask)).answer.error?.code).toBe(-32021);
    const { status } = await send(server.mcpUrl, modernRequest('tools/call', ask));
    expect(status).toBe(401);
  });
});

describe('the stream of a call', () => {
  async function stream(name: string, meta: object) {
    return spoilt(server, 'tools/call', { name, arguments: {} }, ({ body }) =>
      Object.assign(body.params._meta, meta),
    );
  }
  const shown = (messages: readonly RpcMessage[]) =>
    messages.map(({ method, params }) => [
      method ?? 'result',
      params?.['data'] ?? params?.['progress'],
    ]);

  it('holds what belongs to the request, then the answer, then nothing [SSE-1] [H-16]', async () => {
    const { messages, headers, text } = await stream('climb', { progressToken: 'p' });
    expect(shown(messages)).toEqual([
      ['notifications/progress', 1],
      ['notifications/progress', 3],
      ['notifications/progress', 4],
      ['result', undefined],
    ]);
    for (const { params } of messages.slice(0, -1)) expect(params?.['progressToken']).toBe('p');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(text).not.toMatch(/^id:/m);
  });

  it('holds no progress for a request without a token [H-16]', async () => {
    const { messages } = await stream('climb', {});
    expect(shown(messages)).toEqual([['result', undefined]]);
  });

  it('keeps the progress of two requests at once apart [SSE-1]', async () => {
    const both = await Promise.all(
      ['a', 'b'].map((progressToken) => stream('climb', { progressToken })),
    );
    for (const [at, { messages }] of both.entries()) {
      const tokens = messages.slice(0, -1).map(({ params }) => params?.['progressToken']);
      expect(new Set(tokens)).toEqual(new Set([['a', 'b'][at]]));
    }
  });

  it('holds log messages only at the level that the request asked for [ENV-4]', async () => {
    expect(shown((await stream('talk', {})).messages)).toEqual([['result', undefined]]);
    const { messages } = await stream('talk', { [`${META}logLevel`]: 'info' });
    expect(shown(messages)).toEqual([
      ['notifications/message', 'plain'],
      ['notifications/message', 'loud'],
      ['result', undefined],
    ]);
  });

  it('never holds a request of the server, also when a tool asks [SSE-2]', async () => {
    const { messages } = await spoilt(
      server,
      'tools/call',
      { name: 'ask_two', arguments: {} },
      ({ body }) =>
        Object.assign(body.params._meta, {
          progressToken: 'p',
          [`${META}clientCapabilities`]: { elicitation: { form: {} } },
        }),
    );
    expect(messages.filter(({ id, method }) => id !== undefined && method !== undefined)).toEqual(
      [],
    );
    expect(messages.at(-1)?.result).toMatchObject({ resultType: 'input_required' });
  });

  it.each([
    ['a stream', { progressToken: 'p' }],
    ['one document', {}],
  ])('or answer cancels its call when the client leaves it: %s [SSE-3]', async (_name, meta) => {
    const hold = workshop.nextHold();
    const leaving = new AbortController();
    const request = modernRequest(
      'tools/call',
      { name: 'hold', arguments: {} },
      { token: await server.token() },
    );
    const body = JSON.parse(request.body) as { params: { _meta: object } };
    Object.assign(body.params._meta, meta);
    const gone = fetch(server.mcpUrl, {
      ...request,
      body: JSON.stringify(body),
      signal: leaving.signal,
    })
      .then((response) => new OpenStream(response).rest())
      .catch(() => 'gone');
    await hold.started;
    leaving.abort();
    await hold.aborted;
    expect(await gone).toBe('gone');
    await expect
      .poll(() => server.stores.audit.recent(1))
      .toMatchObject([{ target: 'hold', outcome: 'cancelled' }]);
  });
});
