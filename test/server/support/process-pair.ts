import { expect } from 'vitest';
import { z } from 'zod';
import { createRegistry, defineResourceTemplate, defineTool } from '../../../src/server/index.js';
import { OpenStream, send } from '../../requirements/support/exchange.js';
import { type TestServer, startTestServer } from './test-server.js';
import { initializeRequest, legacyRequest } from './wire.js';

/** Calls of `wait` go on until they are let go, or cancelled. */
function createPatience() {
  let letGo = (): void => undefined;
  let start = (): void => undefined;
  const released = new Promise<void>((resolve) => (letGo = resolve));
  const started = new Promise<void>((resolve) => (start = resolve));
  let isAborted = false;
  const wait = defineTool({
    name: 'wait',
    description: 'Waits until it may go on, and says so first.',
    scopes: [],
    async handler(_args, context) {
      await context.progress(1);
      start();
      const aborted = new Promise<void>((resolve) => {
        context.signal.addEventListener('abort', () => {
          isAborted = true;
          resolve();
        });
      });
      await Promise.race([released, aborted]);
      await context.progress(2);
      return { content: [{ type: 'text', text: 'waited' }] };
    },
  });
  return { wait, started, letGo: () => letGo(), isAborted: () => isAborted };
}

const ask = defineTool({
  name: 'ask',
  description: 'Asks two questions, one after the other.',
  scopes: [],
  async handler(_args, context) {
    const form = { kind: 'form', schema: z.object({ name: z.string() }) } as const;
    const { first } = await context.ask({ first: { ...form, message: 'First name?' } });
    const { last } = await context.ask({ last: { ...form, message: 'Last name?' } });
    const names = [first, last].map((answer) =>
      answer['action'] === 'accept' ? (answer['content'] as { name: string }).name : 'nobody',
    );
    return { content: [{ type: 'text', text: names.join(' ') }] };
  },
});

const talk = defineTool({
  name: 'talk',
  description: 'Logs at two levels.',
  scopes: [],
  async handler(_args, { log }) {
    await log('debug', 'quiet');
    await log('error', 'loud');
    return { content: [] };
  },
});

type Process = Awaited<ReturnType<TestServer['second']>>;
export type Headers = Readonly<Record<string, string>>;

/** Two servers over one storage, as two processes are. */
export interface Pair {
  readonly server: TestServer;
  readonly urls: readonly [string, string];
  readonly second: Process;
  readonly patience: ReturnType<typeof createPatience>;
  /** Opens a session in the first process. */
  open(capabilities?: object): Promise<Headers>;
  post(at: 0 | 1, method: string, params: object, headers: Headers, id?: number): Promise<Response>;
  get(at: 0 | 1, headers: Headers): Promise<OpenStream>;
}

const pairs: Pair[] = [];
/** Streams that a test leaves open. */
export const streams: OpenStream[] = [];

export async function startPair(limits: object = {}): Promise<Pair> {
  const patience = createPatience();
  const registry = createRegistry({
    tools: [patience.wait, ask, talk],
    resourceTemplates: [
      defineResourceTemplate({
        uriTemplate: 'thing://{id}',
        name: 'thing',
        scopes: [],
        read: async ({ id }) => [{ text: String(id) }],
      }),
    ],
  });
  const options = { registry, isOpen: true, isShared: true };
  const server = await startTestServer({ ...options, limits: { drainMs: 200, ...limits } });
  const second = await server.second();
  const urls = [server.mcpUrl, second.url] as const;
  const pair: Pair = {
    server,
    second,
    urls,
    patience,
    async open(capabilities = {}) {
      const opened = await send(urls[0], initializeRequest({ capabilities }));
      const headers = {
        'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
        'mcp-protocol-version': '2025-11-25',
      };
      const { status } = await send(
        urls[0],
        legacyRequest('notifications/initialized', {}, { headers }),
      );
      expect(status).toBe(202);
      return headers;
    },
    post: (at, method, params, headers, id = 1) =>
      fetch(urls[at], legacyRequest(method, params, { headers, id })),
    async get(at, headers) {
      const response = await fetch(urls[at], {
        headers: { accept: 'text/event-stream', ...headers },
      });
      expect(response.status).toBe(200);
      const stream = new OpenStream(response);
      streams.push(stream);
      return stream;
    },
  };
  pairs.push(pair);
  return pair;
}

/** To be called after each test. */
export async function closePairs(): Promise<void> {
  for (const stream of streams.splice(0)) await stream.close();
  for (const { server, second } of pairs.splice(0)) {
    await second.close();
    await server.close();
  }
}

export function lastEventId({ text }: OpenStream): string {
  return [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
}
