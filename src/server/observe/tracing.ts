import type * as OpenTelemetry from '@opentelemetry/api';
import type { Attributes, Baggage, Context, Link, Span, Tracer } from '@opentelemetry/api';
import type { ObservedOperation, Observer, OperationEnd } from './observer.js';
import { type TraceContext, parseTraceParent } from './trace-context.js';

// Where every copy of the OpenTelemetry API of major version 1 keeps what an SDK registers: known without loading one.
const API = Symbol.for('opentelemetry.js.api.1');
const INSTRUMENTATION = 'catalog-mcp';
const MAX_BAGGAGE_MEMBERS = 64;

/** Whether an OpenTelemetry SDK has registered its tracer provider in this process. Cheap: nothing is loaded. */
export function isTracingRegistered(): boolean {
  const registered = (globalThis as { readonly [API]?: { readonly trace?: unknown } })[API];
  return registered?.trace !== undefined;
}

export interface TracingOptions {
  /** Default: a tracer of the registered provider. */
  readonly tracer?: Tracer;
}

/** Spans for MCP operations. */
export interface Tracing {
  readonly observer: Observer;
  /** The trace that the code that asks runs in. */
  activeTraceId(): string | undefined;
}

/**
 * One server span per MCP operation, with the names of OpenTelemetry's MCP conventions; its parent is what the client
 * says in `_meta`, else in the HTTP headers (SEP-414). The span is active while the handler runs. Arguments, results,
 * tokens and session ids are not recorded.
 *
 * @returns undefined when no SDK is registered by now: then nothing is loaded, and operations cost nothing more
 */
export async function createTracing(options: TracingOptions = {}): Promise<Tracing | undefined> {
  if (options.tracer === undefined && !isTracingRegistered()) return undefined;
  const api = await import('@opentelemetry/api');
  const tracer = options.tracer ?? api.trace.getTracer(INSTRUMENTATION);
  return {
    activeTraceId: () => api.trace.getActiveSpan()?.spanContext().traceId,
    observer: {
      operationStarted(operation) {
        const ambient = api.context.active();
        const parent = parentOf(api, operation.traceContext, ambient);
        const { method, target } = operation;
        const name =
          target === undefined || target.kind === 'resource' ? method : `${method} ${target.name}`;
        const span = tracer.startSpan(
          name,
          {
            kind: api.SpanKind.SERVER,
            attributes: attributesOf(operation),
            links: parent.links,
          },
          parent.context,
        );
        const active = api.trace.setSpan(parent.context, span);
        return {
          traceId: span.spanContext().traceId,
          run: (work) => api.context.with(active, work),
          ended: (end) => finish(span, end, api.SpanStatusCode.ERROR),
        };
      },
    },
  };
}

type Api = typeof OpenTelemetry;

/**
 * What the client says goes before what is around: a span of the HTTP server is linked. It is the parent where the
 * client says nothing of its own for the message.
 */
function parentOf(
  api: Api,
  given: TraceContext | undefined,
  ambient: Context,
): { readonly context: Context; readonly links: Link[] } {
  const parsed = parseTraceParent(given?.traceparent);
  const around = api.trace.getSpanContext(ambient);
  if (given === undefined || parsed === undefined) return { context: ambient, links: [] };
  // The headers were read already by who made the span around.
  if (around !== undefined && given.source === 'headers') return { context: ambient, links: [] };
  const { traceId, spanId, flags } = parsed;
  const { tracestate, baggage } = given;
  let context = api.trace.setSpanContext(ambient, {
    traceId,
    spanId,
    traceFlags: flags,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: api.createTraceState(tracestate) }),
  });
  if (baggage !== undefined) {
    context = api.propagation.setBaggage(context, parseBaggage(api, baggage));
  }
  return { context, links: around === undefined ? [] : [{ context: around }] };
}

/** @see W3C Baggage §3.2: members that are not well-formed are left out */
function parseBaggage(api: Api, text: string): Baggage {
  const entries: Record<string, { value: string }> = {};
  for (const member of text.split(',', MAX_BAGGAGE_MEMBERS)) {
    const [pair = ''] = member.split(';', 1);
    const [, key, value] = /^\s*([!#$%&'*+\-.^_`|~\w]+)\s*=\s*([\x21-\x7e]*)\s*$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) continue;
    try {
      entries[key] = { value: decodeURIComponent(value) };
    } catch {
      // Not percent-encoded text.
    }
  }
  return api.propagation.createBaggage(entries);
}

function attributesOf(operation: ObservedOperation): Attributes {
  const { method, target, transport, requestId, protocolVersion } = operation;
  return {
    'mcp.method.name': method,
    ...(protocolVersion !== undefined && { 'mcp.protocol.version': protocolVersion }),
    ...(requestId !== undefined && { 'jsonrpc.request.id': requestId }),
    ...(target?.kind === 'tool' && {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': target.name,
    }),
    ...(target?.kind === 'prompt' && { 'gen_ai.prompt.name': target.name }),
    ...(target?.uri !== undefined && { 'mcp.resource.uri': target.uri }),
    ...(transport === 'http'
      ? { 'network.transport': 'tcp', 'network.protocol.name': 'http' }
      : { 'network.transport': 'pipe' }),
  };
}

function finish(span: Span, { outcome, reason, errorCode }: OperationEnd, error: number): void {
  if (errorCode !== undefined) span.setAttribute('rpc.response.status_code', String(errorCode));
  if (outcome !== 'ok' && outcome !== 'input_required') {
    const type = errorCode === undefined ? outcome : String(errorCode);
    span.setAttribute('error.type', outcome === 'tool_error' ? 'tool_error' : type);
    span.setStatus({ code: error, ...(reason !== undefined && { message: reason }) });
  }
  span.end();
}
