import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createRegistry,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
  jsonSchema,
} from '../../src/server/index.js';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { modernRequest } from '../server/support/wire.js';
import { OpenStream, eras } from './support/exchange.js';

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
const restricted = { scopes: ['admin:run'], listing: 'when-permitted' } as const;

const registry = createRegistry({
  tools: [
    defineTool({
      name: 'open_tool',
      description: 'Is for everybody.',
      scopes: [],
      handler: () => text('open'),
    }),
    defineTool({
      name: 'listed_tool',
      description: 'Is listed for everybody, and challenged.',
      scopes: ['admin:run'],
      handler: () => text('listed'),
    }),
    defineTool({
      name: 'hidden_tool',
      description: 'Is there for those who may use it.',
      ...restricted,
      handler: () => text('hidden'),
    }),
    defineTool({
      name: 'hidden_headers',
      description: 'Has an argument that clients repeat in a header.',
      ...restricted,
      input: jsonSchema({
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
      }),
      handler: () => text('hidden'),
    }),
  ],
  prompts: [
    definePrompt({
      name: 'hidden_prompt',
      ...restricted,
      arguments: [{ name: 'word', complete: () => ['secret'] }],
      render: async () => ({ messages: [] }),
    }),
  ],
  resources: [
    defineResource({
      uri: 'notes://hidden',
      name: 'hidden',
      ...restricted,
      read: async () => [{ text: 'secret' }],
    }),
    defineResource({
      uri: 'notes://open',
      name: 'open',
      scopes: [],
      read: async () => [{ text: 'open' }],
    }),
  ],
  resourceTemplates: [
    defineResourceTemplate({
      uriTemplate: 'hidden://{id}',
      name: 'hidden-items',
      ...restricted,
      read: async ({ id }) => [{ text: `secret ${id}` }],
      complete: { id: () => ['secret'] },
    }),
  ],
});

let server: TestServer;
let narrowed: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry });
  narrowed = await startTestServer({
    registry,
    // A name that holds "hidden" is for Bea alone, "listed_tool" for nobody.
    authorize: (principal, { target }) =>
      target.includes('hidden') ? principal?.subject === 'bea' : target !== 'listed_tool',
  });
});
afterAll(() => Promise.all([server.close(), narrowed.close()]));

const ADMIN = 'admin:run';
const namesIn = (answer: { result?: Record<string, unknown> }, list: string): string[] =>
  (answer.result?.[list] as { name: string }[]).map(({ name }) => name);

describe.each(eras)('what is listed only when it is permitted, in %s', (_era, ask) => {
  it('is listed for who may use it, and for nobody else', async () => {
    const admin = { token: await server.token({ scope: ADMIN }) };
    for (const [method, list, all, some] of [
      ['tools/list', 'tools', ['open_tool', 'listed_tool', 'hidden_tool', 'hidden_headers'], 2],
      ['prompts/list', 'prompts', ['hidden_prompt'], 0],
      ['resources/list', 'resources', ['hidden', 'open'], 1],
      ['resources/templates/list', 'resourceTemplates', ['hidden-items'], 0],
    ] as const) {
      const whole = namesIn((await ask(server, method, {}, admin)).answer, list);
      expect(whole).toEqual(all);
      const part = namesIn((await ask(server, method)).answer, list);
      expect(part).toEqual(all.filter((name) => !name.includes('hidden')));
      expect(part).toHaveLength(some);
    }
  });

  it.each([
    ['tools/call', { name: 'hidden_tool', arguments: {} }, { name: 'no_tool', arguments: {} }],
    ['tools/call', { name: 'hidden_headers', arguments: {} }, { name: 'no_tool', arguments: {} }],
    [
      'tools/call',
      { name: 'hidden_headers', arguments: { region: 'eu' } },
      { name: 'no_tool', arguments: { region: 'eu' } },
    ],
    ['prompts/get', { name: 'hidden_prompt' }, { name: 'no_prompt' }],
    ['resources/read', { uri: 'notes://hidden' }, { uri: 'notes://nothing' }],
    ['resources/read', { uri: 'hidden://one' }, { uri: 'nothing://one' }],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'hidden_prompt' }, argument: { name: 'word', value: '' } },
      { ref: { type: 'ref/prompt', name: 'no_prompt' }, argument: { name: 'word', value: '' } },
    ],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'hidden://{id}' }, argument: { name: 'id', value: '' } },
      { ref: { type: 'ref/resource', uri: 'nothing://{id}' }, argument: { name: 'id', value: '' } },
    ],
  ])('%s of what is hidden answers as of what does not exist: %j', async (method, hidden, none) => {
    const one = await ask(server, method, hidden);
    const other = await ask(server, method, none);
    const plain = (body: string) =>
      body
        .replaceAll(/hidden_tool|hidden_headers|no_tool|hidden_prompt|no_prompt/g, 'NAME')
        .replaceAll(/notes:\/\/(hidden|nothing)|(hidden|nothing):\/\/(one|\{id\})/g, 'URI');
    expect([one.status, plain(one.text)]).toEqual([other.status, plain(other.text)]);
    expect(one.answer.error?.code).toBeDefined();
    const admin = { token: await server.token({ scope: ADMIN }) };
    const headers =
      'region' in ((hidden as { arguments?: object }).arguments ?? {})
        ? { 'mcp-param-region': 'eu' }
        : {};
    const allowed = await ask(server, method, hidden, { ...admin, headers });
    expect(allowed.answer.error).toBeUndefined();
  });

  it('is in the audit log as denied, though it is answered as unknown', async () => {
    await ask(server, 'tools/call', { name: 'hidden_tool', arguments: {} });
    const [row] = await server.stores.audit.recent(1);
    expect(row).toMatchObject({ target: 'hidden_tool', outcome: 'denied', reason: 'hidden' });
  });

  it('leaves what is always listed to a challenge', async () => {
    const { status, headers } = await ask(server, 'tools/call', {
      name: 'listed_tool',
      arguments: {},
    });
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('scope="admin:run"');
  });
});

describe.each(eras)("an embedder's own rule, in %s", (_era, ask) => {
  it('says no where the scopes say yes: 403 without a challenge, and a row in the audit log', async () => {
    const token = await narrowed.token({ scope: ADMIN });
    const call = { name: 'listed_tool', arguments: {} };
    const { status, headers, answer } = await ask(narrowed, 'tools/call', call, { token });
    expect([status, answer.error?.code]).toEqual([403, 1403]);
    expect(headers.get('www-authenticate')).toBeNull();
    const [row] = await narrowed.stores.audit.recent(1);
    expect(row).toMatchObject({ outcome: 'denied', reason: 'policy' });
  });

  it('hides what is listed only when permitted, down to single resources of a template', async () => {
    const ada = { token: await narrowed.token({ scope: ADMIN }) };
    const bea = { token: await narrowed.token({ scope: ADMIN, sub: 'bea' }) };
    expect(namesIn((await ask(narrowed, 'tools/list', {}, ada)).answer, 'tools')).toEqual([
      'open_tool',
      'listed_tool',
    ]);
    expect(namesIn((await ask(narrowed, 'tools/list', {}, bea)).answer, 'tools')).toContain(
      'hidden_tool',
    );
    const read = { uri: 'hidden://one' };
    expect((await ask(narrowed, 'resources/read', read, bea)).answer.result).toBeDefined();
    const unknown = await ask(narrowed, 'resources/read', { uri: 'nothing://one' }, ada);
    const hidden = await ask(narrowed, 'resources/read', read, ada);
    expect(hidden.answer.error?.code).toBe(unknown.answer.error?.code);
    expect(hidden.status).toBe(unknown.status);
  });

  it('cannot say yes where the scopes say no', async () => {
    const bea = { token: await narrowed.token({ sub: 'bea' }) };
    const call = { name: 'hidden_tool', arguments: {} };
    expect((await ask(narrowed, 'tools/call', call, bea)).answer.error?.code).toBe(-32602);
  });
});

describe('a stream of changes (2026-07-28)', () => {
  it('says nothing of a resource that is hidden from its listener', async () => {
    const notifications = { resourceSubscriptions: ['notes://hidden', 'notes://open'] };
    const listen = async (token: string) => {
      const request = modernRequest('subscriptions/listen', { notifications }, { token });
      return new OpenStream(await fetch(server.mcpUrl, request));
    };
    const uriOf = (message: { params?: Record<string, unknown> } | undefined) =>
      message?.params?.['uri'];
    const streams = [
      await listen(await server.token()),
      await listen(await server.token({ scope: ADMIN })),
    ] as const;
    for (const stream of streams) {
      expect((await stream.next())?.method).toBe('notifications/subscriptions/acknowledged');
    }
    server.http.notify.resourceUpdated('notes://hidden');
    server.http.notify.resourceUpdated('notes://open');
    expect(uriOf(await streams[0].next())).toBe('notes://open');
    expect(uriOf(await streams[1].next())).toBe('notes://hidden');
    for (const stream of streams) await stream.close();
  });
});
