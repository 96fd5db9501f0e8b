import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createRegistry, defineTool, jsonSchema } from '../../src/server/index.js';
import { createSqliteEngine } from '../../src/storage/sqlite/engine.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { createResultStore } from '../../src/storage/stores/result-store.js';
import { type TestServer, startTestServer, testClock } from '../server/support/test-server.js';
import { type Exchange, eras } from './support/exchange.js';

const item = (n: number) => ({ id: n, name: `item ${n} äöü€` });
const items = (count: number) => Array.from({ length: count }, (_, n) => item(n));
const page = z.object({
  total: z.number(),
  items: z.array(z.object({ id: z.number(), name: z.string() })),
});
const readOnly = { annotations: { readOnlyHint: true }, scopes: [] } as const;

const registry = createRegistry({
  tools: [
    defineTool({
      ...readOnly,
      name: 'list_items',
      description: 'Lists as many items as are asked for.',
      input: z.strictObject({ count: z.number() }),
      output: page,
      budget: { list: 'items' },
      handler: ({ count }) => ({ structured: { total: count, items: items(count) } }),
    }),
    defineTool({
      ...readOnly,
      name: 'list_plain',
      description: 'The same with a schema written by hand, and no schema of its results.',
      input: jsonSchema<{ count: number }>({
        type: 'object',
        properties: { count: { type: 'integer' } },
        required: ['count'],
        additionalProperties: false,
      }),
      budget: { list: 'items' },
      handler: ({ count }) => ({ structured: { items: items(count) } }),
    }),
    defineTool({
      ...readOnly,
      name: 'list_huge',
      description: 'Lists one item that is larger than any page.',
      output: page,
      budget: { list: 'items' },
      handler: () => ({ structured: { total: 1, items: [{ id: 1, name: 'x'.repeat(50_000) }] } }),
    }),
    defineTool({
      scopes: [],
      name: 'long_text',
      description: 'Answers with a long text.',
      handler: () => ({ content: [{ type: 'text', text: '0123456789€'.repeat(5000) }] }),
    }),
    defineTool({
      scopes: [],
      name: 'long_structure',
      description: 'Answers with a large structure that it promised.',
      output: z.object({ text: z.string() }),
      handler: () => ({ structured: { text: 'y'.repeat(40_000) } }),
    }),
    defineTool({
      scopes: [],
      name: 'long_words',
      description: 'Answers with a small structure, and says it at length.',
      output: z.object({ n: z.number() }),
      handler: () => ({
        structured: { n: 1 },
        content: [{ type: 'text', text: 'z'.repeat(40_000) }],
      }),
    }),
    defineTool({
      scopes: [],
      name: 'unbounded',
      description: 'Is sent whole.',
      budget: 'off',
      handler: () => ({ content: [{ type: 'text', text: 'w'.repeat(40_000) }] }),
    }),
    defineTool({
      scopes: [],
      name: 'picture',
      description: 'Answers with an image, which no model reads as text.',
      handler: () => ({
        content: [{ type: 'image', data: 'A'.repeat(80_000), mimeType: 'image/png' }],
      }),
    }),
    defineTool({
      scopes: [],
      name: 'too_long',
      description: 'Answers with more than is kept.',
      handler: () => ({ content: [{ type: 'text', text: 'v'.repeat(5_000_000) }] }),
    }),
  ],
});

const database = openSqlite(':memory:');
migrate(database);
const results = createResultStore(createSqliteEngine(database));
const clock = testClock();
let server: TestServer;
let other: TestServer;
let bare: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry, results, clock });
  // A second process over the same stores, and a server that keeps nothing.
  other = await startTestServer({ registry, results, clock });
  bare = await startTestServer({ registry });
});
afterAll(async () => {
  await Promise.all([server.close(), other.close(), bare.close()]);
  database.close();
});

const MAX = 32_768;
interface Result {
  readonly isError?: boolean;
  readonly content: readonly { type: string; text?: string; uri?: string; mimeType?: string }[];
  readonly structuredContent?: { items: { id: number }[]; next_cursor?: string };
}
const resultOf = ({ answer }: Exchange): Result => answer.result as unknown as Result;

describe.each(eras)('the budget of a result, in %s', (_era, ask) => {
  const call = async (target: TestServer, name: string, args: object = {}, token?: string) =>
    resultOf(
      await ask(
        target,
        'tools/call',
        { name, arguments: args },
        token === undefined ? {} : { token },
      ),
    );

  it.each(['list_items', 'list_plain'])(
    'cuts the list of %s into pages that hold every item once, at whichever process',
    async (name) => {
      const seen: number[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const args = { count: 2000, ...(cursor !== undefined && { cursor }) };
        const result = await call(pages % 2 === 0 ? server : other, name, args);
        expect(result.isError).toBeUndefined();
        const { structuredContent: structured, content } = result;
        expect(Buffer.byteLength(JSON.stringify(structured))).toBeLessThanOrEqual(MAX);
        expect(JSON.parse(content[0]?.text ?? '')).toEqual(structured);
        const ids = structured?.items.map(({ id }) => id) ?? [];
        expect(content[1]?.text).toContain(
          `Items ${seen.length + 1} to ${seen.length + ids.length} of 2000.`,
        );
        seen.push(...ids);
        cursor = structured?.next_cursor;
        pages += 1;
      } while (cursor !== undefined && pages < 50);
      expect(seen).toEqual(items(2000).map(({ id }) => id));
      expect(pages).toBeGreaterThan(2);
    },
  );

  it('sends a small list as it is', async () => {
    const { content, structuredContent } = await call(server, 'list_items', { count: 2 });
    expect(structuredContent).toEqual({ total: 2, items: items(2) });
    expect(content).toHaveLength(1);
  });

  it('shows the argument and the member of paging in the schemas, and hides them from the handler', async () => {
    const { answer } = await ask(server, 'tools/list');
    const tools = answer.result?.['tools'] as {
      name: string;
      inputSchema: { properties: object; required?: string[] };
      outputSchema?: { properties: object };
    }[];
    const tool = tools.find(({ name }) => name === 'list_items');
    expect(Object.keys(tool?.inputSchema.properties ?? {})).toEqual(['count', 'cursor']);
    expect(tool?.inputSchema.required).toEqual(['count']);
    expect(Object.keys(tool?.outputSchema?.properties ?? {})).toEqual([
      'total',
      'items',
      'next_cursor',
    ]);
  });

  it('takes a cursor for its own caller, tool and arguments alone', async () => {
    const first = await call(server, 'list_items', { count: 2000 });
    const cursor = first.structuredContent?.next_cursor ?? '';
    const bea = await server.token({ sub: 'bea' });
    for (const refused of [
      await call(server, 'list_items', { count: 1999, cursor }),
      await call(server, 'list_plain', { count: 2000, cursor }),
      await call(server, 'list_items', { count: 2000, cursor }, bea),
      await call(server, 'list_items', { count: 2000, cursor: `A${cursor.slice(1)}` }),
      await call(server, 'list_items', { count: 2000, cursor: 'x' }),
      await call(server, 'list_items', { count: 2000, cursor: 5 }),
    ]) {
      expect(refused.isError).toBe(true);
      expect(refused.content[0]?.text).toContain('This cursor is not one of');
    }
  });

  it('keeps a long text for its caller, in parts that fit, readable at every process', async () => {
    const { isError, content, structuredContent } = await call(server, 'long_text');
    expect([isError, structuredContent]).toEqual([undefined, undefined]);
    const [note, link] = content;
    expect(note?.text).toContain('takes 65000 bytes, more than the 32768 that are sent');
    expect(note?.text).toContain('in 2 parts');
    expect(link).toMatchObject({ type: 'resource_link', mimeType: 'text/plain' });
    const uri = link?.uri ?? '';
    const parts: string[] = [];
    for (const at of [uri, uri.replace(/1$/, '2')]) {
      const { answer } = await ask(other, 'resources/read', { uri: at });
      const [part] = answer.result?.['contents'] as { text: string; mimeType: string }[];
      expect(Buffer.byteLength(part?.text ?? '')).toBeLessThanOrEqual(MAX);
      parts.push(part?.text ?? '');
    }
    expect(parts.join('')).toBe('0123456789€'.repeat(5000));
  });

  it('shows a kept result to nobody else, and not for ever', async () => {
    const { content } = await call(server, 'long_text');
    const uri = content[1]?.uri ?? '';
    const bea = { token: await server.token({ sub: 'bea' }) };
    const foreign = await ask(server, 'resources/read', { uri }, bea);
    const unknown = await ask(server, 'resources/read', { uri: 'result://none/1' }, bea);
    expect(foreign.answer.error?.code).toBe(unknown.answer.error?.code);
    const mine = { token: await server.token({ lifetimeSeconds: 3600 }) };
    expect((await ask(server, 'resources/read', { uri }, mine)).answer.error).toBeUndefined();
    clock.advance(15 * 60);
    try {
      expect((await ask(server, 'resources/read', { uri }, mine)).answer.error).toBeDefined();
    } finally {
      clock.advance(-15 * 60);
    }
  });

  it.each(['long_structure', 'list_huge'])(
    'never sends %s without the structure that it promises, except as an error with the link',
    async (name) => {
      const { isError, content, structuredContent } = await call(server, name);
      expect([isError, structuredContent]).toEqual([true, undefined]);
      expect(content[1]).toMatchObject({ type: 'resource_link', mimeType: 'application/json' });
    },
  );

  it('sends a small structure though its text is kept', async () => {
    const { isError, content, structuredContent } = await call(server, 'long_words');
    expect([isError, structuredContent]).toEqual([undefined, { n: 1 }]);
    expect(content[1]).toMatchObject({ type: 'resource_link', mimeType: 'text/plain' });
  });

  it('sends whole what opted out, and what no model reads', async () => {
    expect((await call(server, 'unbounded')).content[0]?.text).toHaveLength(40_000);
    expect((await call(server, 'picture')).content[0]?.type).toBe('image');
  });

  it('says what to do where nothing is kept, or it is too much to keep', async () => {
    for (const result of [await call(bare, 'long_text'), await call(server, 'too_long')]) {
      expect(result.isError).toBe(true);
      expect(result.content).toHaveLength(1);
      expect(result.content[0]?.text).toContain('Nothing of it was sent: ask for less.');
    }
  });
});
