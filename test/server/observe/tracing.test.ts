import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type ContextManager,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  propagation,
  trace,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Observer,
  createRegistry,
  createTracing,
  defineResource,
  defineTool,
  isTracingRegistered,
} from '../../../src/server/index.js';
import { parseTraceParent } from '../../../src/server/observe/trace-context.js';
import { type TestServer, startTestServer } from '../support/test-server.js';

const META_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const HEADER_TRACE = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const SPAN = '00f067aa0ba902b7';
const traceparent = (id: string) => `00-${id}-${SPAN}-01`;
const PREFIX = 'io.modelcontextprotocol/';

class TestContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active = (): Context => this.#storage.getStore() ?? ROOT_CONTEXT;
  with: ContextManager['with'] = (active, work, self, ...args) =>
    this.#storage.run(active, () => work.call(self as never, ...args));
  bind: ContextManager['bind'] = (_context, target) => target;
  enable = (): this => this;
  disable = (): this => this;
}

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let seenBaggage: string | undefined;
let server: TestServer;
let tracer: Observer;

function registry() {
  const shared = {
    description: 'A tool of the tracing tests, long enough.',
    scopes: ['notes:read'],
  };
  return createRegistry({
    tools: [
      defineTool({
        ...shared,
        name: 'work',
        input: z.object({ secret: z.string().optional() }),
        async handler() {
          seenBaggage = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
          await Promise.resolve();
          trace.getTracer('tool').startSpan('inner').end();
          return { content: [{ type: 'text', text: 'done' }] };
        },
      }),
      defineTool({
        ...shared,
        name: 'refuse',
        handler: () => ({ isError: true, content: [{ type: 'text', text: 'no' }] }),
      }),
      defineTool({
        ...shared,
        name: 'throw',
        handler: () => {
          throw new Error('the password is hunter2');
        },
      }),
      defineTool({ ...shared, name: 'write', scopes: ['notes:write'], handler: () => ({}) }),
    ],
    resources: [
      defineResource({
        uri: 'notes://motd',
        name: 'motd',
        scopes: [],
        read: async () => [{ text: 'Hi' }],
      }),
    ],
  });
}

beforeAll(async () => {
  expect(isTracingRegistered()).toBe(false);
  expect(await createTracing()).toBeUndefined();
  context.setGlobalContextManager(new TestContextManager());
  trace.setGlobalTracerProvider(provider);
  expect(isTracingRegistered()).toBe(true);
  const tracing = await createTracing();
  if (tracing === undefined) throw new Error('not registered');
  tracer = tracing.observer;
  server = await startTestServer({ registry: registry(), observers: [tracer] });
});
afterAll(async () => {
  await server.close();
  trace.disable();
  context.disable();
});
afterEach(() => exporter.reset());

async function modern(
  method: string,
  params: Readonly<Record<string, unknown>>,
  more: { readonly meta?: object; readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  const { name, uri } = params as { name?: string; uri?: string };
  return fetch(server.mcpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...((name ?? uri) !== undefined && { 'mcp-name': name ?? uri ?? '' }),
      authorization: `Bearer ${await server.token()}`,
      ...more.headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 7,
      method,
      params: {
        ...params,
        _meta: {
          [`${PREFIX}protocolVersion`]: '2026-07-28',
          [`${PREFIX}clientCapabilities`]: {},
          ...more.meta,
        },
      },
    }),
  });
}

const call = (name: string, more?: Parameters<typeof modern>[2], args: object = {}) =>
  modern('tools/call', { name, arguments: args }, more);

function spans() {
  return exporter.getFinishedSpans();
}

function serverSpan() {
  const found = spans().filter(({ kind }) => kind === SpanKind.SERVER);
  expect(found).toHaveLength(1);
  return found[0] as NonNullable<(typeof found)[0]>;
}

describe('the span of an operation', () => {
  it('has the names of the MCP conventions, and nothing of arguments or credentials', async () => {
    await (await call('work', {}, { secret: 'canary-argument' })).text();
    const span = serverSpan();
    expect(span.name).toBe('tools/call work');
    expect(span.attributes).toEqual({
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2026-07-28',
      'jsonrpc.request.id': '7',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'work',
      'network.transport': 'tcp',
      'network.protocol.name': 'http',
    });
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(JSON.stringify([span.attributes, span.events])).not.toContain('canary');
  });

  it('is active while the handler runs: the spans of a tool are its children', async () => {
    await (await call('work')).text();
    const inner = spans().find(({ name }) => name === 'inner');
    expect(inner?.parentSpanContext?.spanId).toBe(serverSpan().spanContext().spanId);
  });

  it.each([
    ['_meta', { meta: { traceparent: traceparent(META_TRACE) } }, META_TRACE],
    ['the headers', { headers: { traceparent: traceparent(HEADER_TRACE) } }, HEADER_TRACE],
    [
      '_meta before the headers',
      {
        meta: { traceparent: traceparent(META_TRACE) },
        headers: { traceparent: traceparent(HEADER_TRACE) },
      },
      META_TRACE,
    ],
  ])('has the parent that %s names (SEP-414)', async (_name, more, traceId) => {
    await (await call('work', more)).text();
    expect(serverSpan().parentSpanContext).toMatchObject({ traceId, spanId: SPAN, isRemote: true });
    const [row] = await server.stores.audit.recent(1);
    expect(row).toMatchObject({ traceId, requestId: '7', target: 'work' });
  });

  it('has the same parent where the SDK serves the request', async () => {
    const meta = { traceparent: traceparent(META_TRACE), progressToken: 1 };
    await (await call('work', { meta })).text();
    expect(serverSpan().parentSpanContext).toMatchObject({ traceId: META_TRACE });
    exporter.reset();
    const headers = { traceparent: traceparent(HEADER_TRACE) };
    await (await call('work', { meta: { progressToken: 1 }, headers })).text();
    expect(serverSpan().parentSpanContext).toMatchObject({ traceId: HEADER_TRACE });
  });

  it('carries tracestate and baggage to the handler', async () => {
    const meta = {
      traceparent: traceparent(META_TRACE),
      tracestate: 'vendor=1',
      baggage: 'tenant=a%20b;p=1,broken,=x',
    };
    await (await call('work', { meta })).text();
    expect(seenBaggage).toBe('a b');
    expect(serverSpan().spanContext().traceState?.get('vendor')).toBe('1');
  });

  it.each([
    ['00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
    [`ff-${META_TRACE}-${SPAN}-01`],
    [`00-${META_TRACE.toUpperCase()}-${SPAN}-01`],
    [`00-${META_TRACE}-${SPAN}-01-more`],
    [7],
  ])('starts a trace of its own when traceparent is %s', async (bad) => {
    expect(parseTraceParent(bad)).toBeUndefined();
    await (await call('work', { meta: { traceparent: bad } })).text();
    expect(serverSpan().parentSpanContext).toBeUndefined();
  });

  it('is an error for a tool that refuses, one that throws, and a missing scope', async () => {
    await (await call('refuse')).text();
    expect(serverSpan()).toMatchObject({
      attributes: { 'error.type': 'tool_error' },
      status: { code: SpanStatusCode.ERROR },
    });
    exporter.reset();
    await (await call('throw')).text();
    expect(serverSpan()).toMatchObject({
      attributes: { 'error.type': 'failed' },
      status: { code: SpanStatusCode.ERROR, message: 'handler_error' },
    });
    expect(
      JSON.stringify(spans().map(({ attributes, status }) => [attributes, status])),
    ).not.toContain('hunter2');
    exporter.reset();
    const refused = await call('write', { meta: { traceparent: traceparent(META_TRACE) } });
    expect(refused.status).toBe(403);
    expect(serverSpan()).toMatchObject({
      attributes: { 'mcp.method.name': 'tools/call', 'error.type': 'denied' },
      status: { code: SpanStatusCode.ERROR, message: 'insufficient_scope' },
      parentSpanContext: { traceId: META_TRACE },
    });
    const [row] = await server.stores.audit.recent(1);
    expect(row).toMatchObject({ outcome: 'denied', traceId: META_TRACE });
  });

  it('is there for what the SDK answers by itself: initialize, server/discover with a progress token', async () => {
    const token = await server.token();
    const answer = await fetch(server.mcpUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'test', version: '1' },
        },
      }),
    });
    await answer.text();
    await (await modern('server/discover', {}, { meta: { progressToken: 1 } })).text();
    await (await modern('server/discover', {})).text();
    const names = () => spans().map(({ name }) => name);
    await expect.poll(names).toHaveLength(3);
    expect(names().sort()).toEqual(['initialize', 'server/discover', 'server/discover']);
    expect(spans().map(({ status }) => status.code)).toEqual([0, 0, 0]);
  });

  it('names a list, a resource and an unknown tool', async () => {
    await (await modern('tools/list', {})).text();
    await (await modern('tools/list', {})).text();
    await (await modern('resources/read', { uri: 'notes://motd' })).text();
    await (await call('no_such_tool')).text();
    expect(spans().map(({ name }) => name)).toEqual([
      'tools/list',
      'tools/list',
      'resources/read',
      'tools/call',
    ]);
    expect(spans()[2]?.attributes).toMatchObject({ 'mcp.resource.uri': 'notes://motd' });
    expect(spans()[3]?.attributes).toMatchObject({
      'rpc.response.status_code': '-32602',
      'error.type': '-32602',
    });
  });

  it('links the span around it when the client names another parent', async () => {
    const outer = trace.getTracer('http').startSpan('POST /mcp');
    await context.with(trace.setSpan(context.active(), outer), async () => {
      const follower = tracer.operationStarted?.({
        method: 'ping',
        target: undefined,
        era: 'legacy',
        transport: 'http',
        principal: undefined,
        requestId: undefined,
        protocolVersion: undefined,
        traceContext: { source: 'meta', traceparent: traceparent(META_TRACE) },
      });
      follower?.ended?.({ outcome: 'ok', reason: undefined, errorCode: undefined });
    });
    const span = serverSpan();
    expect(span.parentSpanContext?.traceId).toBe(META_TRACE);
    expect(span.links.map((link) => link.context.spanId)).toEqual([outer.spanContext().spanId]);
  });
});
