import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  type InputRequiredResult,
  SERVER_INFO_META_KEY,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { visibleRegistry } from '../core/visible.js';
import type { TraceContext } from '../observe/trace-context.js';
import { DIRECT_VERSION, type DirectRequest } from './direct-request.js';
import { internalError } from './errors.js';
import { type Listing, listingOf } from './listing.js';
import type { ModernHandler } from './modern.js';
import { hideFromObservers, observed } from './observation.js';
import type { OperationContext, OperationEnvironment } from './operation.js';
import { type Replay, type ServerFactoryOptions, identityOf } from './server-factory.js';
import { callTool } from './tool-calls.js';

/** The body of a 200 answer, or what the SDK has to finish: a result or error that is not plain, of a call that has run. */
export type DirectAnswer =
  | { readonly kind: 'body'; readonly body: string | Buffer }
  | { readonly kind: 'replay'; readonly replay: Replay }
  | { readonly kind: 'unknown' };

/** Tells a call that nobody waits for its answer any more. The signal is made when somebody asks for it. */
export class Cancellation {
  isCancelled = false;
  /** Called once, at the first {@link cancel}. */
  onCancel: (() => void) | undefined;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isCancelled) this.#controller.abort();
    return this.#controller.signal;
  }

  cancel(): void {
    if (this.isCancelled) return;
    this.isCancelled = true;
    this.#controller?.abort();
    this.onCancel?.();
  }
}

export type AnswerDirect = (
  request: DirectRequest,
  principal: Principal | undefined,
  cancellation: Cancellation,
) => Promise<DirectAnswer>;

/**
 * Answers the plain 2026-07-28 requests without a server instance, web streams or wire schemas: the same operation code
 * as behind the SDK, and the encoding of the one shape of result that nearly all tools have. What comes out otherwise
 * (questions, other content, errors) is handed back to be encoded by the SDK; the call is not run again.
 */
export function createDirectAnswers(
  options: ServerFactoryOptions,
  modern: ModernHandler,
): AnswerDirect {
  const encode = createEncoder(options);
  const { authorize } = options.policy;
  const lists = createListAnswers(modern, (principal) =>
    visibleRegistry(options.registry(), principal, authorize),
  );
  return async (request, principal, cancellation) => {
    const { id } = request;
    if (request.kind === 'list') {
      const opening =
        options.observer === undefined
          ? await lists(request, principal)
          : await observedList(options, request, principal, lists);
      if (opening === undefined) return { kind: 'unknown' };
      return {
        kind: 'body',
        body: Buffer.concat([opening, Buffer.from(`${JSON.stringify(id)}}`)]),
      };
    }
    const environment: OperationEnvironment = {
      registry: request.registry,
      era: 'modern',
      transport: options.transport,
      audit: options.audit,
      auditArguments: options.auditArguments,
      observer: options.observer,
      upstreams: options.upstreams,
      tasks: options.tasks,
      clock: options.clock,
      logger: options.logger,
      stateCodec: options.stateCodec,
      policy: options.policy,
      log: silence,
      principalOf: () => principal,
      clientCapabilitiesOf: () => request.clientCapabilities,
    };
    const call = { method: 'tools/call', params: request.params };
    let result: CallToolResult | InputRequiredResult;
    try {
      result = await callTool(environment, asItIs, call, new DirectContext(request, cancellation));
    } catch (error) {
      return { kind: 'replay', replay: rethrow(error) };
    }
    if (!isPlainResult(result)) return { kind: 'replay', replay: () => result };
    try {
      return { kind: 'body', body: encode(result, id) };
    } catch (error) {
      options.logger.error('a result is not JSON', { tool: request.params['name'], error });
      return { kind: 'replay', replay: rethrow(internalError()) };
    }
  };
}

function rethrow(error: unknown): Replay {
  return () => {
    throw error;
  };
}

function asItIs(result: CallToolResult): CallToolResult {
  return result;
}

/** What an operation may ask of a plain request: no token to report progress to, no log level, no earlier round. */
class DirectContext implements OperationContext {
  readonly mcpReq: OperationContext['mcpReq'];
  readonly traceContext: TraceContext | undefined;
  readonly #cancellation: Cancellation;

  constructor({ id, traceContext }: DirectRequest, cancellation: Cancellation) {
    this.#cancellation = cancellation;
    this.traceContext = traceContext;
    this.mcpReq = {
      id,
      get signal() {
        return cancellation.signal;
      },
      requestState: nothing,
      log: silence,
      notify: silence,
    };
  }

  get isCancelled(): boolean {
    return this.#cancellation.isCancelled;
  }
}

function nothing(): undefined {
  return undefined;
}

function silence(): Promise<void> {
  return Promise.resolve();
}

/** Text blocks and an object: nothing in it that the wire schemas would alter or refuse. */
export function isPlainResult(
  result: CallToolResult | InputRequiredResult,
): result is CallToolResult {
  const { content, structuredContent, isError } = result as CallToolResult;
  if ('resultType' in result || '_meta' in result || !Array.isArray(content)) return false;
  if (structuredContent !== undefined && !isPlainStructure(structuredContent)) return false;
  if (isError === false) return false;
  return content.every(
    (block) =>
      block !== null &&
      block.type === 'text' &&
      typeof block.text === 'string' &&
      Object.keys(block).length === 2,
  );
}

function isPlainStructure(value: unknown): boolean {
  return isJsonObject(value) && !Object.hasOwn(value, '__proto__');
}

type Encode = (result: CallToolResult, id: string | number) => string;

function createEncoder(options: ServerFactoryOptions): Encode {
  const meta = { [SERVER_INFO_META_KEY]: identityOf(options.serverInfo) };
  // The members in the SDK's order, so that the two paths can be compared byte by byte.
  return ({ content, structuredContent, isError }, id) =>
    JSON.stringify({
      result: { content, structuredContent, isError, resultType: 'complete', _meta: meta },
      jsonrpc: '2.0',
      id,
    });
}

type ListAnswers = (
  request: DirectList,
  principal: Principal | undefined,
) => Promise<Buffer | undefined>;

type DirectList = DirectRequest & { readonly kind: 'list' };

function observedList(
  options: ServerFactoryOptions,
  request: DirectList,
  principal: Principal | undefined,
  lists: ListAnswers,
): Promise<Buffer | undefined> {
  const { id, registry, method, traceContext } = request;
  const params = { _meta: { [PROTOCOL_VERSION_META_KEY]: DIRECT_VERSION } };
  return observed(
    { registry, era: 'modern', transport: options.transport, observer: options.observer },
    { method, params },
    { mcpReq: { id }, traceContext },
    principal,
    () => lists(request, principal),
  );
}

/**
 * The answers of the list operations up to their id, as the SDK wrote them the first time. They belong to the listing
 * they show: another registry has another one.
 */
function createListAnswers(
  modern: ModernHandler,
  current: (principal: Principal | undefined) => Registry,
): ListAnswers {
  const known = new WeakMap<Listing, Map<string, Buffer | null>>();
  return async ({ registry, method }, principal) => {
    const listing = listingOf(registry);
    let answers = known.get(listing);
    if (answers === undefined) {
      answers = new Map();
      known.set(listing, answers);
    }
    const answer = answers.get(method);
    if (answer !== undefined) return answer ?? undefined;
    const made = await askOnce(modern, method, principal);
    // A registry that was replaced meanwhile may have answered in place of this one.
    if (listingOf(current(principal)) === listing) answers.set(method, made ?? null);
    return made;
  };
}

async function askOnce(
  modern: ModernHandler,
  method: string,
  principal: Principal | undefined,
): Promise<Buffer | undefined> {
  const _meta: JsonObject = {
    [PROTOCOL_VERSION_META_KEY]: DIRECT_VERSION,
    [CLIENT_CAPABILITIES_META_KEY]: {},
  };
  const request = new Request('http://localhost/', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'mcp-protocol-version': DIRECT_VERSION,
      'mcp-method': method,
    },
  });
  hideFromObservers(request);
  const body = { jsonrpc: '2.0', id: 0, method, params: { _meta } };
  const response = await modern.fetch(request, body, principal);
  const text = await response.text();
  return response.status === 200 && text.endsWith('"id":0}')
    ? Buffer.from(text.slice(0, -2))
    : undefined;
}
