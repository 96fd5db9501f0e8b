import { afterEach, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from './support/test-server.js';
import {
  type RpcMessage,
  answerOf,
  initializeRequest,
  legacyRequest,
  messagesOf,
  openSession,
} from './support/wire.js';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(...options: Parameters<typeof startTestServer>): Promise<TestServer> {
  const server = await startTestServer(...options);
  servers.push(server);
  return server;
}

const readNote = { name: 'read_note', arguments: { id: '7' } };

function streamRequest(session: string, token: string, headers: object = {}) {
  return {
    method: 'GET',
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-session-id': session,
      ...headers,
    },
  };
}

/** Reads a stream until a message fits, then lets go of it. */
async function firstMatching(
  response: Response,
  isWanted: (message: RpcMessage) => boolean,
): Promise<RpcMessage | undefined> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) return undefined;
    text += chunk.value;
    const found = text
      .split('\n')
      .filter((line) => line.startsWith('data: {') && line.endsWith('}'))
      .map((line) => JSON.parse(line.slice(6)) as RpcMessage)
      .find(isWanted);
    if (found !== undefined) {
      await reader?.cancel();
      return found;
    }
  }
}

describe('a 2025 session over HTTP', () => {
  it('is opened by initialize and serves calls', async () => {
    const server = await start();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });

    expect(session).toMatch(/^[\x21-\x7e]{40,}$/);
    const response = await fetch(
      server.mcpUrl,
      legacyRequest('tools/call', readNote, { token, session }),
    );
    expect((await answerOf(response)).result).toMatchObject({
      structuredContent: { id: '7', owner: 'ada' },
    });
  });

  it('echoes a version it serves and offers 2025-11-25 for one it does not', async () => {
    const server = await start({ isOpen: true });
    const ask = async (protocolVersion: string) => {
      const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'x', version: '1' } };
      const response = await fetch(server.mcpUrl, legacyRequest('initialize', params));
      return (await answerOf(response)).result?.['protocolVersion'];
    };
    expect(await ask('2025-06-18')).toBe('2025-06-18');
    expect(await ask('1999-01-01')).toBe('2025-11-25');
  });

  it('answers 404 to another principal, and to an unknown id, in the same words', async () => {
    const server = await start();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const eve = await server.token({ sub: 'eve' });

    const foreign = await fetch(server.mcpUrl, legacyRequest('ping', {}, { token: eve, session }));
    const unknown = await fetch(
      server.mcpUrl,
      legacyRequest('ping', {}, { token: eve, session: 'nothing' }),
    );
    const stream = await fetch(server.mcpUrl, streamRequest(session, eve));
    const deletion = await fetch(server.mcpUrl, {
      ...streamRequest(session, eve),
      method: 'DELETE',
    });

    expect([foreign.status, unknown.status, stream.status, deletion.status]).toEqual([
      404, 404, 404, 404,
    ]);
    expect(await foreign.json()).toEqual(await unknown.json());
    const own = await fetch(server.mcpUrl, legacyRequest('ping', {}, { token, session }));
    expect(own.status).toBe(200);
  });

  it('answers 400 when the session id is missing, also to a stream', async () => {
    const server = await start();
    const token = await server.token();
    const call = await fetch(server.mcpUrl, legacyRequest('tools/list', {}, { token }));
    const stream = await fetch(server.mcpUrl, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
    });
    expect([call.status, stream.status]).toEqual([400, 400]);
  });

  it('ends with DELETE and when it was idle for its lifetime', async () => {
    const server = await start({ limits: { sessionTtlSeconds: 100, drainMs: 100 } });
    const token = await server.token({ lifetimeSeconds: 10_000 });
    const first = await openSession(server.mcpUrl, { token });
    const second = await openSession(server.mcpUrl, { token });
    const ping = async (session: string) =>
      (await fetch(server.mcpUrl, legacyRequest('ping', {}, { token, session }))).status;

    const deletion = await fetch(server.mcpUrl, {
      ...streamRequest(first, token),
      method: 'DELETE',
    });
    expect([deletion.status, await ping(first)]).toEqual([200, 404]);

    server.clock.advance(90);
    expect(await ping(second)).toBe(200);
    server.clock.advance(90);
    expect(await ping(second)).toBe(200);
    server.clock.advance(101);
    expect(await ping(second)).toBe(404);
  });

  it('answers 400 to a protocol version it does not serve', async () => {
    const server = await start();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const headers = { 'mcp-protocol-version': '1999-01-01' };
    const response = await fetch(
      server.mcpUrl,
      legacyRequest('ping', {}, { token, session, headers }),
    );
    expect(response.status).toBe(400);
  });

  it('is taken up by a second process over the same store', async () => {
    const server = await start();
    const token = await server.token({ scope: 'notes:read notes:write' });
    const session = await openSession(server.mcpUrl, { token });
    await fetch(
      server.mcpUrl,
      legacyRequest('logging/setLevel', { level: 'error' }, { token, session }),
    );
    const second = await server.second();
    try {
      const calls = [1, 2, 3].map((id) =>
        fetch(second.url, legacyRequest('tools/call', readNote, { token, session, id })),
      );
      for (const response of await Promise.all(calls)) {
        expect((await answerOf(response)).result).toMatchObject({
          structuredContent: { id: '7', owner: 'ada' },
        });
      }
      const deletion = await fetch(second.url, {
        ...streamRequest(session, token),
        method: 'DELETE',
      });
      await deletion.text();
      const after = await fetch(server.mcpUrl, legacyRequest('ping', {}, { token, session }));
      expect(after.status).toBe(404);
    } finally {
      await second.close();
    }
  });

  it('replays by Last-Event-ID what a stream missed, in another process too, and nothing of other streams', async () => {
    const server = await start();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    // A client that wants progress gets a stream, however short the call.
    const params = { ...readNote, _meta: { progressToken: 'p' } };
    const request = legacyRequest('tools/call', params, { token, session, id: 41 });
    const body = await (await fetch(server.mcpUrl, request)).text();
    const firstEventId = /^id: (\d+)$/m.exec(body)?.[1] ?? '';
    await (
      await fetch(server.mcpUrl, legacyRequest('ping', {}, { token, session, id: 42 }))
    ).text();

    const second = await server.second();
    try {
      for (const url of [server.mcpUrl, second.url]) {
        const replay = await fetch(
          url,
          streamRequest(session, token, { 'last-event-id': firstEventId }),
        );
        expect((await messagesOf(replay)).map((message) => message.id)).toEqual([41]);
      }
      const foreign = await openSession(server.mcpUrl, { token });
      const stolen = await fetch(
        server.mcpUrl,
        streamRequest(foreign, token, { 'last-event-id': '999' }),
      );
      expect(stolen.status).toBe(400);
    } finally {
      await second.close();
    }
  });

  it('tells connected clients of changes; of a resource only who subscribed to it', async () => {
    const server = await start();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const subscribe = legacyRequest(
      'resources/subscribe',
      { uri: 'notes://motd' },
      { token, session },
    );
    await (await fetch(server.mcpUrl, subscribe)).text();
    const stream = await fetch(server.mcpUrl, streamRequest(session, token));

    server.http.notify.resourceUpdated('notes://other/text');
    server.http.notify.resourceUpdated('notes://motd');
    const update = await firstMatching(
      stream,
      (message) => message.method === 'notifications/resources/updated',
    );
    expect(update?.params).toMatchObject({ uri: 'notes://motd' });

    const again = await fetch(server.mcpUrl, streamRequest(session, token));
    server.http.notify.toolsChanged();
    const changed = await firstMatching(
      again,
      (message) => message.method === 'notifications/tools/list_changed',
    );
    expect(changed).toBeDefined();
  });

  it('remembers subscriptions for the next process', async () => {
    const server = await start();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const subscribe = legacyRequest(
      'resources/subscribe',
      { uri: 'notes://motd' },
      { token, session },
    );
    await (await fetch(server.mcpUrl, subscribe)).text();
    const { sessions } = server.stores;
    expect(await sessions.subscriptionsAmong(['notes://motd'], [session, 'another'])).toEqual([
      { id: session, uri: 'notes://motd' },
    ]);
    expect(await sessions.find(session, 0)).toMatchObject({ isInitialized: true });
  });

  it('stores no session for a malformed initialize', async () => {
    const server = await start({ isOpen: true });
    const response = await fetch(server.mcpUrl, legacyRequest('initialize', { nothing: true }));
    expect(response.status).toBe(400);
    expect(server.database.all('SELECT 1 FROM mcp_session')).toEqual([]);
  });

  it('keeps no session id in the clear', async () => {
    const server = await start({ isOpen: true });
    const session = await openSession(server.mcpUrl);
    const rows = JSON.stringify(server.database.all('SELECT * FROM mcp_session'));
    expect(rows).toContain('wire');
    expect(rows).not.toContain(session);
  });

  it('puts idle sessions away and takes them up again without the client noticing', async () => {
    const server = await start({ isOpen: true, limits: { maxLiveSessions: 1, drainMs: 100 } });
    const sessions = [await openSession(server.mcpUrl), await openSession(server.mcpUrl)];
    for (const session of [...sessions, ...sessions]) {
      const response = await fetch(
        server.mcpUrl,
        legacyRequest('tools/call', readNote, { session }),
      );
      expect((await answerOf(response)).result).toBeDefined();
    }
  });

  it('ends open streams when the server closes', async () => {
    const server = await startTestServer();
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const stream = await fetch(server.mcpUrl, streamRequest(session, token));
    const ended = stream.text();
    await server.close();
    expect(await ended).toMatch(/^id: c\d+\nretry: \d+\ndata: \n\n$/);
  });

  it('names the server and its capabilities in the answer to initialize', async () => {
    const server = await start();
    const response = await fetch(server.mcpUrl, initializeRequest({ token: await server.token() }));
    expect((await answerOf(response)).result).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'notes', version: '1.0.0' },
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
    });
  });
});
