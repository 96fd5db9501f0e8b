import {
  type McpHttpHandler,
  type McpServerFactory,
  type ServerEvent,
  type ServerEventBus,
  classifyInboundRequest,
  createMcpHandler,
} from '@modelcontextprotocol/server';
import { JSON_RPC } from '../../shared/errors.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { Change, Changes } from '../core/changes.js';
import type { Principal } from '../core/principal.js';
import { type Refusal, refusalOf } from './modern-refusals.js';
import { type Replay, Replays, type ServerFactory, toAuthInfo } from './server-factory.js';

/** Whether a caller may be told that the content behind a URI changed. */
export type MayHear = (uri: string, principal: Principal | undefined) => boolean;

/** Serves 2026-07-28 requests, each on its own. */
export interface ModernHandler {
  /**
   * @param request - without a body: the parsed one is given beside it
   * @param replay - how the tool call in `body` ended, when it has run already
   */
  fetch(
    request: Request,
    body: unknown,
    principal: Principal | undefined,
    replay?: Replay,
  ): Promise<Response>;
  /** Ends every subscription stream with its result; calls go on. */
  closeStreams(): Promise<void>;
  /** Aborts the calls that run. */
  close(): Promise<void>;
}

/** @param mayHear - whether a caller may be told that a resource changed */
export function createModernHandler(
  factory: ServerFactory,
  changes: Changes,
  logger: Logger,
  mayHear: MayHear,
): ModernHandler {
  const replays = new Replays();
  const incoming = new WeakMap<Request, Incoming>();
  // The SDK asks for an instance when its checks of version, envelope and headers are done: ours come next.
  const build: McpServerFactory = ({ era, authInfo, requestInfo }) => {
    const { mcp } = factory({ era, ...(authInfo !== undefined && { authInfo }) }, replays.take);
    const request = requestInfo && incoming.get(requestInfo);
    if (requestInfo === undefined || request === undefined) return mcp;
    request.refusal = refusalOf(requestInfo.headers, request.body, (tool) =>
      mcp.toolInputSchemaJson(tool),
    );
    // Its own answer to this is dropped below.
    if (request.refusal !== undefined) throw new TypeError(request.refusal.message);
    return mcp;
  };
  const create = (bus: ServerEventBus): McpHttpHandler =>
    createMcpHandler(build, {
      legacy: 'reject',
      bus,
      onerror: (error) => logger.debug('request refused', { error }),
    });
  const calls = create(SILENT_BUS);
  // One for each stream: the SDK does not say whose a subscription is. And apart from the calls: the SDK closes streams
  // and calls together, and at a shutdown only the calls are to be waited for.
  const streams = new Set<McpHttpHandler>();
  const listen = async (
    request: Request,
    options: Parameters<McpHttpHandler['fetch']>[1],
    hears: Hears,
  ): Promise<Response> => {
    if (streams.size >= MAX_STREAMS) return toResponse(TOO_MANY_STREAMS, options?.parsedBody);
    let isOpen = false;
    const handler = create({
      publish: () => undefined,
      subscribe(listener) {
        isOpen = true;
        const unsubscribe = subscribeTo(changes, hears, listener);
        return () => {
          unsubscribe();
          streams.delete(handler);
        };
      },
    });
    streams.add(handler);
    try {
      return await handler.fetch(request, options);
    } finally {
      if (!isOpen) streams.delete(handler);
    }
  };
  return {
    async fetch(request, body, principal, replay) {
      const known: Incoming = { body, refusal: undefined };
      incoming.set(request, known);
      replays.give(request, replay);
      const authInfo = toAuthInfo(principal);
      const options = { parsedBody: body, ...(authInfo !== undefined && { authInfo }) };
      const response =
        isJsonObject(body) && body['method'] === 'subscriptions/listen'
          ? await listen(
              request,
              options,
              hearsOf(body, (uri) => mayHear(uri, principal)),
            )
          : await calls.fetch(request, options);
      return known.refusal === undefined ? response : toResponse(known.refusal, body);
    },
    async closeStreams() {
      await Promise.all([...streams].map((handler) => handler.close()));
    },
    close: () => calls.close(),
  };
}

type Hears = (event: ServerEvent) => boolean;

// Each costs some kilobytes for as long as its client stays.
const MAX_STREAMS = 10_000;
const TOO_MANY_STREAMS: Refusal = {
  status: 503,
  code: JSON_RPC.internalError,
  message: 'Subscription limit reached',
};
const SILENT_BUS: ServerEventBus = { publish: () => undefined, subscribe: () => () => undefined };

interface Incoming {
  readonly body: unknown;
  refusal: Refusal | undefined;
}

function toResponse({ status, code, message }: Refusal, body: unknown): Response {
  const id = isJsonObject(body) ? (body['id'] ?? null) : null;
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id }, { status });
}

export type InboundEra = 'modern' | 'legacy';

/**
 * Which era a request belongs to, by body first (MCP 2026-07-28, dual-era dispatch). What is malformed as a modern
 * request is the modern handler's to refuse: it never falls back silently.
 */
export function classifyEra(
  httpMethod: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: unknown,
): InboundEra {
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const protocolVersionHeader = header('mcp-protocol-version');
  const mcpMethodHeader = header('mcp-method');
  const mcpNameHeader = header('mcp-name');
  const outcome = classifyInboundRequest({
    httpMethod,
    ...(protocolVersionHeader !== undefined && { protocolVersionHeader }),
    ...(mcpMethodHeader !== undefined && { mcpMethodHeader }),
    ...(mcpNameHeader !== undefined && { mcpNameHeader }),
    ...(body !== undefined && { body }),
  });
  return outcome.kind === 'legacy' ? 'legacy' : 'modern';
}

function subscribeTo(
  changes: Changes,
  hears: Hears,
  listener: (event: ServerEvent) => void,
): () => void {
  return changes.subscribe((change) => {
    for (const event of toServerEvents(change)) if (hears(event)) listener(event);
  });
}

function toServerEvents(change: Change): ServerEvent[] {
  switch (change.kind) {
    case 'tools':
      return [{ kind: 'tools_list_changed' }];
    case 'prompts':
      return [{ kind: 'prompts_list_changed' }];
    case 'resources':
      return [{ kind: 'resources_list_changed' }];
    case 'resource':
      return change.uris.map((uri) => ({ kind: 'resource_updated', uri }));
  }
}

/** Of resources only those that the `subscriptions/listen` names: an import may change thousands of others. */
function hearsOf(body: JsonObject, mayHear: (uri: string) => boolean): Hears {
  const { notifications } = isJsonObject(body['params']) ? body['params'] : {};
  const named = isJsonObject(notifications) ? notifications['resourceSubscriptions'] : undefined;
  const uris = new Set<unknown>(Array.isArray(named) ? named : []);
  return (event) =>
    event.kind !== 'resource_updated' || (uris.has(event.uri) && mayHear(event.uri));
}
