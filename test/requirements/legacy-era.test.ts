import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { MODERN, initializeRequest, legacyRequest, openSession } from '../server/support/wire.js';
import { send } from './support/exchange.js';
import { type LegacyWire, createLegacyWire } from './support/legacy-wire.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
let token: string;
let wire: LegacyWire;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
  token = await server.token();
  wire = createLegacyWire(server, token);
});
afterEach(() => wire.closeStreams());
afterAll(() => server.close());

const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const;
const echo = { name: 'echo', arguments: { text: 'x' } };
const streamed = { name: 'climb', arguments: {}, _meta: { progressToken: 'p' } };

const open: LegacyWire['open'] = (...args) => wire.open(...args);
const post: LegacyWire['post'] = (...args) => wire.post(...args);
const listenTo: LegacyWire['listenTo'] = (...args) => wire.listenTo(...args);

describe('initialize', () => {
  it.each(VERSIONS)(
    'of %s is answered with that version, and the session serves it [L-1]',
    async (version) => {
      const headers = await open(version);
      const { answer } = await post('tools/call', echo, headers);
      expect(answer.result).toMatchObject({ content: [{ text: 'x' }] });
      expect(answer.result).not.toHaveProperty('resultType');
      expect((await post('ping', {}, headers)).answer.result).toEqual({});
    },
  );

  it.each(['1999-01-01', '2099-01-01', MODERN, 'x', ''])(
    'of %j is answered with the latest version before 2026-07-28 [L-1]',
    async (protocolVersion) => {
      const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'x', version: '1' } };
      const { answer } = await send(server.mcpUrl, legacyRequest('initialize', params, { token }));
      expect(answer.result?.['protocolVersion']).toBe('2025-11-25');
    },
  );

  it('gives a session id that is long, random and visible ASCII [L-3] [SEC-4]', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => openSession(server.mcpUrl, { token })),
    );
    expect(new Set(ids).size).toBe(20);
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7E]{32,}$/);
    const prefixes = new Set(ids.map((id) => id.slice(0, 8)));
    expect(prefixes.size).toBe(20);
  });
});

describe('the version header', () => {
  it('may be missing: then the session goes on [L-7]', async () => {
    const { 'mcp-session-id': session = '' } = await open('2025-03-26');
    expect((await post('ping', {}, { 'mcp-session-id': session })).status).toBe(200);
  });

  it.each(['1999-01-01', 'x', '2025-11-25x'])('%j is refused with 400 [L-7]', async (version) => {
    const headers = { ...(await open('2025-11-25')), 'mcp-protocol-version': version };
    for (const method of ['ping', 'tools/list']) {
      expect((await post(method, {}, headers)).status).toBe(400);
    }
    const stream = await fetch(server.mcpUrl, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`, ...headers },
    });
    expect(stream.status).toBe(400);
  });
});

describe('a batch', () => {
  const batch = [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: echo },
  ];
  const postBatch = (headers: Readonly<Record<string, string>>) =>
    send(server.mcpUrl, {
      ...legacyRequest('ping', {}, { token, headers }),
      body: JSON.stringify(batch),
    });

  it('is answered in a session of 2025-03-26, every request of it [L-15]', async () => {
    const { messages, status } = await postBatch(await open('2025-03-26'));
    expect(status).toBe(200);
    const ids = messages.flat().map(({ id }) => id as number);
    expect(ids.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  it('cannot reach past a scope [L-15]', async () => {
    const request = legacyRequest('ping', {}, { token, headers: await open('2025-03-26') });
    const { status } = await send(server.mcpUrl, {
      ...request,
      body: JSON.stringify([
        batch[0],
        { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'vault', arguments: {} } },
      ]),
    });
    expect(status).toBe(403);
  });
});

describe('a session', () => {
  it.each([
    ['no id', {}, 400],
    ['an unknown id', { 'mcp-session-id': 'x'.repeat(43) }, 404],
    ['an id with characters that no id has', { 'mcp-session-id': 'ä b' }, 404],
    ['an id that is far too long', { 'mcp-session-id': 'x'.repeat(5000) }, 404],
  ] as const)('cannot be used with %s [L-4]', async (_name, headers, status) => {
    const ascii = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
    );
    expect((await post('tools/list', {}, ascii)).status).toBe(status);
  });

  it('that was ended is gone for every method, and says so with 404 [L-4] [L-5]', async () => {
    const headers = await open('2025-11-25');
    const end = { method: 'DELETE', headers: { authorization: `Bearer ${token}`, ...headers } };
    expect((await send(server.mcpUrl, end)).status).toBe(200);
    const stream = {
      ...end,
      method: 'GET',
      headers: { accept: 'text/event-stream', ...end.headers },
    };
    const statuses = [
      (await post('ping', {}, headers)).status,
      (await send(server.mcpUrl, stream)).status,
      (await send(server.mcpUrl, end)).status,
    ];
    expect(statuses).toEqual([404, 404, 404]);
  });

  it('of one person is closed to others of the same client, and open to the same person of another [L-6] [SEC-5]', async () => {
    const session = await openSession(server.mcpUrl, { token });
    const status = async (options: object) => {
      const foreign = await server.token(options);
      const { status: given } = await send(
        server.mcpUrl,
        legacyRequest('ping', {}, { token: foreign, session }),
      );
      return given;
    };
    expect(await status({ sub: 'eve' })).toBe(404);
    expect(await status({ sub: 'Ada' })).toBe(404);
    expect(await status({ sub: 'ada', claims: { client_id: 'other' } })).toBe(200);
  });

  it('of an API key is closed to the access token of another person [L-6]', async () => {
    const apiKey = await server.apiKey();
    const opened = await send(server.mcpUrl, initializeRequest({ apiKey }));
    const session = opened.headers.get('mcp-session-id') ?? '';
    const eve = await server.token({ sub: 'eve' });
    const { status } = await send(
      server.mcpUrl,
      legacyRequest('ping', {}, { token: eve, session }),
    );
    expect(status).toBe(404);
  });

  it('keeps the events of its streams from other people [SEC-6]', async () => {
    const headers = await open('2025-11-25');
    const { text } = await post('tools/call', streamed, headers);
    const [, eventId = ''] = /^id: (.+)$/m.exec(text) ?? [];
    const eve = await server.token({ sub: 'eve' });
    const theirs = await openSession(server.mcpUrl, { token: eve });
    for (const session of [headers['mcp-session-id'] ?? '', theirs]) {
      const replay = await send(server.mcpUrl, {
        headers: {
          accept: 'text/event-stream',
          authorization: `Bearer ${eve}`,
          'mcp-session-id': session,
          'last-event-id': eventId,
        },
      });
      expect([400, 404]).toContain(replay.status);
    }
  });
});

describe('the streams of a session', () => {
  it('are opened by GET, or GET is refused with 405 [L-2]', async () => {
    const stream = await listenTo(await open('2025-11-25'));
    server.http.notify.toolsChanged();
    expect((await stream.next())?.method).toBe('notifications/tools/list_changed');
  });

  it('carry each message once: what belongs to a call is not on the session’s own stream [L-9]', async () => {
    const headers = await open('2025-11-25');
    const stream = await listenTo(headers);
    const { messages } = await post('tools/call', streamed, headers);
    expect(messages.map(({ method }) => method)).toContain('notifications/progress');
    server.http.notify.promptsChanged();
    expect((await stream.next())?.method).toBe('notifications/prompts/list_changed');
  });

  it('of two sessions are apart: a change of one person’s subscription is told to nobody else [L-9]', async () => {
    const [mine, other] = [await open('2025-11-25'), await open('2025-11-25')];
    await post('resources/subscribe', { uri: 'memo://one' }, mine);
    const stream = await listenTo(other);
    server.http.notify.resourceUpdated('memo://one');
    server.http.notify.toolsChanged();
    expect((await stream.next())?.method).toBe('notifications/tools/list_changed');
  });

  it('have event ids that are unique in the session, and begin with an empty event [L-11]', async () => {
    const headers = await open('2025-11-25');
    const texts = [
      (await post('tools/call', streamed, headers, 1)).text,
      (await post('tools/call', streamed, headers, 2)).text,
    ];
    const ids = texts.flatMap((text) => [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id));
    expect(ids.length).toBeGreaterThanOrEqual(4);
    expect(new Set(ids).size).toBe(ids.length);
    for (const text of texts)
      expect(text).toMatch(/^(?:retry: \d+\n)?id: .+\n(?:retry: \d+\n)?data:\s*\n/);
  });
});

describe('what only the 2025 era has', () => {
  it('ping is answered with nothing in it [L-12]', async () => {
    const { answer } = await post('ping', {}, await open('2025-11-25'));
    expect(answer.result).toEqual({});
  });

  it('the log level is the session’s own [L-12]', async () => {
    const [loud, quiet] = [await open('2025-11-25'), await open('2025-11-25')];
    expect((await post('logging/setLevel', { level: 'error' }, quiet)).answer.result).toEqual({});
    expect((await post('logging/setLevel', { level: 'debug' }, loud)).answer.result).toEqual({});
    const said = async (headers: Readonly<Record<string, string>>) => {
      const { messages } = await post('tools/call', { name: 'talk', arguments: {} }, headers);
      return messages.flatMap(({ params }) =>
        params?.['data'] === undefined ? [] : [params['data']],
      );
    };
    expect(await said(quiet)).toEqual(['loud']);
    expect(await said(loud)).toEqual(['quiet', 'plain', 'loud']);
  });

  it('a subscription tells of changes until it is ended [L-12]', async () => {
    const headers = await open('2025-11-25');
    const stream = await listenTo(headers);
    expect(
      (await post('resources/subscribe', { uri: 'memo://one' }, headers)).answer.result,
    ).toEqual({});
    server.http.notify.resourceUpdated('memo://one');
    expect((await stream.next())?.params).toMatchObject({ uri: 'memo://one' });
    await post('resources/unsubscribe', { uri: 'memo://one' }, headers);
    server.http.notify.resourceUpdated('memo://one');
    server.http.notify.toolsChanged();
    expect((await stream.next())?.method).toBe('notifications/tools/list_changed');
  });

  it.each(VERSIONS)('results of %s hold nothing of 2026-07-28 [L-14]', async (version) => {
    const headers = await open(version);
    for (const [method, params] of [
      ['tools/list', {}],
      ['resources/list', {}],
      ['resources/read', { uri: 'memo://one' }],
      ['tools/call', echo],
    ] as const) {
      const { result } = (await post(method, params, headers)).answer;
      for (const name of ['resultType', 'ttlMs', 'cacheScope'])
        expect(result).not.toHaveProperty(name);
    }
  });

  it('a tool that asks a client which cannot answer fails, and asks nothing [L-16]', async () => {
    const none = await open('2025-11-25');
    const formOnly = await open('2025-11-25', { elicitation: {} });
    const asked = [
      ['ask_two', none],
      ['ask_url', none],
      ['ask_sampling', none],
      ['ask_roots', none],
      ['ask_url', formOnly],
      ['ask_sampling', formOnly],
    ] as const;
    for (const [name, headers] of asked) {
      const { messages, answer } = await post('tools/call', { name, arguments: {} }, headers);
      expect(messages.filter(({ method, id }) => method !== undefined && id !== undefined)).toEqual(
        [],
      );
      expect(answer.error !== undefined || answer.result?.['isError'] === true).toBe(true);
    }
  });
});
