import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { eras, spoilt } from './support/exchange.js';
import { createLongLists, createWorkshop } from './support/workshop.js';

let server: TestServer;
let long: TestServer;
const logged: string[] = [];
beforeAll(async () => {
  const log = (message: string, fields?: unknown): void =>
    void logged.push(
      `${message} ${JSON.stringify(fields)} ${String((fields as { error?: unknown })?.error)}`,
    );
  server = await startTestServer({
    registry: createWorkshop().registry,
    logger: { debug: log, info: log, warn: log, error: log },
  });
  long = await startTestServer({ registry: createLongLists() });
});
afterAll(() => Promise.all([server.close(), long.close()]));

const call = (name: string, args: object = {}) => ({ name, arguments: args });

describe.each(eras)('an operation of %s', (era, ask) => {
  it('on a tool that is not there is an error; a failure of the tool is a result [H-11]', async () => {
    const unknown = await ask(server, 'tools/call', call('nothing'));
    const prototype = await ask(server, 'tools/call', call('__proto__'));
    expect([unknown.answer.error?.code, prototype.answer.error?.code]).toEqual([-32602, -32602]);
    const failed = await ask(server, 'tools/call', call('fail'));
    expect(failed.answer.result).toMatchObject({
      isError: true,
      content: [{ text: 'the upstream is down' }],
    });
    const wrong = await ask(server, 'tools/call', call('echo', { text: 5 }));
    expect(wrong.answer.result).toMatchObject({ isError: true });
  });

  it('never sends structured content that breaks its output schema [H-12]', async () => {
    logged.length = 0;
    const { answer } = await ask(server, 'tools/call', call('lie'));
    expect(answer.result).not.toHaveProperty('structuredContent');
    expect(answer.result).toMatchObject({ isError: true });
    expect(JSON.stringify(answer)).not.toContain('many');
    expect(logged.join()).toContain('does not fit its output schema');
  });

  it('sends structured content as the era knows it, and as text too [H-13] [L-14]', async () => {
    const { answer } = await ask(server, 'tools/call', call('count'));
    expect(answer.result).toMatchObject({ content: [{ type: 'text', text: '[1,2]' }] });
    const structured = answer.result?.['structuredContent'];
    if (era === '2026-07-28') expect(structured).toEqual([1, 2]);
    else expect(structured === undefined || !Array.isArray(structured)).toBe(true);
    const listed = await ask(server, 'tools/list');
    const tools = listed.answer.result?.['tools'] as {
      name: string;
      outputSchema?: { type?: string };
    }[];
    const schema = tools.find(({ name }) => name === 'count')?.outputSchema;
    if (era === '2025-11-25') expect(schema?.type ?? 'object').toBe('object');
  });

  it('lists every tool with an input schema whose root is an object [H-18]', async () => {
    const { answer } = await ask(server, 'tools/list');
    const tools = answer.result?.['tools'] as { name: string; inputSchema: { type: string } }[];
    expect(tools.length).toBeGreaterThan(5);
    for (const { inputSchema } of tools) expect(inputSchema.type).toBe('object');
  });

  it('completes with at most 100 values and says that there are more [H-14]', async () => {
    const params = {
      ref: { type: 'ref/prompt', name: 'letter' },
      argument: { name: 'to', value: 'v' },
    };
    const { completion } = (await ask(server, 'completion/complete', params)).answer.result as {
      completion: { values: string[]; total: number; hasMore: boolean };
    };
    expect(completion.values).toHaveLength(100);
    expect(completion).toMatchObject({ total: 150, hasMore: true });
    expect(completion.values[0]).toBe('v000');
  });

  it('completes nothing for a caller who could not read it [H-19]', async () => {
    const params = {
      ref: { type: 'ref/resource', uri: 'memo://{id}/body' },
      argument: { name: 'id', value: '' },
    };
    const { status, headers } = await ask(server, 'completion/complete', params);
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('scope="memo:read"');
  });

  it('completes an unknown argument with nothing, and an unknown reference with -32602 [H-14]', async () => {
    const argument = { name: 'nothing', value: '' };
    const known = { ref: { type: 'ref/prompt', name: 'letter' }, argument };
    const unknown = { ref: { type: 'ref/prompt', name: 'nothing' }, argument };
    expect((await ask(server, 'completion/complete', known)).answer.result).toMatchObject({
      completion: { values: [] },
    });
    expect((await ask(server, 'completion/complete', unknown)).answer.error?.code).toBe(-32602);
  });

  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])(
    '%s takes an empty cursor, refuses one it did not make with -32602 [H-15]',
    async (method) => {
      const cursors = ['forged', 'YXQ6OTk5OTk', 'YXQ6LTE', '0', ' ', 'x'.repeat(5000)];
      for (const cursor of cursors) {
        const { answer } = await ask(long, method, { cursor });
        expect([answer.error?.code, answer.result]).toEqual([-32602, undefined]);
      }
      expect((await ask(long, method, { cursor: '' })).answer.result).toHaveProperty('nextCursor');
    },
  );

  it('reports progress that only grows, under the token of its request [H-16]', async () => {
    const params = { ...call('climb'), _meta: { progressToken: 7 } };
    const { messages } =
      era === '2026-07-28'
        ? await spoilt(server, 'tools/call', call('climb'), ({ body }) => {
            body.params._meta['progressToken'] = 7;
          })
        : await ask(server, 'tools/call', params);
    const steps = messages.filter(({ method }) => method === 'notifications/progress');
    expect(steps.map(({ params: told }) => [told?.['progressToken'], told?.['progress']])).toEqual([
      [7, 1],
      [7, 3],
      [7, 4],
    ]);
    expect(messages.at(-1)?.result).toBeDefined();
  });

  it('that needs scopes is refused with one challenge that names them all [CHAL-4]', async () => {
    const { status, headers } = await ask(server, 'tools/call', call('vault'));
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('scope="vault:open vault:list"');
    expect(headers.get('content-type')).toBe('application/json');
  });
});
