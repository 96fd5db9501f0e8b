import type { CallToolResult, Client, Tool } from '@modelcontextprotocol/client';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { rootCause } from '../../client/connect.js';
import { printable } from '../../client/token-endpoint.js';
import { type CallArguments, pairsToArguments, parseCallArguments } from './call-arguments.js';
import type { ClientContext } from './context.js';
import { ClientUsageError, ToolFailedError } from './errors.js';

const MAX_PAGES = 100;
const CALL_TIMEOUT_MS = 300_000;

export async function runTools(context: ClientContext, url: string | undefined): Promise<void> {
  const serverUrl = await context.serverUrl(url);
  await withClient(context, serverUrl, async (client) => {
    const tools = await listTools(client, context.signal);
    const text = tools.map(describeTool).join('\n');
    context.print({ server: serverUrl, tools }, text);
  });
}

export async function runCall(context: ClientContext, args: readonly string[]): Promise<void> {
  const call = parseCallArguments(args);
  const serverUrl = await context.serverUrl(call.url);
  await withClient(context, serverUrl, async (client) => {
    const input = await readInput(client, call, context.signal);
    const result = await client.callTool(
      { name: call.tool, arguments: { ...input } },
      { signal: context.signal, timeout: CALL_TIMEOUT_MS, resetTimeoutOnProgress: true },
    );
    const text = describeResult(result);
    if (result.isError === true) throw new ToolFailedError(call.tool, text, result);
    context.print(result, context.io.stdout.isTTY === true ? indented(text) : text);
  });
}

/** A person reads JSON by its lines, a program by its bytes: only a terminal gets it indented. */
function indented(text: string): string {
  const parsed = parseJson(text);
  return parsed.ok && typeof parsed.value === 'object'
    ? JSON.stringify(parsed.value, undefined, 2)
    : text;
}

async function withClient(
  context: ClientContext,
  serverUrl: string,
  task: (client: Client) => Promise<void>,
): Promise<void> {
  const client = await context.connect(serverUrl);
  try {
    // A convenience for the next command: no reason to fail this one.
    await context.broker.store.rememberServer(serverUrl).catch(() => undefined);
    await task(client);
  } catch (error) {
    throw rootCause(error);
  } finally {
    await client.close().catch(() => undefined);
  }
}

async function listTools(client: Client, signal: AbortSignal): Promise<Tool[]> {
  const tools: Tool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await client.listTools(cursor === undefined ? undefined : { cursor }, {
      signal,
    });
    tools.push(...answer.tools);
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return tools;
}

async function readInput(
  client: Client,
  call: CallArguments,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  if (call.input.kind === 'json') return call.input.value;
  const tools = await listTools(client, signal);
  const tool = tools.find(({ name }) => name === call.tool);
  if (tool === undefined) {
    throw new ClientUsageError(
      `the server has no tool ${JSON.stringify(call.tool)}. It has ${tools.map(({ name }) => name).join(', ')}`,
    );
  }
  return pairsToArguments(call.input.pairs, tool.inputSchema);
}

/** `search_courses query= [level=]  Finds courses …` */
function describeTool(tool: Tool): string {
  const { properties, required } = tool.inputSchema;
  const names = isJsonObject(properties) ? Object.keys(properties) : [];
  const needed = new Set(required ?? []);
  const usage = names
    .toSorted((a, b) => Number(needed.has(b)) - Number(needed.has(a)))
    .map((name) => (needed.has(name) ? `${name}=` : `[${name}=]`))
    .join(' ');
  const description = printable(tool.description ?? '', 200);
  return `${printable(tool.name, 128)} ${printable(usage, 500)}\n    ${description}`;
}

/** What people read: the texts; for other content, what it is. */
function describeResult(result: CallToolResult): string {
  const parts = result.content.map((block) => {
    switch (block.type) {
      case 'text':
        return withoutControls(block.text);
      case 'image':
      case 'audio':
        return `[${block.type}, ${printable(block.mimeType, 80)}: use --json to get it]`;
      case 'resource_link':
        return `[${printable(block.name, 200)}: ${printable(block.uri, 500)}]`;
      case 'resource':
        return 'text' in block.resource
          ? withoutControls(block.resource.text)
          : `[${printable(block.resource.uri, 500)}]`;
    }
  });
  if (parts.length > 0) return parts.join('\n');
  return result.structuredContent === undefined
    ? ''
    : JSON.stringify(result.structuredContent, null, 2);
}

/** Text of a server for a terminal: lines stay, escape sequences do not. */
function withoutControls(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '');
}
