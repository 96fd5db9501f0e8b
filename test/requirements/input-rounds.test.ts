import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { type RpcMessage, modernRequest } from '../server/support/wire.js';
import { legacy, modern, send } from './support/exchange.js';
import { startOnPipes } from './support/stdio-peer.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
});
afterAll(() => server.close());

const form = { elicitation: { form: {} } };
const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const accept = (name: string) => ({ action: 'accept', content: { name } });
const askTwo = { name: 'ask_two', arguments: {} };

async function ask(
  method: string,
  params: object,
  capabilities: object = all,
): Promise<RpcMessage> {
  return (await modern(server, method, params, { capabilities })).answer;
}

async function stateOf(method: string, params: object): Promise<string> {
  return String((await ask(method, params)).result?.['requestState']);
}

const capable: readonly (readonly [string, object, string])[] = [
  ['tools/call', askTwo, 'one'],
  ['prompts/get', { name: 'letter', arguments: { to: 'ask' } }, 'to'],
  ['resources/read', { uri: 'memo://asks' }, 'who'],
];

describe('a result that asks for input', () => {
  it.each(capable)(
    'may come of %s: it has questions and a state, and no cache hints [MRTR-1] [MRTR-2] [R-6]',
    async (method, params, key) => {
      const { result } = await ask(method, params);
      expect(result?.['resultType']).toBe('input_required');
      expect(result?.['inputRequests']).toHaveProperty(key);
      expect(result?.['requestState']).toMatch(/^.{20,}$/);
      for (const name of ['ttlMs', 'cacheScope', 'content', 'contents', 'messages']) {
        expect(result).not.toHaveProperty(name);
      }
    },
  );

  it.each(capable.slice(1))(
    'of %s leads to its end with the answer [MRTR-1]',
    async (method, params, key) => {
      const requestState = await stateOf(method, params);
      const { result } = await ask(method, {
        ...params,
        requestState,
        inputResponses: { [key]: accept('Ada') },
      });
      expect(result?.['resultType']).toBe('complete');
      expect(JSON.stringify(result)).toContain('Ada');
    },
  );

  it.each([
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'server/discover',
    'completion/complete',
  ])('never comes of %s [MRTR-1]', async (method) => {
    const params = {
      ref: { type: 'ref/prompt', name: 'letter' },
      argument: { name: 'to', value: '' },
    };
    const { result } = await ask(method, method === 'completion/complete' ? params : {});
    expect(result?.['resultType']).toBe('complete');
  });

  it.each([
    ['ask_url', form],
    ['ask_two', { elicitation: { url: {} } }],
    ['ask_sampling', form],
    ['ask_roots', form],
  ])('never asks %s of a client that declared %j [MRTR-3]', async (name, capabilities) => {
    const { error, result } = await ask('tools/call', { name, arguments: {} }, capabilities);
    expect(result).toBeUndefined();
    expect(error?.code).toBe(-32021);
  });

  it.each([
    ['ask_url', 'elicitation/create', { action: 'accept' }],
    [
      'ask_sampling',
      'sampling/createMessage',
      { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm' },
    ],
    ['ask_roots', 'roots/list', { roots: [] }],
  ])('asks %s of a client that can: %s [MRTR-3]', async (name, method, response) => {
    const params = { name, arguments: {} };
    const { result } = await ask('tools/call', params);
    expect(result?.['inputRequests']).toMatchObject({ it: { method } });
    const { result: done } = await ask('tools/call', {
      ...params,
      requestState: result?.['requestState'],
      inputResponses: { it: response },
    });
    expect(done?.['resultType']).toBe('complete');
  });
});

describe('a requestState', () => {
  it('is refused on whatever byte it was altered [MRTR-4]', async () => {
    const state = await stateOf('tools/call', askTwo);
    for (let at = 0; at < Buffer.from(state, 'base64url').length; at += 3) {
      const bytes = Buffer.from(state, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      const requestState = bytes.toString('base64url');
      const { error } = await ask('tools/call', { ...askTwo, requestState });
      expect(error?.code).toBe(-32602);
    }
  });

  it.each(['', 'x', 'e30', '{"answers":{}}', 'A'.repeat(10_000), '\u0000'])(
    'that the server did not make is refused: %j [MRTR-4]',
    async (requestState) => {
      expect((await ask('tools/call', { ...askTwo, requestState })).error?.code).toBe(-32602);
    },
  );

  it('of another server, with another secret, is refused [MRTR-4]', async () => {
    const other = await startTestServer({
      registry: createWorkshop().registry,
      stateSecret: new Uint8Array(32).fill(9),
    });
    try {
      const foreign = (await modern(other, 'tools/call', askTwo, { capabilities: all })).answer;
      const requestState = foreign.result?.['requestState'];
      expect((await ask('tools/call', { ...askTwo, requestState })).error?.code).toBe(-32602);
    } finally {
      await other.close();
    }
  });

  it('of one method is refused by the others [MRTR-5]', async () => {
    for (const [method, params] of capable) {
      const requestState = await stateOf(method, params);
      for (const [otherMethod, otherParams] of capable) {
        if (otherMethod === method) continue;
        const { error } = await ask(otherMethod, { ...otherParams, requestState });
        expect(error?.code).toBe(-32602);
      }
    }
  });

  it('does not depend on the order of the arguments, and does on their values [MRTR-5]', async () => {
    const call = (args: object) => ({ name: 'ask_two', arguments: args });
    const requestState = await stateOf('tools/call', call({ a: 1, b: { c: 2, d: 3 } }));
    const inputResponses = { one: accept('A'), two: accept('B') };
    const same = { ...call({ b: { d: 3, c: 2 }, a: 1 }), requestState, inputResponses };
    expect((await ask('tools/call', same)).result?.['resultType']).toBe('complete');
    for (const args of [{ a: 1 }, { a: 1, b: { c: 2, d: 4 } }, { a: '1', b: { c: 2, d: 3 } }]) {
      const { error } = await ask('tools/call', { ...call(args), requestState, inputResponses });
      expect(error?.code).toBe(-32602);
    }
  });

  it('is good in another process that has the same secret [MRTR-6]', async () => {
    const requestState = await stateOf('tools/call', askTwo);
    const second = await server.second();
    try {
      const params = {
        ...askTwo,
        requestState,
        inputResponses: { one: accept('A'), two: accept('B') },
      };
      const options = { token: await server.token(), capabilities: all };
      const { answer } = await send(second.url, modernRequest('tools/call', params, options));
      expect(answer.result).toMatchObject({ content: [{ text: '[{"name":"A"},{"name":"B"}]' }] });
    } finally {
      await second.close();
    }
  });
});

describe('the answers of a client', () => {
  it('that nobody asked for are ignored [MRTR-7]', async () => {
    const requestState = await stateOf('tools/call', askTwo);
    const inputResponses = { one: accept('A'), two: accept('B'), three: accept('C') };
    const { result } = await ask('tools/call', { ...askTwo, requestState, inputResponses });
    expect(result).toMatchObject({ content: [{ text: '[{"name":"A"},{"name":"B"}]' }] });
  });

  it('that are missing are asked for again, and only they [MRTR-8]', async () => {
    const requestState = await stateOf('tools/call', askTwo);
    const { result } = await ask('tools/call', {
      ...askTwo,
      requestState,
      inputResponses: { one: accept('A') },
    });
    expect(result?.['resultType']).toBe('input_required');
    expect(Object.keys(result?.['inputRequests'] as object)).toEqual(['two']);
    const { result: done } = await ask('tools/call', {
      ...askTwo,
      requestState: result?.['requestState'],
      inputResponses: { two: accept('B') },
    });
    expect(done).toMatchObject({ content: [{ text: '[{"name":"A"},{"name":"B"}]' }] });
  });

  const shapeless = [[], 'x', 5, true, null];
  it.each(capable)('to %s that are no object are refused [MRTR-9]', async (method, params) => {
    const requestState = await stateOf(method, params);
    for (const inputResponses of shapeless) {
      const { error } = await ask(method, { ...params, requestState, inputResponses });
      expect(error?.code).toBe(-32602);
      expect(error?.message).toContain('params.inputResponses');
    }
  });

  it.each(shapeless)(
    'that are no object are refused over stdio too: %j [MRTR-9]',
    async (given) => {
      const { peer, server: stdio } = startOnPipes({ registry: createWorkshop().registry });
      try {
        const { error } = await peer.modern('tools/call', { ...askTwo, inputResponses: given });
        expect([error?.code, error?.message]).toEqual([
          -32602,
          `params.inputResponses has to be an object, it is ${JSON.stringify(given)}`,
        ]);
      } finally {
        await stdio.close();
      }
    },
  );

  it('are a member without meaning in the era before [MRTR-9]', async () => {
    const params = { name: 'echo', arguments: { text: 'x' }, inputResponses: 5 };
    expect((await legacy(server, 'tools/call', params)).answer.result).toBeDefined();
  });
});
