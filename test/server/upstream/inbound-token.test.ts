import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createExchangedTokens,
  createInboundTokens,
  createRegistry,
  createUpstreams,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
} from '../../../src/server/index.js';
import { type TestServer, startTestServer } from '../support/test-server.js';

const PREFIX = 'io.modelcontextprotocol/';
const inboundTokens = createInboundTokens();
let server: TestServer;
let reached: { kind: string; given: readonly unknown[] }[] = [];

/**
 * Every text that can be reached from a value: members of any kind and visibility of its whole prototype chain, getters
 * called, entries of collections, headers and requests.
 */
function textsWithin(root: unknown): string[] {
  const texts: string[] = [];
  const seen = new Set<unknown>();
  const open: unknown[] = [root];
  for (let step = 0; open.length > 0 && step < 200_000; step += 1) {
    const value = open.pop();
    if (typeof value === 'string') texts.push(value);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue;
    if (seen.has(value)) continue;
    seen.add(value);
    if (value === globalThis) continue;
    if (ArrayBuffer.isView(value)) texts.push(Buffer.from(value.buffer).toString('latin1'));
    if (value instanceof Map || value instanceof Set || value instanceof Headers) {
      open.push(...value);
    }
    if (typeof value === 'function') texts.push(Function.prototype.toString.call(value));
    for (
      let owner: object | null = value;
      owner !== null;
      owner = Object.getPrototypeOf(owner) as object | null
    ) {
      for (const key of Reflect.ownKeys(owner)) {
        if (typeof key === 'string') texts.push(key);
        try {
          open.push(Reflect.get(owner, key, value));
        } catch {
          // A getter for something else.
        }
      }
    }
  }
  return texts;
}

function registry() {
  const note =
    (kind: string) =>
    (...given: readonly unknown[]): void =>
      void reached.push({ kind, given });
  return createRegistry({
    tools: [
      defineTool({
        name: 'look',
        description: 'Looks at everything that it is given, and keeps it.',
        scopes: [],
        input: z.object({ text: z.string() }),
        handler(args, context) {
          const { signal } = context;
          note('tool')(args, context, signal, context.upstream('api'), inboundTokens);
          note('tool')(context.upstream('exchanged'));
          return { content: [{ type: 'text', text: 'seen' }] };
        },
      }),
    ],
    resources: [
      defineResource({
        uri: 'look://one',
        name: 'one',
        scopes: [],
        read: async (context) => {
          note('resource')(context);
          return [{ text: 'seen' }];
        },
      }),
    ],
    resourceTemplates: [
      defineResourceTemplate({
        uriTemplate: 'look://{id}/x',
        name: 'many',
        scopes: [],
        read: async (variables, context) => {
          note('template')(variables, context);
          return [{ text: 'seen' }];
        },
        list: async (context) => {
          note('list')(context);
          return [];
        },
      }),
    ],
    prompts: [
      definePrompt({
        name: 'look',
        scopes: [],
        arguments: [
          {
            name: 'a',
            complete: (value, context) => {
              note('completion')(value, context);
              return [];
            },
          },
        ],
        render: async (args, context) => {
          note('prompt')(args, context);
          return { messages: [] };
        },
      }),
    ],
  });
}

beforeAll(async () => {
  server = await startTestServer({
    registry: registry(),
    upstreams: createUpstreams({
      api: {
        origins: ['https://api.example.com'],
        credential: { kind: 'static', secret: 'canary-upstream-secret' },
      },
      exchanged: {
        origins: ['https://exchanged.example.com'],
        credential: {
          kind: 'stored',
          provider: 'university',
          tokens: createExchangedTokens({
            issuer: 'https://as.example.com',
            identity: 'local',
            clientId: 'mcp',
            clientSecret: 'canary-upstream-secret',
            inboundTokens,
          }),
        },
      },
    }),
    inboundTokens,
  });
});
afterAll(() => server.close());

async function send(
  body: Record<string, unknown>,
  headers: Record<string, string>,
): Promise<{ status: number; sessionId: string | null }> {
  const response = await fetch(server.mcpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      cookie: 'session=canary-cookie-value',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...body }),
  });
  await response.text();
  return { status: response.status, sessionId: response.headers.get('mcp-session-id') };
}

const REQUESTS = [
  ['tools/call', { name: 'look', arguments: { text: 'x' } }],
  ['resources/read', { uri: 'look://one' }],
  ['resources/read', { uri: 'look://7/x' }],
  ['resources/list', {}],
  ['prompts/get', { name: 'look', arguments: { a: 'b' } }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'look' }, argument: { name: 'a', value: 'b' } },
  ],
] as const;
const KINDS = ['completion', 'list', 'prompt', 'resource', 'template', 'tool'];

async function modern(credential: Record<string, string>, meta: object): Promise<void> {
  for (const [method, params] of REQUESTS) {
    const { name, uri } = params as { name?: string; uri?: string };
    const { status } = await send(
      {
        id: 1,
        method,
        params: {
          ...params,
          _meta: {
            [`${PREFIX}protocolVersion`]: '2026-07-28',
            [`${PREFIX}clientCapabilities`]: {},
            ...meta,
          },
        },
      },
      {
        ...credential,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...((name ?? uri) !== undefined && { 'mcp-name': name ?? uri ?? '' }),
      },
    );
    expect(status, method).toBe(200);
  }
}

async function legacy(credential: Record<string, string>, meta: object | undefined): Promise<void> {
  const { sessionId } = await send(
    {
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'test', version: '1' },
      },
    },
    credential,
  );
  const headers = {
    ...credential,
    'mcp-session-id': sessionId ?? '',
    'mcp-protocol-version': '2025-11-25',
  };
  await send({ method: 'notifications/initialized' }, headers);
  for (const [method, params] of REQUESTS) {
    const { status } = await send(
      { id: 1, method, params: { ...params, ...(meta !== undefined && { _meta: meta }) } },
      headers,
    );
    expect(status, method).toBe(200);
  }
}

describe('the token that came in', () => {
  it.each([
    [
      'a modern request, on the direct path',
      (credential: Record<string, string>) => modern(credential, {}),
    ],
    [
      'a modern request, through the SDK',
      (credential: Record<string, string>) => modern(credential, { progressToken: 1 }),
    ],
    [
      'a session, on the short way',
      (credential: Record<string, string>) => legacy(credential, undefined),
    ],
    [
      'a session, through the SDK',
      (credential: Record<string, string>) => legacy(credential, { progressToken: 1 }),
    ],
  ])('is not to be found in anything that a handler is given: %s', async (_name, run) => {
    const token = await server.token();
    const key = await server.apiKey();
    const secrets = [token, key, 'canary-cookie-value', 'canary-upstream-secret'];
    for (const credential of [{ authorization: `Bearer ${token}` }, { 'x-api-key': key }] as Record<
      string,
      string
    >[]) {
      reached = [];
      await run(credential);
      expect([...new Set(reached.map(({ kind }) => kind))].sort()).toEqual(KINDS);
      for (const { kind, given } of reached) {
        const texts = textsWithin(given);
        for (const secret of secrets) {
          expect(
            texts.some((text) => text.includes(secret)),
            kind,
          ).toBe(false);
        }
      }
    }
  });

  it('would be found: the walk reaches members, getters, symbols, collections and headers', () => {
    const hidden = Symbol('hidden');
    class Holder {
      get token(): string {
        return 'needle-getter';
      }
    }
    const texts = textsWithin([
      new Map([['k', { [hidden]: 'needle-symbol' }]]),
      new Headers({ authorization: 'needle-header' }),
      new Request('https://x.example', { headers: { 'x-a': 'needle-request' } }),
      new Holder(),
    ]);
    for (const needle of ['getter', 'symbol', 'header', 'request']) {
      expect(
        texts.some((text) => text.includes(`needle-${needle}`)),
        needle,
      ).toBe(true);
    }
  });
});
