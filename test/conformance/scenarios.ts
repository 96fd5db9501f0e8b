// What a client does in each scenario of the conformance suite, whatever is between it and the server.
import type { Client, Tool } from '@modelcontextprotocol/client';

type Arguments = Record<string, unknown>;
type Run = (client: Client) => Promise<void>;

/** What the suite tells a client about a scenario. */
export interface ScenarioContext {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly issuer?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments?: Arguments }[];
}

export const scenario: string = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
export const context = JSON.parse(
  process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}',
) as ScenarioContext;

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

export function runScenario(client: Client): Promise<void> {
  return (SCENARIOS[scenario] ?? listAndCallTestTool)(client);
}
