import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  McpServer as ModernServer,
  createMcpHandler,
  inputRequired,
  acceptedContent,
} from '@modelcontextprotocol/server';
import { McpServer as LegacyServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Rpc, TestHost, listen, textOf } from './support.js';

const NAME_FORM = {
  type: 'object' as const,
  properties: { name: { type: 'string' as const } },
  required: ['name'],
};

/** A server of the 2026 era alone. */
async function startModern() {
  const build = (): ModernServer => {
    const server = new ModernServer(
      { name: 'modern-only', version: '1.0.0' },
      { capabilities: { resources: { subscribe: true }, tools: { listChanged: true } } },
    );
    server.registerTool('greet', { description: 'Asks for a name.' }, (ctx) => {
      const answer = acceptedContent<{ name: string }>(ctx.mcpReq.inputResponses, 'who');
      return answer === undefined
        ? inputRequired({
            inputRequests: {
              who: inputRequired.elicit({ message: 'Who are you?', requestedSchema: NAME_FORM }),
            },
            requestState: 'state-of-the-server',
          })
        : {
            content: [
              { type: 'text', text: `hello ${answer.name}, ${String(ctx.mcpReq.requestState())}` },
            ],
          };
    });
    server.registerTool(
      'count',
      { description: 'Counts, with progress.', inputSchema: z.object({ to: z.number() }) },
      async ({ to }, ctx) => {
        const { progressToken = '' } = ctx.mcpReq._meta ?? {};
        for (let progress = 1; progress <= to; progress++) {
          await ctx.mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress },
          });
        }
        return { content: [{ type: 'text', text: `counted to ${to}` }] };
      },
    );
    server.registerTool('wait', { description: 'Waits until it is cancelled.' }, async (ctx) => {
      cancelled.push('started');
      await new Promise((resolve) => ctx.mcpReq.signal.addEventListener('abort', resolve));
      cancelled.push('cancelled');
      return { content: [] };
    });
    server.registerResource('note', 'note://1', {}, (uri) => ({
      contents: [{ uri: uri.href, text: 'one' }],
    }));
    return server;
  };
  const cancelled: string[] = [];
  const handler = createMcpHandler(build, { legacy: 'reject' });
  const node = toNodeHandler(handler);
  const { url } = await listen((req, res, body) => node(req as never, res, body));
  return { url, handler, cancelled };
}

/** A server of the 2025 era alone, made with the SDK's version 1. */
async function startLegacy() {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const servers: LegacyServer[] = [];
  const build = (): LegacyServer => {
    const server = new LegacyServer(
      { name: 'legacy-only', version: '1.0.0' },
      { capabilities: { logging: {}, resources: { subscribe: true } } },
    );
    server.registerTool('greet', { description: 'Asks for a name.' }, async () => {
      const answer = await server.server.elicitInput({
        message: 'Who are you?',
        requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
      });
      return { content: [{ type: 'text', text: `hello ${String(answer.content?.['name'])}` }] };
    });
    server.registerTool('log', { description: 'Logs.' }, async ({ sendNotification }) => {
      await sendNotification({
        method: 'notifications/message',
        params: { level: 'info', data: 'said' },
      });
      return { content: [{ type: 'text', text: 'done' }] };
    });
    server.registerResource('note', 'note://1', {}, (uri) => ({
      contents: [{ uri: uri.href, text: 'one' }],
    }));
    servers.push(server);
    return server;
  };
  const methods: string[] = [];
  const { url } = await listen(async (req, res, body) => {
    const id = req.headers['mcp-session-id'];
    if (typeof body?.['method'] === 'string') methods.push(body['method']);
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (known !== undefined) return known.handleRequest(req, res, body);
    if (body?.['method'] !== 'initialize') {
      res.writeHead(id === undefined ? 400 : 404).end();
      return undefined;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (session) => void sessions.set(session, transport),
    });
    await build().connect(transport);
    return transport.handleRequest(req, res, body);
  });
  return { url, sessions, servers, methods };
}

const isTool = (rpc: Rpc, name: string): boolean =>
  (rpc.result?.['tools'] as { name: string }[] | undefined)?.some((tool) => tool.name === name) ===
  true;

describe('a 2025 host in front of a 2026-only server', () => {
  it('is answered as a 2025 server would, and told the capabilities of the real one', async () => {
    const { url } = await startModern();
    const host = new TestHost(url, { usesOAuth: false });
    const { result } = await host.initialize();
    expect(result).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'modern-only' },
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
    });
    const listed = await host.request('tools/list');
    expect(isTool(listed, 'greet')).toBe(true);
    expect(listed.result).not.toHaveProperty('resultType');
    expect(listed.result).not.toHaveProperty('_meta');
    expect((await host.request('ping')).result).toEqual({});
  });

  it('gets what the server asks as a request, and the server its own state back', async () => {
    const { url } = await startModern();
    const host = new TestHost(url, { usesOAuth: false });
    host.onRequest = ({ method, params }) => {
      expect(method).toBe('elicitation/create');
      expect(params).toMatchObject({ message: 'Who are you?' });
      return { action: 'accept', content: { name: 'Nora' } };
    };
    await host.initialize({ elicitation: {} });
    const answer = await host.request('tools/call', { name: 'greet', arguments: {} });
    expect(textOf(answer)).toBe('hello Nora, state-of-the-server');
  });

  it('gets progress under its own token, and cancels what it no longer wants', async () => {
    const { url, cancelled } = await startModern();
    const host = new TestHost(url, { usesOAuth: false });
    await host.initialize();
    await host.request('tools/call', {
      name: 'count',
      arguments: { to: 2 },
      _meta: { progressToken: 'mine' },
    });
    const progress = host.received.filter(({ method }) => method === 'notifications/progress');
    expect(progress.map(({ params }) => params)).toMatchObject([
      { progressToken: 'mine', progress: 1 },
      { progressToken: 'mine', progress: 2 },
    ]);
    void host.request('tools/call', { name: 'wait', arguments: {} }, 'to-cancel');
    await expect.poll(() => cancelled).toEqual(['started']);
    host.say({ method: 'notifications/cancelled', params: { requestId: 'to-cancel' } });
    await expect.poll(() => cancelled).toEqual(['started', 'cancelled']);
    expect(host.received.some(({ id }) => id === 'to-cancel')).toBe(false);
  });

  it('hears of changes that the server tells on a subscription stream', async () => {
    const { url, handler } = await startModern();
    const host = new TestHost(url, { usesOAuth: false });
    await host.initialize();
    expect((await host.request('resources/subscribe', { uri: 'note://1' })).result).toEqual({});
    await expect
      .poll(() => {
        handler.notify.toolsChanged();
        handler.notify.resourceUpdated('note://1');
        return host.received.map(({ method }) => method);
      })
      .toEqual(
        expect.arrayContaining([
          'notifications/tools/list_changed',
          'notifications/resources/updated',
        ]),
      );
  });
});

describe('a 2026 host in front of a 2025-only server', () => {
  it('discovers a server of its own era', async () => {
    const { url } = await startLegacy();
    const host = new TestHost(url, { usesOAuth: false });
    const { result } = await host.modern('server/discover');
    expect(result).toMatchObject({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'legacy-only' } },
    });
    const listed = await host.modern('tools/list');
    expect(isTool(listed, 'greet')).toBe(true);
    expect(listed.result).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    });
  });

  it('gets a question as input_required and answers it with the next request', async () => {
    const { url } = await startLegacy();
    const host = new TestHost(url, { usesOAuth: false });
    const call = { name: 'greet', arguments: {} };
    const asked = (await host.modern('tools/call', call)).result as {
      resultType: string;
      inputRequests: Record<string, { method: string; params: unknown }>;
      requestState: string;
    };
    expect(asked.resultType).toBe('input_required');
    const [[key, question] = ['', undefined]] = Object.entries(asked.inputRequests);
    expect(question).toMatchObject({
      method: 'elicitation/create',
      params: { message: 'Who are you?' },
    });
    const answer = await host.modern('tools/call', {
      ...call,
      requestState: asked.requestState,
      inputResponses: { [key]: { action: 'accept', content: { name: 'Nora' } } },
    });
    expect(textOf(answer)).toBe('hello Nora');
    const again = await host.modern('tools/call', { ...call, requestState: asked.requestState });
    expect(again.error).toMatchObject({ code: -32602 });
  });

  it('hears log messages only of requests that ask for them', async () => {
    const { url } = await startLegacy();
    const host = new TestHost(url, { usesOAuth: false });
    const logs = (): number =>
      host.received.filter(({ method }) => method === 'notifications/message').length;
    await host.modern('tools/call', { name: 'log', arguments: {} });
    expect(logs()).toBe(0);
    const meta = { 'io.modelcontextprotocol/logLevel': 'info' };
    await host.modern('tools/call', { name: 'log', arguments: {} }, meta);
    expect(logs()).toBe(1);
  });

  it('listens to changes: acknowledged first, tagged, ended by cancelling', async () => {
    const { url, servers } = await startLegacy();
    const host = new TestHost(url, { usesOAuth: false });
    void host.modern(
      'subscriptions/listen',
      { notifications: { toolsListChanged: true, resourceSubscriptions: ['note://1'] } },
      {},
      'listen-1',
    );
    const ack = await host.until(({ method }) => method?.endsWith('acknowledged') === true);
    expect(ack.params).toEqual({
      notifications: { toolsListChanged: true, resourceSubscriptions: ['note://1'] },
      _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen-1' },
    });
    await expect
      .poll(() => {
        servers[0]?.sendToolListChanged();
        return host.received.find(({ method }) => method === 'notifications/tools/list_changed')
          ?.params;
      })
      .toMatchObject({ _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen-1' } });
  });

  it.each(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe'])(
    'refuses %s with the 2026 envelope: -32601',
    async (method) => {
      const { url } = await startLegacy();
      const host = new TestHost(url, { usesOAuth: false });
      expect((await host.modern(method)).error).toMatchObject({ code: -32601 });
    },
  );
});

describe('equal eras', () => {
  it("passes a 2025 server's answer to initialize through, with the proxy's own changes of the tools added", async () => {
    const { url } = await startLegacy();
    const host = new TestHost(url, { usesOAuth: false });
    const { result } = await host.initialize();
    expect(result).toMatchObject({
      serverInfo: { name: 'legacy-only', version: '1.0.0' },
      capabilities: { tools: { listChanged: true }, logging: {} },
    });
  });

  it('opens a lost session again without the host knowing, for a write too: it was not looked at', async () => {
    const { url, sessions, methods } = await startLegacy();
    const host = new TestHost(url, { usesOAuth: false });
    await host.initialize();
    await host.request('tools/list');
    sessions.clear();
    expect(textOf(await host.request('tools/call', { name: 'log', arguments: {} }))).toBe('done');
    expect(methods.filter((name) => name === 'initialize').length).toBe(2);
    await host.until(({ method }) => method === 'notifications/tools/list_changed');
  });
});
