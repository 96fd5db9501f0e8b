import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, defineTool, jsonSchema } from '../../src/server/index.js';
import { type TestServer, startTestServer } from './support/test-server.js';
import { MODERN, answerOf, messagesOf, modernRequest } from './support/wire.js';

/** What a handler saw of its surroundings. */
let seenByHandler = '';

const registry = createRegistry({
  tools: [
    defineTool({
      name: 'mirror',
      description: 'Has one argument that clients repeat in a header.',
      scopes: [],
      input: jsonSchema({
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
      }),
      handler(args, context) {
        seenByHandler = JSON.stringify([args, context]);
        return { content: [{ type: 'text', text: JSON.stringify(args) }] };
      },
    }),
    defineTool({
      name: 'wait',
      description: 'Waits until it is cancelled, and says so to the audit log.',
      scopes: [],
      handler: (_args, { signal, progress }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ content: [] }));
          void progress(1);
        }),
    }),
  ],
});

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry });
});
afterAll(() => server.close());

async function send(request: RequestInit) {
  const response = await fetch(server.mcpUrl, request);
  return { response, answer: await answerOf(response) };
}

const PREFIX = 'io.modelcontextprotocol/';

function setVersion(body: WireBody, version: string): void {
  body.params._meta = { ...body.params._meta, [`${PREFIX}protocolVersion`]: version };
}

interface WireBody {
  method: string;
  readonly params: { _meta?: Record<string, unknown> };
}

async function discover(change: (body: WireBody, headers: Record<string, string>) => void) {
  const request = modernRequest('server/discover', {}, { token: await server.token(), id: 'q' });
  const body = JSON.parse(request.body) as WireBody;
  const headers = { ...request.headers } as Record<string, string>;
  change(body, headers);
  return send({ method: 'POST', headers, body: JSON.stringify(body) });
}

async function listen(own: TestServer, token: string) {
  const params = { notifications: { toolsListChanged: true } };
  return fetch(own.mcpUrl, modernRequest('subscriptions/listen', params, { token, id: 'sub' }));
}

describe('a 2026-07-28 request', () => {
  it('is served without a session, and the answer names the server', async () => {
    const { response, answer } = await discover(() => undefined);
    expect(response.status).toBe(200);
    expect(response.headers.get('mcp-session-id')).toBeNull();
    expect(answer.result).toMatchObject({
      resultType: 'complete',
      supportedVersions: [MODERN],
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'notes' } },
      ttlMs: expect.any(Number),
      cacheScope: 'private',
    });
  });

  it('ignores a session id and a Last-Event-ID', async () => {
    const { response } = await discover((_body, headers) => {
      headers['mcp-session-id'] = 'nothing';
      headers['last-event-id'] = '1';
    });
    expect(response.status).toBe(200);
  });

  const malformed: readonly [
    string,
    (body: WireBody, headers: Record<string, string>) => void,
    number,
    number,
  ][] = [
    ['no envelope under a modern header', (body) => delete body.params._meta, 400, -32602],
    [
      'no capabilities in the envelope',
      (body) => delete body.params._meta?.[`${PREFIX}clientCapabilities`],
      400,
      -32602,
    ],
    [
      'a version header that contradicts the body, though the body names an unknown one',
      (body) => setVersion(body, '2099-01-01'),
      400,
      -32020,
    ],
    [
      'an unknown version on which header and body agree',
      (body, headers) => {
        setVersion(body, '2099-01-01');
        headers['mcp-protocol-version'] = '2099-01-01';
      },
      400,
      -32022,
    ],
    ['no Mcp-Method header', (_body, headers) => delete headers['mcp-method'], 400, -32020],
    [
      'an Mcp-Method header of another method',
      (_body, headers) => (headers['mcp-method'] = 'tools/list'),
      400,
      -32020,
    ],
    [
      'an unknown method',
      (body, headers) => {
        body.method = 'nothing/at-all';
        headers['mcp-method'] = 'nothing/at-all';
      },
      404,
      -32601,
    ],
    [
      'a method of the era before',
      (body, headers) => {
        body.method = 'ping';
        headers['mcp-method'] = 'ping';
      },
      404,
      -32601,
    ],
    [
      'a method behind a capability that is not advertised',
      (body, headers) => {
        body.method = 'prompts/list';
        headers['mcp-method'] = 'prompts/list';
      },
      404,
      -32601,
    ],
  ];
  it.each(malformed)('with %s is refused', async (_name, change, status, code) => {
    const { response, answer } = await discover(change);
    expect([response.status, answer.error?.code]).toEqual([status, code]);
    expect(answer.id).toBe('q');
  });

  it('has to name its tool in Mcp-Name', async () => {
    const token = await server.token();
    const request = modernRequest('tools/call', { name: 'mirror', arguments: {} }, { token });
    const { response, answer } = await send({
      ...request,
      headers: { ...request.headers, 'mcp-name': 'wait' },
    });
    expect([response.status, answer.error?.code]).toEqual([400, -32020]);
  });

  it.each([
    ['is missing', {}, 400],
    ['is another', { 'mcp-param-region': 'eu' }, 400],
    ['is the same', { 'mcp-param-region': 'us' }, 200],
    ['is the same, encoded', { 'mcp-param-region': '=?base64?dXM=?=' }, 200],
  ])('is checked against its Mcp-Param header, which %s', async (_name, headers, status) => {
    const params = { name: 'mirror', arguments: { region: 'us' } };
    const { response } = await send(
      modernRequest('tools/call', params, { token: await server.token(), headers }),
    );
    expect(response.status).toBe(status);
  });

  it('reaches its handler without the credentials it came with', async () => {
    const token = await server.token();
    await send(modernRequest('tools/call', { name: 'mirror', arguments: {} }, { token }));
    expect(seenByHandler).toContain('"subject":"ada"');
    expect(seenByHandler).not.toContain(token);
  });

  it('is cancelled when its client goes away', async () => {
    const gone = new AbortController();
    const request = modernRequest(
      'tools/call',
      { name: 'wait', arguments: {} },
      {
        token: await server.token(),
      },
    );
    const body = JSON.parse(request.body) as WireBody;
    body.params._meta = { ...body.params._meta, progressToken: 'p' };
    const response = await fetch(server.mcpUrl, {
      ...request,
      body: JSON.stringify(body),
      signal: gone.signal,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    gone.abort();
    await expect
      .poll(() => server.stores.audit.recent(1))
      .toMatchObject([{ target: 'wait', outcome: 'cancelled' }]);
  });
});

describe('subscriptions/listen', () => {
  it('acknowledges first, tells only what was asked for, and ends with a result when the server closes', async () => {
    const own = await startTestServer({ registry });
    const response = await listen(own, await own.token());
    own.http.notify.promptsChanged();
    own.http.notify.toolsChanged();
    const reading = messagesOf(response);
    await own.close();
    const messages = await reading;

    expect(messages.map((message) => message.method ?? 'result')).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      'result',
    ]);
    expect(messages.at(-1)).toMatchObject({ id: 'sub', result: { resultType: 'complete' } });
  });

  it('does not outlive the token that opened it', async () => {
    const own = await startTestServer({ registry });
    try {
      // The clock stands still just before the end of the token: the timer that is left is a real one.
      const token = await own.token({ lifetimeSeconds: 60 });
      own.clock.advance(59.9);
      const messages = await messagesOf(await listen(own, token));
      expect(messages.at(-1)?.method).toBe('notifications/subscriptions/acknowledged');
    } finally {
      await own.close();
    }
  });
});
