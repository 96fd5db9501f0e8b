import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from './support/test-server.js';
import {
  type RpcMessage,
  answerOf,
  legacyRequest,
  modernRequest,
  openSession,
} from './support/wire.js';

let server: TestServer;
const logged: { message: string; fields: unknown }[] = [];

const log = (message: string, fields?: unknown): void => void logged.push({ message, fields });
const answered = (name: string) => ({ action: 'accept', content: { name } });

beforeAll(async () => {
  server = await startTestServer({
    logger: { debug: () => undefined, info: log, warn: log, error: log },
  });
});
afterAll(() => server.close());

const elicitation = { elicitation: { form: {} } };

async function modern(
  method: string,
  params: object,
  capabilities: object = {},
): Promise<RpcMessage> {
  const token = await server.token();
  const request = modernRequest(method, params, { token, capabilities });
  return answerOf(await fetch(server.mcpUrl, request));
}

async function bothEras(method: string, params: object): Promise<RpcMessage[]> {
  const token = await server.token();
  const session = await openSession(server.mcpUrl, { token });
  const legacy = await fetch(server.mcpUrl, legacyRequest(method, params, { token, session }));
  return [await modern(method, params), await answerOf(legacy)];
}

describe('tools/call', () => {
  it('answers an unknown tool with -32602, both eras', async () => {
    for (const answer of await bothEras('tools/call', { name: 'nothing', arguments: {} })) {
      expect(answer.error).toMatchObject({ code: -32602, message: 'Unknown tool: "nothing"' });
    }
  });

  it('answers arguments that do not fit with a result that names the field, both eras', async () => {
    for (const answer of await bothEras('tools/call', {
      name: 'read_note',
      arguments: { id: 5 },
    })) {
      expect(answer.result).toMatchObject({
        isError: true,
        content: [{ text: expect.stringMatching(/^Invalid arguments for read_note: id: /) }],
      });
    }
  });

  it('tells the client nothing of an unknown failure, and the operator everything, both eras', async () => {
    logged.length = 0;
    const answers = await bothEras('tools/call', { name: 'break', arguments: {} });
    for (const answer of answers) {
      expect(answer.result).toMatchObject({ isError: true });
      expect(JSON.stringify(answer)).not.toContain('hunter2');
    }
    expect(logged.map(({ message }) => message)).toEqual(['a tool failed', 'a tool failed']);
  });

  it('mirrors structured content as text, and lists the output schema', async () => {
    const { result } = await modern('tools/call', { name: 'read_note', arguments: { id: '1' } });
    expect(result).toMatchObject({
      resultType: 'complete',
      structuredContent: { id: '1', owner: 'ada' },
      content: [{ type: 'text', text: '{"id":"1","owner":"ada"}' }],
    });
    const list = await modern('tools/list', {});
    expect(list.result).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' });
    const [tool] = (list.result?.['tools'] ?? []) as {
      outputSchema: object;
      inputSchema: object;
    }[];
    expect(tool?.outputSchema).toMatchObject({ type: 'object', required: ['id', 'owner'] });
    expect(tool?.inputSchema).not.toHaveProperty('$schema');
  });

  it('writes one audit row per call, with who, what, outcome and era', async () => {
    await modern('tools/call', { name: 'read_note', arguments: { id: '1' } });
    await modern('resources/read', { uri: 'notes://motd' });
    await modern('prompts/get', { name: 'summarise', arguments: { id: '1' } });
    await modern('tools/list', {});
    const rows = await server.stores.audit.recent(3);
    expect(rows.map(({ operation, target, outcome }) => [operation, target, outcome])).toEqual([
      ['prompts/get', 'summarise', 'ok'],
      ['resources/read', 'notes://motd', 'ok'],
      ['tools/call', 'read_note', 'ok'],
    ]);
    expect(rows[0]).toMatchObject({
      issuer: 'local',
      subject: 'ada',
      tenant: 'acme',
      clientId: 'test-client',
      transport: 'http',
      era: 'modern',
    });
  });
});

describe('resources, prompts and completion', () => {
  it('answers a resource that does not exist with -32602 and its URI, both eras', async () => {
    for (const uri of ['notes://none/text', 'nowhere://x']) {
      for (const answer of await bothEras('resources/read', { uri })) {
        expect(answer.error).toMatchObject({ code: -32602, data: { uri } });
      }
    }
  });

  it('reads what a template stands for, percent-decoded', async () => {
    const { result } = await modern('resources/read', { uri: 'notes://a%20b/text' });
    expect(result).toMatchObject({ contents: [{ text: 'note a b' }], cacheScope: 'private' });
  });

  it('names a missing prompt argument', async () => {
    for (const answer of await bothEras('prompts/get', { name: 'summarise' })) {
      expect(answer.error).toMatchObject({
        code: -32602,
        message: expect.stringContaining('"id"'),
      });
    }
  });

  it('completes template variables', async () => {
    const params = {
      ref: { type: 'ref/resource', uri: 'notes://{id}/text' },
      argument: { name: 'id', value: 't' },
    };
    for (const answer of await bothEras('completion/complete', params)) {
      expect(answer.result).toMatchObject({ completion: { values: ['two'], hasMore: false } });
    }
  });

  it('takes an empty cursor for the beginning and refuses one it did not make', async () => {
    for (const answer of await bothEras('tools/list', { cursor: '' })) {
      expect(answer.result).toHaveProperty('tools');
    }
    for (const answer of await bothEras('tools/list', { cursor: 'forged' })) {
      expect(answer.error?.code).toBe(-32602);
    }
  });
});

describe('asking in the modern era (multi-round-trip requests)', () => {
  const call = { name: 'greet', arguments: { greeting: 'Hi' } };
  async function afterFirstRound(): Promise<{ requestState: string }> {
    const first = await modern('tools/call', call, elicitation);
    expect(first.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { first: { method: 'elicitation/create' } },
    });
    return { requestState: String(first.result?.['requestState']) };
  }

  it('carries earlier answers through the client until all are there', async () => {
    const { requestState } = await afterFirstRound();
    const second = await modern(
      'tools/call',
      { ...call, inputResponses: { first: answered('Ada') }, requestState },
      elicitation,
    );
    expect(second.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { last: { method: 'elicitation/create' } },
    });
    const third = await modern(
      'tools/call',
      {
        ...call,
        inputResponses: { last: answered('Lovelace') },
        requestState: second.result?.['requestState'],
      },
      elicitation,
    );
    expect(third.result).toMatchObject({ content: [{ text: 'Hi, Ada Lovelace' }] });
  });

  it('asks again when the answer does not fit the form', async () => {
    const { requestState } = await afterFirstRound();
    const inputResponses = { first: { action: 'accept', content: { name: 5 } } };
    const again = await modern(
      'tools/call',
      { ...call, inputResponses, requestState },
      elicitation,
    );
    expect(again.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { first: {} },
    });
  });

  it('lets nobody read the answers it carries', async () => {
    const { requestState } = await afterFirstRound();
    expect(Buffer.from(requestState, 'base64url').toString('latin1')).not.toContain('answers');
  });

  it('asks nothing that the client did not say it can answer', async () => {
    const { error } = await modern('tools/call', call);
    expect(error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: {} } },
    });
  });

  const misuses: readonly [string, (state: string) => Promise<object>][] = [
    ['altered', async (state) => ({ requestState: `${state.slice(0, -2)}AA` })],
    ['cut short', async (state) => ({ requestState: state.slice(0, 20) })],
    ['empty', async () => ({ requestState: '' })],
    [
      'used for other arguments',
      async (state) => ({
        requestState: state,
        arguments: { greeting: 'Bye' },
      }),
    ],
    ['used for another tool', async (state) => ({ requestState: state, name: 'read_note' })],
  ];

  it.each(misuses)('refuses a requestState that was %s', async (_name, misuse) => {
    const { requestState } = await afterFirstRound();
    const params = { ...call, inputResponses: { first: answered('Ada') } };
    const { error } = await modern(
      'tools/call',
      { ...params, ...(await misuse(requestState)) },
      elicitation,
    );
    expect(error).toMatchObject({ code: -32602, data: { reason: 'invalid_request_state' } });
  });

  it('refuses a requestState of somebody else, and one that is too old', async () => {
    const { requestState } = await afterFirstRound();
    const params = { ...call, inputResponses: { first: answered('Ada') }, requestState };
    const eve = await server.token({ sub: 'eve' });
    const stolen = modernRequest('tools/call', params, { token: eve, capabilities: elicitation });
    expect((await answerOf(await fetch(server.mcpUrl, stolen))).error?.code).toBe(-32602);

    server.clock.advance(15 * 60 + 1);
    const token = await server.issuer.sign({ aud: server.mcpUrl, lifetimeSeconds: 3600 });
    const late = modernRequest('tools/call', params, { token, capabilities: elicitation });
    expect((await answerOf(await fetch(server.mcpUrl, late))).error?.code).toBe(-32602);
    server.clock.advance(-15 * 60 - 1);
  });
});
