import type { IncomingHttpHeaders } from 'node:http';
import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Principal } from '../core/principal.js';
import { type TraceContext, traceContextOf } from '../observe/trace-context.js';
import { Cancellation, isPlainResult } from './direct.js';
import { DIRECT_VERSION, PLAIN_JSON, isPlainCallParams, isRequestId } from './direct-request.js';
import { internalError } from './errors.js';
import type { OperationContext } from './operation.js';
import { type Replay, type ServerInstance, toAuthInfo } from './server-factory.js';

/** A `tools/call` of a 2025-era session that is well-formed in all its parts and asks for no progress. */
export interface SessionCall {
  readonly id: string | number;
  readonly sessionId: string;
  readonly protocolVersion: string;
  readonly params: JsonObject;
  readonly traceContext: TraceContext | undefined;
}

/** What came of a call, or what the SDK's transport has to go on with. */
export type SessionCallAnswer =
  | { readonly kind: 'body'; readonly body: string }
  | { readonly kind: 'replay'; readonly replay: Replay }
  | { readonly kind: 'gone' };

/** @returns undefined for everything else: it goes the long way, where it is judged */
export function recogniseSessionCall(
  headers: IncomingHttpHeaders,
  body: unknown,
): SessionCall | undefined {
  const {
    'mcp-session-id': sessionId,
    'mcp-protocol-version': protocolVersion,
    accept = '',
  } = headers;
  if (
    typeof sessionId !== 'string' ||
    typeof protocolVersion !== 'string' ||
    protocolVersion >= DIRECT_VERSION ||
    !PLAIN_JSON.test(headers['content-type'] ?? '') ||
    !accept.includes('application/json') ||
    !accept.includes('text/event-stream') ||
    !isJsonObject(body)
  ) {
    return undefined;
  }
  const { jsonrpc, id, method, params } = body;
  if (
    jsonrpc !== '2.0' ||
    !isRequestId(id) ||
    method !== 'tools/call' ||
    !isJsonObject(params) ||
    Object.keys(body).length !== 4 ||
    !isPlainCallParams(params)
  ) {
    return undefined;
  }
  const meta = params['_meta'];
  if (meta !== undefined && !(isJsonObject(meta) && isPlainMeta(meta))) return undefined;
  const traceContext = traceContextOf('headers', headers);
  return { id, sessionId, protocolVersion, params, traceContext };
}

function isPlainMeta(meta: JsonObject): boolean {
  return Object.keys(meta).every(
    (member) =>
      member !== 'progressToken' &&
      member !== '__proto__' &&
      !member.startsWith('io.modelcontextprotocol/'),
  );
}

// A call that takes longer gets a stream that its client can take up again after a broken connection.
const STREAM_AFTER_MS = 25;

/** The calls of one session that run on the short way. */
export class SessionCalls {
  readonly #running = new Map<string | number, RunningCall>();

  /**
   * Runs a call. Nearly all are answered in one document; one that says something before its result, asks, takes long
   * or fails goes on in a stream of the SDK's transport, without being run again.
   */
  async run(
    instance: ServerInstance,
    call: SessionCall,
    principal: Principal | undefined,
  ): Promise<SessionCallAnswer> {
    const running = new RunningCall(call, principal);
    this.#running.set(call.id, running);
    const result = instance.callTool(call.params, running);
    const forget = (): void => {
      if (this.#running.get(call.id) === running) this.#running.delete(call.id);
    };
    result.then(forget, forget);
    const replay: Replay = (context) => {
      running.attach(context);
      return result;
    };
    const first = await running.untilFirst(result);
    if (first.kind !== 'result') return first.kind === 'gone' ? first : { kind: 'replay', replay };
    if (!isPlainResult(first.result)) return { kind: 'replay', replay };
    try {
      return { kind: 'body', body: encode(first.result, call.id) };
    } catch {
      // Not JSON, a BigInt for one.
      return { kind: 'replay', replay: () => Promise.reject(internalError()) };
    }
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  isRunning(requestId: unknown): boolean {
    return isRequestId(requestId) && this.#running.has(requestId);
  }

  /** The client has cancelled the request. It gets what the handler makes of that. */
  cancel(requestId: unknown): void {
    if (isRequestId(requestId)) this.#running.get(requestId)?.cancellation.cancel();
  }

  close(): void {
    for (const running of this.#running.values()) running.end();
    this.#running.clear();
  }
}

type First =
  | { readonly kind: 'result'; readonly result: CallToolResult | InputRequiredResult }
  | { readonly kind: 'stream' }
  | { readonly kind: 'gone' };

/** The surroundings of a call: its own at first, the SDK's as soon as there is something to send before the result. */
class RunningCall implements OperationContext {
  readonly cancellation = new Cancellation();
  readonly mcpReq: OperationContext['mcpReq'];
  readonly http: NonNullable<OperationContext['http']>;
  readonly traceContext: TraceContext | undefined;
  #wantsStream = false;
  #settle: ((first: First) => void) | undefined;
  readonly #attached: Promise<OperationContext>;
  #attach: (context: OperationContext) => void = () => undefined;

  constructor({ id, traceContext }: SessionCall, principal: Principal | undefined) {
    const { cancellation } = this;
    this.traceContext = traceContext;
    this.#attached = new Promise((resolve) => {
      this.#attach = resolve;
    });
    this.mcpReq = {
      id,
      get signal() {
        return cancellation.signal;
      },
      requestState: () => undefined,
      log: async (...message) => (await this.#stream()).mcpReq.log(...message),
      notify: async (...notification) => (await this.#stream()).mcpReq.notify(...notification),
    };
    this.http = {
      authInfo: toAuthInfo(principal),
      closeSSE: () => void this.#stream().then((context) => context.http?.closeSSE?.()),
    };
  }

  get isCancelled(): boolean {
    return this.cancellation.isCancelled;
  }

  /** What the answer depends on first: the result, something that needs a stream, the time, or the session's end. */
  untilFirst(result: Promise<CallToolResult | InputRequiredResult>): Promise<First> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve({ kind: 'stream' }), STREAM_AFTER_MS);
      this.#settle = (first) => {
        clearTimeout(timer);
        resolve(first);
      };
      if (this.#wantsStream) this.#settle({ kind: 'stream' });
      result.then(
        (value) => this.#settle?.({ kind: 'result', result: value }),
        // Errors are the SDK's to encode; the replay throws this one again.
        () => this.#settle?.({ kind: 'stream' }),
      );
    });
  }

  attach(context: OperationContext): void {
    const { signal } = context.mcpReq;
    if (signal.aborted) this.cancellation.cancel();
    signal.addEventListener('abort', () => this.cancellation.cancel(), { once: true });
    this.#attach(context);
  }

  end(): void {
    this.cancellation.cancel();
    this.#settle?.({ kind: 'gone' });
  }

  #stream(): Promise<OperationContext> {
    this.#wantsStream = true;
    this.#settle?.({ kind: 'stream' });
    return this.#attached;
  }
}

function encode({ content, structuredContent, isError }: CallToolResult, id: string | number) {
  return JSON.stringify({ result: { content, structuredContent, isError }, jsonrpc: '2.0', id });
}
