/** The two ways through the server side by side: the direct path, and the SDK as its reference. */
import { Agent, request as httpRequest } from 'node:http';
import { z } from 'zod';
import { JSON_RPC, ProtocolError } from '../../../src/shared/errors.js';
import {
  type Registry,
  type ToolDefinition,
  createRegistry,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
  jsonSchema,
} from '../../../src/server/index.js';
import { type TestServer, startTestServer } from '../support/test-server.js';

/** One request as bytes: what no client library would send included. */
export interface RawRequest {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface Pair {
  readonly direct: TestServer;
  readonly reference: TestServer;
  readonly tokens: { readonly reader: string; readonly writer: string };
  /** Names of the tools that ran, in order, on either side. */
  readonly runs: { readonly direct: string[]; readonly reference: string[] };
  send(side: 'direct' | 'reference', request: RawRequest): Promise<RawAnswer>;
  close(): Promise<void>;
}

const PUBLIC_URL = 'http://localhost:8123';

export async function startPair(): Promise<Pair> {
  const runs: Pair['runs'] = { direct: [], reference: [] };
  const start = (side: 'direct' | 'reference', isOff: boolean): Promise<TestServer> =>
    startTestServer({
      registry: oddRegistry((name) => runs[side].push(name)),
      publicUrl: PUBLIC_URL,
      isDirectPathOff: isOff,
      limits: { drainMs: 100, maxBodyBytes: 100_000 },
    });
  const direct = await start('direct', false);
  const reference = await start('reference', true);
  // Both sides trust the issuer of the first: one token serves both.
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const aud = `${PUBLIC_URL}/mcp`;
  const both = (scope: string) =>
    Promise.all([direct, reference].map((server) => server.issuer.sign({ aud, scope })));
  const [reader, writer] = [await both('notes:read'), await both('notes:read notes:write')];
  const tokens = { reader: 'READER', writer: 'WRITER' };
  return {
    direct,
    reference,
    tokens,
    runs,
    send(side, request) {
      const server = side === 'direct' ? direct : reference;
      const which = side === 'direct' ? 0 : 1;
      const headers = { ...request.headers };
      if (headers['authorization'] === 'Bearer READER') {
        headers['authorization'] = `Bearer ${reader[which]}`;
      } else if (headers['authorization'] === 'Bearer WRITER') {
        headers['authorization'] = `Bearer ${writer[which]}`;
      }
      return post(server.listening.port, agent, { ...request, headers });
    },
    async close() {
      agent.destroy();
      await direct.close();
      await reference.close();
    },
  };
}

function post(port: number, agent: Agent, { headers, body }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, agent, path: '/mcp', method: 'POST', headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { date: _now, ...rest } = response.headers;
          resolve({
            status: response.statusCode ?? 0,
            headers: rest,
            body: Buffer.concat(chunks).toString('utf8'),
          });
        });
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Tools of every shape of result, and a few of every other kind of thing. */
export function oddRegistry(ran: (name: string) => void): Registry {
  const tool = (
    name: string,
    handler: ToolDefinition['handler'],
    more: Partial<ToolDefinition> = {},
  ): ToolDefinition =>
    defineTool({
      name,
      description: `The tool ${name} of the comparison.`,
      scopes: ['notes:read'],
      ...more,
      handler(args, context) {
        ran(name);
        return handler(args, context);
      },
    });
  const textSchema = z.object({ text: z.string().max(20), times: z.number().int().default(1) });
  return createRegistry({
    tools: [
      tool('text', (args) => text(JSON.stringify(args)), { input: textSchema }),
      tool('structured', (args) => ({ structured: { echo: args } }), {
        input: textSchema,
        output: z.object({ echo: textSchema }),
      }),
      tool('free', (args, { principal, era, clientCapabilities }) => ({
        structured: { args, who: principal?.subject, era, clientCapabilities },
      })),
      tool('both', () => ({ ...text('words'), structured: { n: 1, nested: [{ a: null }] } })),
      tool('list', () => ({ structured: [1, 2, 3] })),
      tool('list_and_text', () => ({ ...text('three'), structured: [1, 2, 3] })),
      tool('nothing', () => ({})),
      tool('no_result', () => undefined as never),
      tool('is_error', () => ({ ...text('not today'), isError: true })),
      tool('broken_promise', () => ({ structured: { n: 'one' } }), {
        output: z.object({ n: z.number() }),
      }),
      tool('throws', () => {
        throw new Error('the password is hunter2');
      }),
      tool('rejects', async () => {
        throw new ProtocolError(JSON_RPC.invalidParams, 'no such thing', { thing: 1 });
      }),
      tool('image', () => ({
        content: [{ type: 'image', data: 'aGk=', mimeType: 'image/png' }],
      })),
      tool('annotated', () => ({
        content: [{ type: 'text', text: 'x', annotations: { priority: 1 }, stray: true }],
      })),
      tool('not_content', () => ({ content: [{ type: 'text', text: 7 }] })),
      tool('no_blocks', () => ({ content: 'text' }) as never),
      tool('asks', async (_args, context) => {
        const { name } = await context.ask({
          name: { kind: 'form', message: 'Name?', schema: z.object({ name: z.string() }) },
        });
        return text(JSON.stringify(name));
      }),
      tool('needs_sampling', () => text('sampled'), { requiredCapabilities: { sampling: {} } }),
      tool('notifies', async (_args, context) => {
        await context.log('info', { step: 1 });
        await context.progress(1, 2, 'half');
        await context.progress(2, 2);
        return text(String(context.signal.aborted));
      }),
      tool('region', (args) => text(JSON.stringify(args)), {
        input: jsonSchema({
          type: 'object',
          properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
        }),
      }),
      tool('write', () => text('written'), { scopes: ['notes:read', 'notes:write'] }),
    ],
    resources: [
      defineResource({
        uri: 'notes://motd',
        name: 'motd',
        scopes: ['notes:read'],
        read: async () => [{ text: 'Hi' }],
      }),
    ],
    resourceTemplates: [
      defineResourceTemplate({
        uriTemplate: 'notes://{id}/text',
        name: 'note',
        scopes: [],
        read: async ({ id }) => [{ text: `note ${id}` }],
      }),
    ],
    prompts: [
      definePrompt({
        name: 'summarise',
        scopes: [],
        arguments: [{ name: 'id', required: true }],
        render: async ({ id }) => ({
          messages: [{ role: 'user', content: { type: 'text', text: `Summarise ${id}` } }],
        }),
      }),
    ],
  });
}

function text(value: string) {
  return { content: [{ type: 'text', text: value }] };
}
