import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type McpHttpHandler,
  type McpServerFactory,
  type ServerEvent,
  type ServerEventBus,
  classifyInboundRequest,
  createMcpHandler,
} from '@modelcontextprotocol/server';
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
  // The SDK subscribes for a stream while it makes it, and does not say whose it is.
  const listener = new AsyncLocalStorage<(event: ServerEvent) => boolean>();
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
  const create = (): McpHttpHandler =>
    createMcpHandler(build, {
      legacy: 'reject',
      bus: createBus(changes, () => listener.getStore()),
      onerror: (error) => logger.debug('request refused', { error }),
    });
  // Two, because the SDK closes streams and calls together, and at a shutdown only the calls are to be waited for.
  const calls = create();
  const streams = create();
  return {
    async fetch(request, body, principal, replay) {
      const known: Incoming = { body, refusal: undefined };
      incoming.set(request, known);
      replays.give(request, replay);
      const authInfo = toAuthInfo(principal);
      const isStream = isJsonObject(body) && body['method'] === 'subscriptions/listen';
      const options = { parsedBody: body, ...(authInfo !== undefined && { authInfo }) };
      const named = isStream ? resourcesNamedIn(body) : undefined;
      const hears = (event: ServerEvent): boolean =>
        event.kind !== 'resource_updated' ||
        (named?.has(event.uri) === true && mayHear(event.uri, principal));
      const response = await (isStream
        ? listener.run(hears, () => streams.fetch(request, options))
        : calls.fetch(request, options));
      return known.refusal === undefined ? response : toResponse(known.refusal, body);
    },
    closeStreams: () => streams.close(),
    close: () => calls.close(),
  };
}

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

function createBus(
  changes: Changes,
  currentFilter: () => ((event: ServerEvent) => boolean) | undefined,
): ServerEventBus {
  return {
    publish: () => undefined,
    subscribe(listener) {
      const hears = currentFilter();
      return changes.subscribe((change) => {
        for (const event of toServerEvents(change)) {
          if (hears?.(event) !== false) listener(event);
        }
      });
    },
  };
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

/** The resources that a `subscriptions/listen` asks to hear of: an import may change thousands of others. */
function resourcesNamedIn(body: JsonObject): ReadonlySet<unknown> {
  const { notifications } = isJsonObject(body['params']) ? body['params'] : {};
  const named = isJsonObject(notifications) ? notifications['resourceSubscriptions'] : undefined;
  return new Set(Array.isArray(named) ? named : []);
}
