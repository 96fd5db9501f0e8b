import { PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';
import type { Era } from '../core/context.js';
import type { Principal } from '../core/principal.js';
import { textOf } from '../core/policy.js';
import { type Registry, findResource } from '../core/registry.js';
import type { ObservedTarget, Observer, OperationObserver } from '../observe/observer.js';
import { type TraceContext, traceContextOf } from '../observe/trace-context.js';
import { toWireError } from './errors.js';

type Params = Readonly<Record<string, unknown>>;

/** Where a request may say what trace it belongs to, and which request it is. */
export interface TracedContext {
  readonly mcpReq: {
    readonly id?: string | number | undefined;
    readonly _meta?: object | undefined;
  };
  /** What the HTTP headers say, where they were read already. */
  readonly traceContext?: TraceContext | undefined;
  readonly http?: { readonly req?: Request | undefined } | undefined;
}

export interface ObservationEnvironment {
  readonly registry: Registry;
  readonly era: Era;
  readonly transport: 'http' | 'stdio';
  readonly observer?: Required<Observer> | undefined;
}

/** `_meta` goes before the headers (SEP-414): one HTTP request is not one operation. */
export function traceContextIn(context: TracedContext, params: Params): TraceContext | undefined {
  const meta = (context.mcpReq._meta ?? params['_meta']) as Params | undefined;
  return (
    traceContextOf('meta', meta) ?? context.traceContext ?? traceContextInHeaders(context.http?.req)
  );
}

function traceContextInHeaders(request: Request | undefined): TraceContext | undefined {
  if (request?.headers.get('traceparent') == null) return undefined;
  return traceContextOf(
    'headers',
    Object.fromEntries(
      ['traceparent', 'tracestate', 'baggage'].map((name) => [name, request.headers.get(name)]),
    ),
  );
}

export function requestIdIn(context: TracedContext): string | undefined {
  const { id } = context.mcpReq;
  return id === undefined ? undefined : String(id);
}

/** Tells the observer that an operation begins. */
export function startObserving(
  environment: ObservationEnvironment,
  request: { readonly method: string; readonly params: Params },
  context: TracedContext,
  principal: Principal | undefined,
): OperationObserver | undefined {
  const { method, params } = request;
  const meta = params['_meta'] as Params | undefined;
  const version =
    meta?.[PROTOCOL_VERSION_META_KEY] ?? context.http?.req?.headers.get('mcp-protocol-version');
  return environment.observer?.operationStarted({
    method,
    target: targetIn(environment.registry, method, params),
    era: environment.era,
    transport: environment.transport,
    principal,
    requestId: requestIdIn(context),
    protocolVersion: typeof version === 'string' ? version : undefined,
    traceContext: traceContextIn(context, params),
  });
}

const unobserved = new WeakSet<Request>();

/** A request that the server puts to itself. */
export function hideFromObservers(request: Request): void {
  unobserved.add(request);
}

/** Runs an operation that leaves no audit row, such as a list. */
export function observed<Result>(
  environment: ObservationEnvironment,
  request: { readonly method: string; readonly params: Params },
  context: TracedContext,
  principal: Principal | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  const follower =
    context.http?.req !== undefined && unobserved.has(context.http.req)
      ? undefined
      : startObserving(environment, request, context, principal);
  if (follower === undefined) return work();
  const followed = async (): Promise<Result> => {
    try {
      const result = await work();
      follower.ended?.({ outcome: 'ok', reason: undefined, errorCode: undefined });
      return result;
    } catch (error) {
      const errorCode = toWireError(error)?.code;
      follower.ended?.({ outcome: 'failed', reason: reasonOf(errorCode), errorCode });
      throw error;
    }
  };
  return follower.run === undefined ? followed() : follower.run(followed);
}

/** Operations that are followed to their audit row, by themselves. */
const AUDITED = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** A handler that is followed, when there is somebody to follow it. */
export function observing<Context extends TracedContext, Result>(
  environment: ObservationEnvironment & {
    principalOf(context: Context): Principal | undefined;
  },
  method: string,
  handler: (params: Params, context: Context) => Result | Promise<Result>,
): (params: Params, context: Context) => Result | Promise<Result> {
  if (environment.observer === undefined || AUDITED.has(method)) return handler;
  return (params, context) =>
    observed(environment, { method, params }, context, environment.principalOf(context), async () =>
      handler(params, context),
    );
}

/** @param errorCode - JSON-RPC number of an error that may cross the wire; undefined for one that may not */
export function reasonOf(errorCode: number | undefined): string {
  return errorCode === undefined ? 'internal_error' : `rpc_error_${errorCode}`;
}

/** Only what the registry has: names that a client makes up must not become series of a metric. */
function targetIn(registry: Registry, method: string, params: Params): ObservedTarget | undefined {
  if (method === 'tools/call') {
    const tool = registry.tools.get(textOf(params['name']));
    return tool && { kind: 'tool', name: tool.name };
  }
  if (method === 'prompts/get') {
    const prompt = registry.prompts.get(textOf(params['name']));
    return prompt && { kind: 'prompt', name: prompt.name };
  }
  if (!method.startsWith('resources/')) return undefined;
  const uri = textOf(params['uri']);
  const found = findResource(registry, uri);
  if (found === undefined) return undefined;
  const { definition } = found;
  const name = 'uri' in definition ? definition.uri : definition.uriTemplate;
  return { kind: 'resource', name, uri };
}
