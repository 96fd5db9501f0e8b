import type { IncomingMessage, ServerResponse } from 'node:http';
import { JSON_RPC } from '../../shared/errors.js';
import { isJsonObject } from '../../shared/json.js';
import { type Principal, revocableIdsOf } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { visibleRegistry } from '../core/visible.js';
import type { Revocations } from '../core/revocations.js';
import type { DirectRequest } from '../mcp/direct-request.js';
import { type InboundEra, type ModernHandler, classifyEra } from '../mcp/modern.js';
import { startObserving } from '../mcp/observation.js';
import type { Replay } from '../mcp/server-factory.js';
import type { OperationObserver } from '../observe/observer.js';
import { isRequestId } from '../mcp/direct-request.js';
import { type SessionCall, recogniseSessionCall } from '../mcp/session-call.js';
import { type AdmissionOptions, describeRefusal, refusalOf, sendRefusal } from './admission.js';
import type { Authenticate } from './authenticate.js';
import { type BodyRejection, readJsonBody } from './body.js';
import { sendCredentialRejection } from './challenge-response.js';
import type { ClientAddress } from './client-address.js';
import { type DirectPath, sendSessionCall } from './direct-exchange.js';
import type { FailureGate } from './failure-gate.js';
import { abortOnDisconnect, sendWebResponse, toWebRequest } from './node-adapter.js';
import type { ResourceMetadata } from './resource-metadata.js';
import { sendJson, sendRpcError } from './respond.js';
import type { SessionCredentials } from './session-credentials.js';
import type { Sessions } from './sessions.js';

export interface McpEndpointOptions extends AdmissionOptions {
  readonly registry: () => Registry;
  /** Undefined: everybody is let in, as nobody. */
  readonly authenticate: Authenticate | undefined;
  readonly metadata: ResourceMetadata;
  readonly scopeForLogin: readonly string[];
  readonly modern: ModernHandler;
  /** Undefined: every request goes through the SDK. */
  readonly direct: DirectPath | undefined;
  readonly sessions: Sessions;
  /** Undefined: credentials end by expiry alone. */
  readonly revocations: Revocations | undefined;
  readonly sessionCredentials: SessionCredentials | undefined;
  /** Counts the streams that wait for news. */
  readonly streams: { open: number };
  readonly maxBodyBytes: number;
  /** Undefined: nobody is turned away for trying. */
  readonly failures: FailureGate | undefined;
  /** Whose failures they are. */
  readonly clientAddress: ClientAddress;
  readonly maxJsonDepth: number;
  /** Fires when the server closes: streams that no call waits on end then. */
  readonly closing: AbortSignal;
}

export type McpEndpoint = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const METHODS = new Set(['GET', 'POST', 'DELETE']);
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const BODY_STATUS = {
  too_large: 413,
  unsupported_media_type: 415,
  malformed: 400,
  too_deep: 400,
} as const;
const CREDENTIAL_STATUS = {
  missing: 401,
  malformed: 400,
  bad_token: 401,
  bad_api_key: 401,
  unavailable: 503,
} as const;

/**
 * The MCP endpoint behind the host, origin and CORS checks. The order is the contract: authentication, then the HTTP
 * method, a size-limited parse, the era, scopes and limits (while a status can still say no), dispatch.
 */
export function createMcpEndpoint(options: McpEndpointOptions): McpEndpoint {
  return async (request, response) => {
    const admitted = await admit(options, request, response);
    if (admitted === undefined) return;
    const { principal } = admitted;
    const method = request.method ?? 'GET';
    if (!METHODS.has(method)) {
      options.observer?.requestRefused({ status: 405, reason: 'method' });
      sendRpcError(response, 405, JSON_RPC.invalidRequest, 'Method Not Allowed', {
        allow: [...METHODS, 'OPTIONS'].join(', '),
      });
      return;
    }
    let body: unknown;
    if (method === 'POST') {
      const read = await readJsonBody(request, options.maxBodyBytes, options.maxJsonDepth);
      if (!read.ok) {
        options.observer?.requestRefused({ status: BODY_STATUS[read.error], reason: read.error });
        sendBodyRejection(response, read.error, options.maxBodyBytes);
        return;
      }
      body = read.value;
    }
    const registry = visibleRegistry(options.registry(), principal, options.policy.authorize);
    const direct =
      method === 'POST' ? options.direct?.recognise(registry, request, body) : undefined;
    const call =
      method === 'POST' && direct === undefined && options.direct !== undefined
        ? recogniseSessionCall(request.headers, body)
        : undefined;
    const era = eraOf(direct, call) ?? classifyEra(method, request.headers, body);
    if (method === 'POST') {
      const submission = { headers: request.headers, body, era, principal, registry };
      const refusal = await refusalOf(options, submission);
      if (refusal !== undefined) {
        options.observer?.requestRefused(describeRefusal(refusal));
        sendRefusal(response, refusal, options.metadata.urlFor(request));
        return;
      }
    }
    const exchange = { request, response, body, era, principal };
    let replay: Replay | undefined;
    if (direct !== undefined) {
      const left = await options.direct?.serve(direct, response, principal);
      if (left === undefined) return;
      if (left.kind === 'replay') ({ replay } = left);
    } else if (call !== undefined) {
      const answer = await options.sessions.call(call, principal);
      if (answer !== undefined) options.sessionCredentials?.note(call.sessionId, principal);
      if (answer !== undefined && answer.kind !== 'replay') {
        sendSessionCall(response, call, answer);
        return;
      }
      replay = answer?.replay;
    }
    await dispatch(options, exchange, replay);
  };
}

function eraOf(
  direct: DirectRequest | undefined,
  call: SessionCall | undefined,
): InboundEra | undefined {
  if (direct !== undefined) return 'modern';
  return call === undefined ? undefined : 'legacy';
}

/** @returns undefined when the request was refused and is answered */
async function admit(
  options: McpEndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<{ readonly principal: Principal | undefined } | undefined> {
  if (options.authenticate === undefined) return { principal: undefined };
  const { failures, clientAddress } = options;
  const waitSeconds = failures?.waitSeconds(clientAddress(request));
  if (waitSeconds !== undefined) {
    options.observer?.requestRefused({ status: 429, reason: 'address' });
    const error = { error: 'too_many_requests', error_description: 'Too many failed attempts.' };
    sendJson(response, 429, error, { 'retry-after': String(waitSeconds) });
    return undefined;
  }
  const outcome = options.authenticate(request);
  const authenticated = outcome instanceof Promise ? await outcome : outcome;
  if (authenticated.ok) return { principal: authenticated.value };
  const rejection = authenticated.error;
  if (rejection.kind === 'bad_token' || rejection.kind === 'bad_api_key') {
    failures?.failed(clientAddress(request));
  }
  if (rejection.kind !== 'missing') options.logger.info('credentials refused', { ...rejection });
  options.observer?.requestRefused({
    status: CREDENTIAL_STATUS[rejection.kind],
    reason:
      'reason' in rejection && rejection.kind !== 'malformed' ? rejection.reason : rejection.kind,
  });
  sendCredentialRejection(
    response,
    rejection,
    options.metadata.urlFor(request),
    options.scopeForLogin,
  );
  return undefined;
}

function sendBodyRejection(
  response: ServerResponse,
  rejection: BodyRejection,
  maxBodyBytes: number,
): void {
  switch (rejection) {
    case 'too_large':
      return sendRpcError(
        response,
        413,
        JSON_RPC.invalidRequest,
        `Payload Too Large: the limit is ${maxBodyBytes} bytes`,
      );
    case 'unsupported_media_type':
      return sendRpcError(
        response,
        415,
        JSON_RPC.invalidRequest,
        'Unsupported Media Type: Content-Type has to be application/json',
      );
    case 'malformed':
      return sendRpcError(response, 400, JSON_RPC.parseError, 'Parse error');
    case 'too_deep':
      return sendRpcError(response, 400, JSON_RPC.invalidRequest, 'The JSON is nested too deeply');
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: unknown;
  readonly era: InboundEra;
  readonly principal: Principal | undefined;
}

/** @param replay - how the call ended, when it has run already */
async function dispatch(
  options: McpEndpointOptions,
  exchange: Exchange,
  replay?: Replay,
): Promise<void> {
  const { request, response, body, era, principal } = exchange;
  const gone = abortOnDisconnect(response);
  const url = new URL(request.url ?? '/', options.metadata.canonicalResource).href;
  const web = toWebRequest(request, url, gone);
  const lease = leaseOf(exchange, options);
  const waiting = isWaitingForNews(exchange) ? 1 : 0;
  options.streams.open += waiting;
  const introduction = followIntroduction(options, exchange, web);
  if (introduction !== undefined) {
    // Also when the client is gone before it is answered.
    response.once('close', () => {
      const isGood = response.statusCode < 400;
      const outcome = response.writableFinished ? (isGood ? 'ok' : 'failed') : 'cancelled';
      const reason = outcome === 'failed' ? 'protocol' : undefined;
      introduction.ended?.({ outcome, reason, errorCode: undefined });
    });
  }
  response.once('finish', () => {
    if (response.statusCode >= 400) {
      options.observer?.requestRefused({ status: response.statusCode, reason: 'protocol' });
    }
  });
  try {
    if (era === 'modern') {
      await sendWebResponse(
        response,
        await options.modern.fetch(web, body, principal, replay),
        lease.signal,
      );
      return;
    }
    const answer = await options.sessions.handle(web, body, principal, replay);
    const sessionId = answer.response.ok ? sessionIdOf(request, answer.response) : undefined;
    if (sessionId !== undefined) options.sessionCredentials?.note(sessionId, principal);
    try {
      await sendWebResponse(response, answer.response, lease.signal);
    } finally {
      answer.settle();
    }
  } finally {
    options.streams.open -= waiting;
    lease.end();
  }
}

/** The SDK answers these itself, so no handler of ours tells of them. */
const INTRODUCTIONS = new Set(['initialize', 'server/discover']);

function followIntroduction(
  { observer, registry }: McpEndpointOptions,
  { body, era, principal }: Exchange,
  web: Request,
): OperationObserver | undefined {
  if (observer === undefined || !isJsonObject(body)) return undefined;
  const { method, id, params } = body;
  if (typeof method !== 'string' || !INTRODUCTIONS.has(method)) return undefined;
  const environment = { registry: registry(), era, transport: 'http', observer } as const;
  const request = { method, params: isJsonObject(params) ? params : {} };
  const context = { mcpReq: { id: isRequestId(id) ? id : undefined }, http: { req: web } };
  return startObserving(environment, request, context, principal);
}

function sessionIdOf(request: IncomingMessage, response: Response): string | undefined {
  const { 'mcp-session-id': given } = request.headers;
  return typeof given === 'string' ? given : (response.headers.get('mcp-session-id') ?? undefined);
}

function isListenRequest(body: unknown): boolean {
  return isJsonObject(body) && body['method'] === 'subscriptions/listen';
}

function isWaitingForNews({ request, body, era }: Exchange): boolean {
  return request.method === 'GET' || (era === 'modern' && isListenRequest(body));
}

interface Lease {
  /** Fires when the stream has to end, whoever still listens. */
  readonly signal: AbortSignal;
  end(): void;
}

/**
 * How long an answer may go on. A call that was admitted is finished; a stream that only waits for news ends with the
 * credentials that opened it, by expiry or by revocation, and when the server closes.
 */
function leaseOf(exchange: Exchange, options: McpEndpointOptions): Lease {
  const { clock, closing, revocations } = options;
  const { body, principal } = exchange;
  const isListen = isListenRequest(body);
  const isWaiting = isWaitingForNews(exchange);
  const over = new AbortController();
  if (!isWaiting) return { signal: over.signal, end: () => undefined };
  // A listen stream ends on closing too, but with its result: that is the modern handler's to send.
  const signal = isListen ? over.signal : AbortSignal.any([closing, over.signal]);
  const credentialIds = revocableIdsOf(principal);
  const unsubscribe =
    credentialIds.length === 0
      ? undefined
      : revocations?.subscribe((revoked) => {
          if (credentialIds.some((id) => revoked.has(id))) over.abort();
        });
  // It may have become known since the credential was checked.
  if (credentialIds.some((id) => revocations?.isRevoked(id) === true)) over.abort();
  if (principal?.expiresAt === undefined) return { signal, end: () => unsubscribe?.() };
  const delayMs = Math.max(0, principal.expiresAt * 1000 - clock.nowMs());
  const timer = setTimeout(() => over.abort(), Math.min(delayMs, MAX_TIMEOUT_MS));
  timer.unref();
  return {
    signal,
    end() {
      clearTimeout(timer);
      unsubscribe?.();
    },
  };
}
