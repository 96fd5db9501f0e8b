import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from './support/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const INFO = { name: 'test-client', version: '1.0.0' };
const NAMES: Readonly<Record<string, string>> = { 'First name?': 'Ada', 'Last name?': 'Lovelace' };

async function requestInit(): Promise<RequestInit> {
  return { headers: { Authorization: `Bearer ${await server.token()}` } };
}

function acceptWithName(params: { readonly message: string }) {
  return { action: 'accept' as const, content: { name: NAMES[params.message] ?? '' } };
}

describe('the v1 SDK client', () => {
  it('lists, calls, reads, answers questions and hears of changes', async () => {
    const client = new V1Client(INFO, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, (request) => acceptWithName(request.params));
    const changed = new Promise<void>((resolve) => {
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
    });
    const transport = new V1Transport(new URL(server.mcpUrl), { requestInit: await requestInit() });
    await client.connect(transport);
    closers.push(() => client.close());

    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual([
      'read_note',
      'write_note',
      'greet',
      'break',
    ]);
    const called = await client.callTool({ name: 'read_note', arguments: { id: '7' } });
    expect(called.structuredContent).toEqual({ id: '7', owner: 'ada' });
    const read = await client.readResource({ uri: 'notes://motd' });
    expect(read.contents).toMatchObject([{ text: 'Hi' }]);
    const greeted = await client.callTool({ name: 'greet', arguments: {} });
    expect(greeted.content).toMatchObject([{ text: 'Hello, Ada Lovelace' }]);

    // The stream for changes is opened beside the handshake: announce until it is there to hear it.
    const announcing = setInterval(() => server.http.notify.toolsChanged(), 20);
    await changed.finally(() => clearInterval(announcing));
  });
});

describe.each([
  ['legacy', { mode: 'legacy' }, '2025-11-25'],
  ['auto', { mode: 'auto' }, '2026-07-28'],
  ['pinned', { mode: { pin: '2026-07-28' } }, '2026-07-28'],
] as const)('the v2 SDK client, %s', (_name, versionNegotiation, expectedVersion) => {
  async function connect(): Promise<Client> {
    const client = new Client(INFO, {
      capabilities: { elicitation: { form: {} } },
      versionNegotiation,
    });
    client.setRequestHandler('elicitation/create', (request) =>
      acceptWithName(request.params as { message: string }),
    );
    const transport = new StreamableHTTPClientTransport(new URL(server.mcpUrl), {
      requestInit: await requestInit(),
    });
    await client.connect(transport);
    closers.push(() => client.close());
    return client;
  }

  it('negotiates its version and lists, calls, reads and gets a prompt', async () => {
    const client = await connect();
    expect(client.getNegotiatedProtocolVersion()).toBe(expectedVersion);
    expect((await client.listTools()).tools).toHaveLength(4);
    const called = await client.callTool({ name: 'read_note', arguments: { id: '7' } });
    expect(called.structuredContent).toEqual({ id: '7', owner: 'ada' });
    const read = await client.readResource({ uri: 'notes://one/text' });
    expect(read.contents).toMatchObject([{ text: 'note one' }]);
    const prompt = await client.getPrompt({ name: 'summarise', arguments: { id: '1' } });
    expect(prompt.messages).toMatchObject([{ content: { text: 'Summarise 1' } }]);
  });

  it('answers the questions of a tool', async () => {
    const client = await connect();
    const greeted = await client.callTool({ name: 'greet', arguments: { greeting: 'Hi' } });
    expect(greeted.content).toMatchObject([{ text: 'Hi, Ada Lovelace' }]);
  });

  it('sees the 403 of a call whose scope it lacks', async () => {
    const client = await connect();
    await expect(client.callTool({ name: 'write_note', arguments: { text: 'x' } })).rejects.toThrow(
      /insufficient|403|scope/i,
    );
  });
});
