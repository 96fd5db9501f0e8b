// The client of the conformance suite, made of this project's own client library: `everything-client.ts URL`, with the
// scenario in MCP_CONFORMANCE_SCENARIO. Nobody is asked anything: the suite's sign-in page redirects at once.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, ClientCapabilities, Tool } from '@modelcontextprotocol/client';
import { Broker, type LoginOptions, type OpenBrowser, connect } from '../../src/client/index.js';

type Arguments = Record<string, unknown>;
type Run = (client: Client) => Promise<void>;

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly issuer?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments?: Arguments }[];
};
const url = process.argv.at(-1) ?? '';

/** Signs in the way a browser would, without one: follows the redirect to this client's own callback. */
const followRedirects: OpenBrowser = async (signIn) => {
  const response = await fetch(signIn, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`the sign-in page answered ${response.status}`);
  await fetch(new URL(location, signIn));
};

const call = (client: Client, name: string, args: Arguments = {}): ReturnType<Client['callTool']> =>
  client.callTool({ name, arguments: args });

const callEveryTool: Run = async (client) => {
  const { tools } = await client.listTools();
  for (const tool of tools) await call(client, tool.name, exampleOf(tool));
};

const listAndCallTestTool: Run = async (client) => {
  await client.listTools();
  await call(client, 'test-tool');
};

const SCENARIOS: Readonly<Record<string, Run>> = {
  initialize: async (client) => {
    await client.listTools();
  },
  tools_call: async (client) => {
    await client.listTools();
    await call(client, 'add_numbers', { a: 5, b: 3 });
  },
  'elicitation-sep1034-client-defaults': async (client) => {
    await client.listTools();
    await call(client, 'test_client_elicitation_defaults');
  },
  'sse-retry': async (client) => {
    await client.listTools();
    await call(client, 'test_reconnection');
  },
  'request-metadata': async (client) => {
    await client.listTools();
  },
  'sep-2322-client-request-state': async (client) => {
    await client.listTools();
    for (const name of ['echo_state', 'no_state', 'unrelated', 'no_result_type']) {
      await call(client, `test_mrtr_${name}`);
    }
  },
  'http-standard-headers': async (client) => {
    await callEveryTool(client);
    const { resources } = await client.listResources();
    for (const { uri } of resources) await client.readResource({ uri });
    const { prompts } = await client.listPrompts();
    for (const { name } of prompts) await client.getPrompt({ name });
  },
  'http-custom-headers': async (client) => {
    await client.listTools();
    for (const { name, arguments: args } of context.toolCalls ?? []) {
      await call(client, name, args ?? {});
    }
  },
  'http-invalid-tool-headers': callEveryTool,
  'json-schema-ref-no-deref': async (client) => {
    await client.listTools();
  },
  'json-schema-2020-12-preservation': async (client) => {
    const { tools } = await client.listTools();
    const tool = tools.find(({ name }) => name === 'json_schema_2020_12_tool');
    await call(client, 'json_schema_echo', { schema: tool?.inputSchema });
  },
};

/** Arguments that a tool accepts: one value of the right type for each required property. */
function exampleOf(tool: Tool): Arguments {
  const properties = (tool.inputSchema.properties ?? {}) as Record<string, { type?: string }>;
  const values: Record<string, unknown> = { number: 1, integer: 1, boolean: true, array: [] };
  return Object.fromEntries(
    (tool.inputSchema.required ?? []).map((name) => [
      name,
      values[properties[name]?.type ?? 'string'] ?? 'test',
    ]),
  );
}

const capabilities: ClientCapabilities = {
  elicitation: { form: { applyDefaults: true } },
  ...(scenario === 'request-metadata' && { roots: {}, sampling: {} }),
};

const home = mkdtempSync(join(tmpdir(), 'catalog-mcp-conformance-'));
const login: Omit<LoginOptions, 'broker' | 'fetch'> = {
  openBrowser: followRedirects,
  callbackPort: 0,
  timeoutSeconds: 20,
  metadataDocumentUrl: 'https://conformance-test.local/client-metadata.json',
  ...(context.client_id !== undefined && {
    preRegistered: {
      clientId: context.client_id,
      ...(context.client_secret !== undefined && { clientSecret: context.client_secret }),
      ...(context.issuer !== undefined && { issuer: context.issuer }),
    },
  }),
};

try {
  const client = await connect(url, {
    broker: new Broker({ home }),
    login,
    client: { capabilities },
    prepare: (own) => {
      own.setRequestHandler('elicitation/create', () =>
        Promise.resolve({ action: 'accept', content: {} }),
      );
    },
  });
  await (SCENARIOS[scenario] ?? listAndCallTestTool)(client);
  await client.close();
} finally {
  rmSync(home, { recursive: true, force: true });
}
