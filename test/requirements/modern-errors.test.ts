import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, defineTool } from '../../src/server/index.js';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { LEGACY, MODERN, modernRequest } from '../server/support/wire.js';
import { META, type WireBody, claimVersion, modern, send, spoilt } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
});
afterAll(() => server.close());

interface Parts {
  readonly body: WireBody;
  readonly headers: Record<string, string>;
}
type Change = (parts: Parts) => void;

const region = { name: 'region', arguments: { region: 'eu' } };

/** What can be wrong with a request, the weightiest first: each entry wins over all that follow it. */
const flaws: readonly (readonly [string, Change, number, number])[] = [
  ['the id is no id', ({ body }) => (body.id = null), 400, -32600],
  [
    'the envelope has no capabilities',
    ({ body }) => delete body.params._meta[`${META}clientCapabilities`],
    400,
    -32602,
  ],
  [
    'the version header contradicts the body',
    ({ headers }) => (headers['mcp-protocol-version'] = '2099-12-31'),
    400,
    -32020,
  ],
  [
    'the version is unknown',
    (parts) => {
      const isAgreed = parts.headers['mcp-protocol-version'] === MODERN;
      const header = parts.headers['mcp-protocol-version'] ?? '';
      claimVersion(parts, '2099-01-01');
      if (!isAgreed) parts.headers['mcp-protocol-version'] = header;
    },
    400,
    -32022,
  ],
  ['a parameter header is missing', () => undefined, 400, -32020],
];

describe('the errors of 2026-07-28, when several things are wrong', () => {
  const pairs = flaws.flatMap((first, at) =>
    flaws.slice(at + 1).map((second) => [first[0], second[0], first, second] as const),
  );
  it.each(pairs)('%s: that comes before %s [ORDER-1]', async (_first, _second, first, second) => {
    const { status, answer } = await spoilt(server, 'tools/call', region, (parts) => {
      first[1](parts);
      second[1](parts);
    });
    expect([status, answer.error?.code]).toEqual([first[2], first[3]]);
  });

  it('puts host, origin, credentials, method and syntax before the message, in that order [ORDER-2]', async () => {
    const authorization = `Bearer ${await server.token()}`;
    const evil = 'https://evil.example';
    const { headers } = modernRequest('tools/list');
    const broken = { method: 'POST', body: '{"oops' };
    const statuses = [
      { ...broken, headers: { ...headers, origin: evil } },
      { ...broken, headers },
      { ...broken, method: 'PUT', headers: { ...headers, authorization } },
      { ...broken, headers: { ...headers, authorization } },
    ].map(async (request) => (await send(server.mcpUrl, request)).status);
    expect(await Promise.all(statuses)).toEqual([403, 401, 405, 400]);
  });

  it('lets a missing envelope win over an unknown method, and a bad version too [ORDER-1]', async () => {
    const unknown: Change = ({ body, headers }) => {
      body.method = 'nothing/at-all';
      headers['mcp-method'] = 'nothing/at-all';
    };
    const bare = await spoilt(server, 'tools/list', {}, (parts) => {
      unknown(parts);
      delete (parts.body.params as { _meta?: unknown })._meta;
    });
    const newer = await spoilt(server, 'tools/list', {}, (parts) => {
      unknown(parts);
      claimVersion(parts, '2099-01-01');
    });
    expect([bare.answer.error?.code, newer.answer.error?.code]).toEqual([-32602, -32022]);
  });

  it('lets a header that is missing win over a method that is unknown [ORDER-1]', async () => {
    const { status, answer } = await spoilt(server, 'tools/list', {}, ({ body, headers }) => {
      body.method = 'nothing/at-all';
      delete headers['mcp-method'];
    });
    expect([status, answer.error?.code]).toEqual([400, -32020]);
  });
});

describe('the envelope of 2026-07-28', () => {
  const required: readonly [string, Change][] = [
    ['no _meta at all', ({ body }) => delete (body.params as { _meta?: unknown })._meta],
    ['no params', ({ body }) => delete (body as { params?: unknown }).params],
    ['no capabilities', ({ body }) => delete body.params._meta[`${META}clientCapabilities`]],
    [
      'capabilities that are no object',
      ({ body }) => (body.params._meta[`${META}clientCapabilities`] = 'all'),
    ],
    ['no version', ({ body }) => delete body.params._meta[`${META}protocolVersion`]],
  ];
  it.each(required)(
    'is refused with 400 and -32602 when it has %s [ENV-1]',
    async (_name, change) => {
      const { status, answer } = await spoilt(server, 'tools/list', {}, change);
      expect([status, answer.error?.code, answer.id]).toEqual([400, -32602, 'q']);
    },
  );

  it('needs no clientInfo, and takes one [ENV-2]', async () => {
    const without = await modern(server, 'tools/call', { name: 'echo', arguments: { text: 'x' } });
    expect(without.answer.result).toBeDefined();
    const named = await spoilt(server, 'server/discover', {}, ({ body }) => {
      body.params._meta[`${META}clientInfo`] = { name: 'x', version: '1' };
    });
    expect(named.answer.result).toBeDefined();
  });

  it('may hold trace context and keys of others [ENV-3]', async () => {
    const call = { name: 'echo', arguments: { text: 'x' } };
    const { status } = await spoilt(server, 'tools/call', call, ({ body }) => {
      body.params._meta['traceparent'] = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      body.params._meta['com.example/own'] = { any: ['thing'] };
    });
    expect(status).toBe(200);
  });

  it.each(['2099-01-01', '2025-11-25', '2025-06-18', '1.0', ''])(
    'of version %j is refused with 400, -32022, what is served and what was asked for [ERR-3]',
    async (version) => {
      const { status, answer } = await spoilt(server, 'tools/list', {}, (parts) =>
        claimVersion(parts, version),
      );
      expect([status, answer.error?.code]).toEqual([400, -32022]);
      const discovered = await modern(server, 'server/discover');
      const supported = discovered.answer.result?.['supportedVersions'];
      expect(answer.error?.data).toEqual({ supported, requested: version });
    },
  );
});

describe('a method that is not there', () => {
  const gone = [
    'initialize',
    'ping',
    'logging/setLevel',
    'resources/subscribe',
    'resources/unsubscribe',
    'roots/list',
    'sampling/createMessage',
    'elicitation/create',
    'tasks/list',
    'Tools/List',
    '__proto__',
  ];
  it.each(gone)('%s is answered 404 and -32601 in 2026-07-28 [ERR-4]', async (method) => {
    const params = { uri: 'memo://one', level: 'info' };
    const { status, answer } = await modern(server, method, params);
    expect([status, answer.error?.code]).toEqual([404, -32601]);
  });

  it('because its capability is not offered is answered 404 and -32601, and is not advertised [R-12]', async () => {
    const bare = await startTestServer({
      registry: createRegistry({
        tools: [defineTool({ name: 'a', description: 'x', scopes: [], handler: () => ({}) })],
      }),
    });
    try {
      const { answer } = await modern(bare, 'server/discover');
      expect(answer.result?.['capabilities']).not.toHaveProperty('prompts');
      expect(answer.result?.['capabilities']).not.toHaveProperty('resources');
      for (const method of [
        'prompts/list',
        'prompts/get',
        'resources/list',
        'resources/read',
        'resources/templates/list',
      ]) {
        const refused = await modern(bare, method, { name: 'x', uri: 'x://y' });
        expect([refused.status, refused.answer.error?.code]).toEqual([404, -32601]);
      }
    } finally {
      await bare.close();
    }
  });
});

describe('what the client cannot do', () => {
  it.each([
    ['ask_two', { elicitation: {} }],
    ['ask_url', { elicitation: { url: {} } }],
    ['ask_sampling', { sampling: {} }],
    ['ask_roots', { roots: {} }],
  ])(
    'makes %s fail with 400, -32021 and the capabilities as an object [ERR-5]',
    async (name, requiredCapabilities) => {
      const { status, answer } = await modern(server, 'tools/call', { name, arguments: {} });
      expect([status, answer.error?.code]).toEqual([400, -32021]);
      expect(answer.error?.data).toMatchObject({ requiredCapabilities });
    },
  );
});

describe('error codes', () => {
  it('are never those of the revisions before, nor invented in the reserved range [R-10]', async () => {
    const capabilities = { elicitation: { form: {} } };
    const answers = await Promise.all([
      modern(server, 'resources/read', { uri: 'memo://none/body' }, { token: await reader() }),
      modern(server, 'resources/read', { uri: 'nowhere://x' }),
      modern(server, 'tools/call', { name: 'nothing' }),
      modern(server, 'tools/call', { name: 'echo', arguments: 5 }),
      modern(server, 'tools/call', { name: 'ask_url', arguments: {} }, { capabilities }),
      modern(server, 'prompts/get', { name: 'nothing' }),
      modern(server, 'tools/list', { cursor: '?' }),
      modern(server, 'completion/complete', {
        ref: { type: 'ref/prompt', name: 'nothing' },
        argument: { name: 'to', value: '' },
      }),
      modern(server, 'tools/list', {}, { headers: { 'mcp-protocol-version': LEGACY } }),
    ]);
    const codes = answers.map(({ answer }) => answer.error?.code);
    for (const code of codes) expect([-32602, -32021, -32020]).toContain(code);
  });

  async function reader(): Promise<string> {
    return server.token({ scope: 'memo:read' });
  }
});

describe('GET and DELETE in the modern era', () => {
  it.each(['GET', 'DELETE'])(
    '%s without a session is refused with 4xx and opens nothing [ERR-6]',
    async (method) => {
      const headers = {
        accept: 'text/event-stream',
        authorization: `Bearer ${await server.token()}`,
        'mcp-protocol-version': MODERN,
      };
      const { status } = await send(server.mcpUrl, { method, headers });
      expect([400, 405]).toContain(status);
    },
  );
});
