import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import type { OAuthClientProvider } from '@modelcontextprotocol/client';
import { quote } from '../shared/errors.js';
import type { JsonObject } from '../shared/json.js';
import {
  AgentAuthenticationError,
  InsufficientScopeError,
  ToolSourceError,
  ToolSourceUnreachableError,
} from './errors.js';
import type { CallOptions, ToolDescription, ToolResult, ToolSource } from './tool-source.js';

/** A server that is started as a child process and spoken to over its stdin and stdout. */
export interface StdioServer {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Added to a minimal environment (PATH, HOME and the like), not to all of ours. Credentials belong here, not in `args`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Where the child's stderr goes. Default `inherit`: its complaints are for the person. */
  readonly stderr?: 'inherit' | 'ignore';
}

/** A server behind a Streamable HTTP endpoint. */
export interface HttpServer {
  readonly kind: 'http';
  readonly url: string;
  /** Sent with every request, for example `X-API-Key`. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Holds tokens and refreshes them. It has to hold some already: a login that starts inside the adapter cannot be
   * finished, so sign in first.
   */
  readonly authProvider?: OAuthClientProvider;
}

export type ServerEntry = StdioServer | HttpServer;

export interface MultiServerOptions {
  /** Put the server's name in front of its tools (`catalog__search_courses`). Default: only with several servers. */
  readonly prefixToolNames?: boolean;
  /** Limit on one tool call. Default 60,000. */
  readonly toolTimeoutMs?: number;
}

/** The environment variable that carries the value of the header at this place. */
const variable = (at: number): string => `MCP_REMOTE_HEADER_${at}`;

/** A stdio entry that reaches an HTTP server through mcp-remote, as hosts without HTTP support do. */
export function mcpRemoteEntry(
  url: string,
  options: {
    /** The script or executable of mcp-remote. */
    readonly script: string;
    /** Header names and values; the values travel in the child's environment, not in its argv. */
    readonly headers?: Readonly<Record<string, string>>;
    readonly callbackPort?: number;
    /** Added to the child's environment, for example `MCP_REMOTE_CONFIG_DIR`. */
    readonly env?: Readonly<Record<string, string>>;
  },
): StdioServer {
  const headers = Object.entries(options.headers ?? {});
  return {
    kind: 'stdio',
    command: process.execPath,
    args: [
      options.script,
      url,
      ...(options.callbackPort === undefined ? [] : [String(options.callbackPort)]),
      '--transport',
      'http-only',
      // mcp-remote fills in ${NAME} from its environment: argv is readable by every process of the machine.
      ...headers.flatMap(([name], at) => ['--header', `${name}:\${${variable(at)}}`]),
    ],
    env: {
      ...options.env,
      ...Object.fromEntries(headers.map(([, value], at) => [variable(at), value])),
    },
  };
}

/**
 * A tool source over LangChain's `MultiServerMCPClient` (2025 era). Connects at the first use.
 *
 * Results are read from the protocol client below the adapter: the adapter's own tool messages turn a result with
 * structured content into a JSON string of its text block, and an error result into a thrown string.
 *
 * @param servers - by name; a name is part of prefixed tool names
 */
export function multiServerSource(
  servers: Readonly<Record<string, ServerEntry>>,
  options: MultiServerOptions = {},
): ToolSource {
  const names = Object.keys(servers);
  const isPrefixed = options.prefixToolNames ?? names.length > 1;
  const timeoutMs = options.toolTimeoutMs ?? 60_000;
  const client = new MultiServerMCPClient({
    mcpServers: Object.fromEntries(
      Object.entries(servers).map(([name, entry]) => [name, toConnection(entry)]),
    ),
    // Explicit: the next major version of the adapter turns the default around.
    prefixToolNameWithServerName: isPrefixed,
    throwOnLoadError: true,
    onConnectionError: 'throw',
  });
  let listed: Promise<readonly ListedTool[]> | undefined;
  const list = (): Promise<readonly ListedTool[]> =>
    (listed ??= listTools(client, names, isPrefixed));
  return {
    listTools: list,
    async callTool(name: string, args: JsonObject, call: CallOptions = {}): Promise<ToolResult> {
      const tool = (await list()).find((candidate) => candidate.name === name);
      if (tool === undefined) throw new ToolSourceError(`no server offers the tool ${quote(name)}`);
      try {
        const protocolClient = await client.getClient(tool.server);
        if (protocolClient === undefined) throw new Error('not connected');
        const result = await protocolClient.callTool(
          { name: tool.ownName, arguments: { ...args } },
          undefined,
          {
            timeout: timeoutMs,
            // The client below leaves a listener on the signal of each call: one that ends with the call.
            ...(call.signal !== undefined && { signal: AbortSignal.any([call.signal]) }),
          },
        );
        return normalise(result);
      } catch (error) {
        call.signal?.throwIfAborted();
        throw explain(error, tool.server);
      }
    },
    async close() {
      await client.close();
    },
  };
}

interface ListedTool extends ToolDescription {
  /** The name at its own server. */
  readonly ownName: string;
}

type Connection = ConstructorParameters<typeof MultiServerMCPClient>[0] extends infer Config
  ? Config extends { mcpServers: Record<string, infer Entry> }
    ? Entry
    : never
  : never;

function toConnection(entry: ServerEntry): Connection {
  if (entry.kind === 'stdio') {
    return {
      transport: 'stdio',
      command: entry.command,
      args: [...entry.args],
      stderr: entry.stderr ?? 'inherit',
      ...(entry.env !== undefined && { env: { ...entry.env } }),
      ...(entry.cwd !== undefined && { cwd: entry.cwd }),
    };
  }
  return {
    transport: 'http',
    url: entry.url,
    // Without it a 4xx is answered with two more attempts over SSE, which hide the first error.
    automaticSSEFallback: false,
    ...(entry.headers !== undefined && { headers: { ...entry.headers } }),
    ...(entry.authProvider !== undefined && { authProvider: entry.authProvider }),
  };
}

const MAX_TOOL_PAGES = 50;

async function listTools(
  client: MultiServerMCPClient,
  servers: readonly string[],
  isPrefixed: boolean,
): Promise<readonly ListedTool[]> {
  const found: ListedTool[] = [];
  for (const server of servers) {
    try {
      const protocolClient = await client.getClient(server);
      if (protocolClient === undefined) throw new Error('not connected');
      let cursor: string | undefined;
      for (let page = 0; page < MAX_TOOL_PAGES; page++) {
        const answer = await protocolClient.listTools(cursor === undefined ? {} : { cursor });
        for (const tool of answer.tools) {
          found.push({
            name: isPrefixed ? `${server}__${tool.name}` : tool.name,
            ownName: tool.name,
            server,
            description: tool.description ?? '',
            inputSchema: tool.inputSchema as JsonObject,
          });
        }
        cursor = answer.nextCursor;
        if (cursor === undefined) break;
      }
    } catch (error) {
      throw explain(error, server);
    }
  }
  const names = found.map(({ name }) => name);
  const twice = found.find(({ name }, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new ToolSourceError(
      `two servers offer a tool ${quote(twice.name)}: set prefixToolNames to tell them apart`,
    );
  }
  return found;
}

interface CallResult {
  readonly [name: string]: unknown;
  readonly content?: unknown;
  readonly structuredContent?: unknown;
  readonly isError?: unknown;
}

function normalise(result: CallResult): ToolResult {
  const blocks = Array.isArray(result.content)
    ? (result.content as { type?: string; text?: string }[])
    : [];
  return {
    structured:
      typeof result.structuredContent === 'object' && result.structuredContent !== null
        ? (result.structuredContent as JsonObject)
        : undefined,
    text: blocks
      .flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : []))
      .join('\n'),
    isError: result.isError === true,
  };
}

/**
 * The adapter and the client below it throw errors of many kinds, some with the original flattened into the message.
 * What a caller has to tell apart is told from the type where there is one and from the message where there is not.
 */
function explain(error: unknown, server: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  const at = `server ${quote(server)}`;
  const cause = { cause: error };
  if (/\b403\b|insufficient_scope/i.test(message)) {
    return new InsufficientScopeError(
      `${at} refuses: the credentials lack a scope for this`,
      cause,
    );
  }
  if (
    /unauthorized|authentication failed|needs a login|\b401\b|invalid_token|invalid_grant|api key/i.test(
      `${nameOf(error)} ${message}`,
    )
  ) {
    return new AgentAuthenticationError(
      `${at} wants valid credentials: ${shorten(message)}`,
      cause,
    );
  }
  if (
    /fetch failed|ECONNREFUSED|ENOTFOUND|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENOENT|spawn|timed out/i.test(
      message,
    )
  ) {
    return new ToolSourceUnreachableError(`${at} cannot be reached: ${shorten(message)}`, cause);
  }
  return new ToolSourceError(`${at}: ${shorten(message)}`, cause);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** The adapter wraps a message in a message, and that in another; the innermost one is what happened. */
function shorten(message: string): string {
  const innermost = message.split(/Original error:\s*/).at(-1) ?? message;
  let text = innermost;
  for (let before = ''; before !== text;) {
    before = text;
    text = text.replace(WRAPPING, '').trimStart();
  }
  return text.slice(0, 400);
}

const WRAPPING =
  /^(?:\w*Error:|MCP error -?\d+:|Streamable HTTP error:|Error POSTing to endpoint:|Failed to (?:connect to|create|load tools from) [^"]*"[^"]*":?)\s*/;
