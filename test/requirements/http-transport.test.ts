import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import {
  initializeRequest,
  legacyRequest,
  modernRequest,
  openSession,
} from '../server/support/wire.js';
import { eras, legacy, modern, send, spoilt } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
});
afterAll(() => server.close());

const listen = modernRequest('subscriptions/listen', {
  notifications: { toolsListChanged: true },
});

/** `fetch` may not set Host. */
function statusOf(method: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const { port } = server.listening;
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path: '/mcp', method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('the door', () => {
  it('is on loopback alone: its port is free on the other addresses of the machine [H-3]', async () => {
    const outer = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address?.family === 'IPv4' && !address.internal)
      .map((address) => address?.address);
    for (const host of outer) {
      const other = createServer();
      await new Promise<void>((resolve, reject) => {
        other.on('error', reject).listen({ host, port: server.listening.port }, resolve);
      });
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('is one path for both eras and every method [H-1]', async () => {
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const ping = await send(server.mcpUrl, legacyRequest('ping', {}, { token, session }));
    expect(ping.status).toBe(200);
    expect((await modern(server, 'server/discover')).status).toBe(200);
    const headers = { authorization: `Bearer ${token}`, 'mcp-session-id': session };
    expect((await fetch(server.mcpUrl, { method: 'DELETE', headers })).status).toBe(200);
  });

  it.each(['GET', 'POST', 'DELETE', 'OPTIONS'])(
    'refuses a foreign Origin with 403 on %s, whatever else is right [H-2]',
    async (method) => {
      const token = await server.token();
      const authorization = `Bearer ${token}`;
      const host = `localhost:${server.listening.port}`;
      for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
        expect(await statusOf(method, { host, origin, authorization })).toBe(403);
      }
    },
  );

  it.each(['GET', 'POST', 'DELETE', 'OPTIONS'])(
    'refuses a foreign Host with 403 on %s, and knows every spelling of this machine [H-5]',
    async (method) => {
      const authorization = `Bearer ${await server.token()}`;
      for (const host of ['evil.example', 'localhost.evil.example', 'localhost@evil.example']) {
        expect(await statusOf(method, { host, authorization })).toBe(403);
      }
      for (const host of ['localhost', '127.0.0.1:1', '[::1]', 'LOCALHOST']) {
        expect(await statusOf(method, { host, authorization })).not.toBe(403);
      }
    },
  );

  it('asks for credentials on every request: calls, handshake, listen, streams, DELETE [H-9]', async () => {
    const session = await openSession(server.mcpUrl, { token: await server.token() });
    const withSession = { accept: 'text/event-stream', 'mcp-session-id': session };
    const requests: RequestInit[] = [
      modernRequest('tools/list'),
      listen,
      initializeRequest(),
      legacyRequest('tools/list', {}, { session }),
      legacyRequest('notifications/initialized', {}, { session }),
      { method: 'GET', headers: withSession },
      { method: 'DELETE', headers: withSession },
    ];
    for (const request of requests) {
      const response = await fetch(server.mcpUrl, request);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /);
    }
    const still = await send(
      server.mcpUrl,
      legacyRequest('ping', {}, { session, token: await server.token() }),
    );
    expect(still.status).toBe(200);
  });

  it('lets no session stand for credentials [L-6]', async () => {
    const session = await openSession(server.mcpUrl, { token: await server.token() });
    const call = legacyRequest('tools/call', { name: 'echo', arguments: {} }, { session });
    expect((await fetch(server.mcpUrl, call)).status).toBe(401);
  });
});

describe.each(eras)('a message of %s', (_era, ask) => {
  it('is answered as JSON or as an event stream [H-6]', async () => {
    for (const name of ['echo', 'climb']) {
      const { headers } = await ask(server, 'tools/call', { name, arguments: { text: 'x' } });
      expect(headers.get('content-type')).toMatch(/^(application\/json|text\/event-stream)\b/);
    }
  });

  it.each([0, 7, -3, 2 ** 53 - 1, 'text', '', 'ä-🌍'])(
    'gets its id back, as it was: %j [H-8]',
    async (id) => {
      const good = await ask(
        server,
        'tools/call',
        { name: 'echo', arguments: { text: 'x' } },
        { id },
      );
      const bad = await ask(server, 'prompts/get', { name: 'nothing' }, { id });
      const unknown = await ask(server, 'nothing/at-all', {}, { id });
      expect(good.answer).toMatchObject({ jsonrpc: '2.0', id, result: {} });
      expect([bad.answer.id, unknown.answer.id]).toEqual([id, id]);
      expect([bad.answer.error?.code, unknown.answer.error?.code]).toEqual([-32602, -32601]);
    },
  );

  it('may hold any text in UTF-8, and so may its answer [H-8]', async () => {
    const text = 'Grüße, 世界 🌍 \u2028 \u0000';
    const { answer, headers } = await ask(server, 'tools/call', {
      name: 'echo',
      arguments: { text },
    });
    expect(answer.result).toMatchObject({ content: [{ type: 'text', text }] });
    expect(headers.get('content-type') ?? '').not.toMatch(/charset=(?!utf-8)/i);
    const read = await ask(server, 'resources/read', { uri: 'memo://one' });
    expect(read.answer.result).toMatchObject({ contents: [{ text: 'Grüße, 世界 🌍' }] });
  });
});

describe('what is no message', () => {
  async function post(body: string | Uint8Array<ArrayBuffer>) {
    const headers = {
      ...modernRequest('tools/list').headers,
      authorization: `Bearer ${await server.token()}`,
    };
    return send(server.mcpUrl, { method: 'POST', headers, body });
  }

  it('is refused with 400 and -32700 when it is not JSON, or not UTF-8 [ERR-1]', async () => {
    const bytes = new Uint8Array([0x22, 0xff, 0xfe, 0x22]);
    for (const body of ['', '{', '{"a":1}}', 'null,', bytes]) {
      const { status, answer } = await post(body);
      expect([status, answer.error?.code, answer.id]).toEqual([400, -32700, null]);
    }
  });

  it.each([
    ['null', null],
    ['a number', 5],
    ['a text', 'ping'],
    ['no members', {}],
    ['another JSON-RPC version', { jsonrpc: '1.0', id: 1, method: 'tools/list' }],
    ['an empty batch', []],
    ['a batch of one', [{ jsonrpc: '2.0', id: 1, method: 'tools/list' }]],
  ])('is refused with 400 and a JSON-RPC error: %s [ERR-2]', async (_name, body) => {
    const { status, answer } = await post(JSON.stringify(body));
    expect(status).toBe(400);
    expect(answer.error?.code).toBe(-32600);
    expect(answer.result).toBeUndefined();
  });

  it.each([
    ['null', null],
    ['a fraction', 1.5],
    ['an object', {}],
    ['a boolean', true],
  ])('is refused when its id is %s [H-8]', async (_name, id) => {
    const { status, answer } = await spoilt(server, 'tools/list', {}, ({ body }) => {
      body.id = id;
    });
    expect([status, answer.error?.code, answer.result]).toEqual([400, -32600, undefined]);
  });
});

describe('a notification', () => {
  it('is answered 202 without a body, and so is a response [H-7] [L-8]', async () => {
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const options = { token, session };
    const response = {
      ...legacyRequest('ping', {}, options),
      body: JSON.stringify({ jsonrpc: '2.0', id: 'nobody-asked', result: {} }),
    };
    for (const request of [
      legacyRequest('notifications/cancelled', { requestId: 99 }, options),
      legacyRequest('notifications/roots/list_changed', {}, options),
      response,
    ]) {
      const { status, text } = await send(server.mcpUrl, request);
      expect([status, text]).toEqual([202, '']);
    }
  });

  it('of 2026-07-28 is answered 202 without a body, or refused with 4xx [H-7]', async () => {
    const { status, text } = await spoilt(
      server,
      'notifications/cancelled',
      { requestId: 1 },
      ({ body }) => delete body.id,
    );
    expect([status, text]).toEqual([202, '']);
  });

  it('that cannot be accepted is answered 4xx, never with a result [H-7]', async () => {
    const lost = await send(
      server.mcpUrl,
      legacyRequest(
        'notifications/initialized',
        {},
        { token: await server.token(), session: 'unknown' },
      ),
    );
    expect(lost.status).toBe(404);
    expect(lost.answer.result).toBeUndefined();
  });
});

describe('limits', () => {
  it('refuses a body above the limit with 413, a deep one with 400, before it is looked at [SEC-9]', async () => {
    const small = await startTestServer({
      registry: createWorkshop().registry,
      limits: { maxBodyBytes: 2000, drainMs: 100 },
    });
    try {
      const call = (text: unknown) => ({ name: 'echo', arguments: { text } });
      const large = await modern(small, 'tools/call', call('x'.repeat(3000)));
      expect(large.status).toBe(413);
      expect((await legacy(small, 'tools/call', call('x'.repeat(3000)))).status).toBe(413);
      expect((await modern(small, 'tools/call', call('x'))).status).toBe(200);
      let deep: unknown = 'x';
      for (let depth = 0; depth < 150; depth += 1) deep = [deep];
      expect((await modern(small, 'tools/call', call(deep))).status).toBe(400);
    } finally {
      await small.close();
    }
  });
});
