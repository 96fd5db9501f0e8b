import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { modernRequest } from '../server/support/wire.js';
import { type Exchange, eras, legacy, modern, send } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
});
afterAll(() => server.close());

const prompt = { type: 'ref/prompt', name: 'letter' };
const argument = { name: 'to', value: '' };

/** A method, parameters of the wrong shape, and the place that the answer names. */
const malformed: readonly (readonly [string, object, string])[] = [
  ['resources/read', {}, 'params.uri'],
  ['resources/read', { uri: 5 }, 'params.uri'],
  ['prompts/get', {}, 'params.name'],
  ['prompts/get', { name: 'letter', arguments: 5 }, 'params.arguments'],
  ['prompts/get', { name: 'letter', arguments: { to: 5 } }, 'params.arguments["to"]'],
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'].map(
    (method) => [method, { cursor: 5 }, 'params.cursor'] as const,
  ),
  ['completion/complete', {}, 'params.ref'],
  ['completion/complete', { ref: prompt }, 'params.argument'],
  ['completion/complete', { ref: { type: 'ref/tool' }, argument }, 'params.ref.type'],
  ['completion/complete', { ref: { type: 'ref/prompt' }, argument }, 'params.ref.name'],
  ['completion/complete', { ref: { type: 'ref/resource' }, argument }, 'params.ref.uri'],
  ['completion/complete', { ref: prompt, argument: { value: '' } }, 'params.argument.name'],
  [
    'completion/complete',
    { ref: prompt, argument: { name: 'to', value: 5 } },
    'params.argument.value',
  ],
  [
    'completion/complete',
    { ref: prompt, argument, context: { arguments: { a: 5 } } },
    'params.context.arguments["a"]',
  ],
];

const malformedBefore: readonly (readonly [string, object, string])[] = [
  ['logging/setLevel', {}, 'params.level'],
  ['logging/setLevel', { level: 'x' }, 'params.level'],
  ['resources/subscribe', {}, 'params.uri'],
  ['resources/unsubscribe', { uri: 5 }, 'params.uri'],
];

function expectRefusal({ answer }: Exchange, place: string): void {
  expect(answer.error?.code).toBe(-32602);
  expect(answer.error?.message).toContain(place);
  // One sentence, not the report of a schema library.
  expect(answer.error?.message).not.toMatch(/[\n{]/);
}

describe.each(eras)('parameters of the wrong shape in %s', (era, ask) => {
  it.each(malformed)('of %s: %j are answered -32602, naming %s [ERR-7]', async (...row) => {
    const [method, params, place] = row;
    if (era === '2026-07-28') {
      // Header and body have to agree first: a name that is no text has no header.
      const { name, uri } = params as { name?: unknown; uri?: unknown };
      const headers = { ...modernRequest(method).headers } as Record<string, string>;
      if (typeof (name ?? uri) === 'string') headers['mcp-name'] = String(name ?? uri);
      headers['authorization'] = `Bearer ${await server.token()}`;
      const { body } = modernRequest(method, params);
      expectRefusal(await send(server.mcpUrl, { method: 'POST', headers, body }), place);
      return;
    }
    expectRefusal(await ask(server, method, params), place);
  });
});

describe('parameters of the wrong shape', () => {
  it.each(malformedBefore)(
    'of %s: %j are answered -32602 in 2025-11-25, naming %s [ERR-7]',
    async (method, params, place) => {
      expectRefusal(await legacy(server, method, params), place);
    },
  );

  it('of tools/call and subscriptions/listen are answered -32602 too [ERR-7]', async () => {
    const answers = await Promise.all([
      ...eras.map(([, ask]) => ask(server, 'tools/call', { name: 'echo', arguments: 5 })),
      legacy(server, 'tools/call', { arguments: {} }),
      modern(server, 'tools/call', { arguments: {} }),
      modern(server, 'subscriptions/listen', { notifications: 5 }),
    ]);
    expect(answers.map(({ answer }) => answer.error?.code)).toEqual(Array(5).fill(-32602));
  });

  it('leave what is right, unknown members too, as it is [ERR-7]', async () => {
    const { answer } = await modern(server, 'tools/list', { cursor: '', other: 5 });
    expect(answer.result?.['tools']).toBeDefined();
  });
});
