import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { JSON_RPC } from '../../shared/errors.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { AuditOutcome } from '../core/audit.js';
import type { Limited } from '../core/call-gate.js';
import type { CallPolicy } from '../core/call-policy.js';
import { denialOf, targetOf, textOf } from '../core/policy.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { type AuditEnvironment, appendAudit } from '../mcp/audit-call.js';
import { isRequestId } from '../mcp/direct-request.js';
import { APPLICATION_ERROR } from '../mcp/errors.js';
import type { InboundEra } from '../mcp/modern.js';
import { requestIdIn, startObserving } from '../mcp/observation.js';
import { NOT_ALLOWED } from '../mcp/refusals.js';
import type { Observer } from '../observe/observer.js';
import { parseTraceParent, traceContextOf } from '../observe/trace-context.js';
import { sendInsufficientScope } from './challenge-response.js';
import { sendJson } from './respond.js';

/** Why a request is refused as a whole, while a status can still say so. */
export type Refusal =
  | { readonly kind: 'insufficient_scope'; readonly required: readonly string[] }
  | { readonly kind: 'policy'; readonly id: unknown }
  | { readonly kind: 'batch'; readonly maxMessages: number }
  | { readonly kind: 'limited'; readonly id: unknown; readonly limited: Limited };

/** What a POST brings, and for whom. */
export interface Submission {
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  readonly era: InboundEra;
  readonly principal: Principal | undefined;
  /** What the caller may see. */
  readonly registry: Registry;
}

export interface AdmissionOptions extends Omit<AuditEnvironment, 'registry' | 'era' | 'transport'> {
  readonly policy: CallPolicy;
  readonly maxBatchMessages: number;
  readonly observer: Required<Observer> | undefined;
}

const AUDITED = new Set(['tools/call', 'prompts/get', 'resources/read']);

/**
 * Judges every message of a body: scopes, the embedder's own rule, places and permits. What is answered as unknown is
 * let through: that it is unknown is the handler's to say.
 */
export async function refusalOf(
  options: AdmissionOptions,
  submission: Submission,
): Promise<Refusal | undefined> {
  const { body } = submission;
  if (!Array.isArray(body)) return judge(options, submission, body);
  if (body.length > options.maxBatchMessages) {
    return { kind: 'batch', maxMessages: options.maxBatchMessages };
  }
  for (const message of body) {
    const refusal = await judge(options, submission, message);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

async function judge(
  options: AdmissionOptions,
  submission: Submission,
  message: unknown,
): Promise<Refusal | undefined> {
  if (!isJsonObject(message) || typeof message['method'] !== 'string') return undefined;
  const { policy } = options;
  const { principal, registry } = submission;
  const { method, params, id } = message;
  const operation = { method, params };
  const denial = denialOf(registry, operation, principal, policy.authorize);
  if (denial !== undefined && denial.reason !== 'hidden') {
    await note(options, submission, message, 'denied', denial.reason);
    return denial.reason === 'insufficient_scope'
      ? { kind: denial.reason, required: denial.required }
      : { kind: 'policy', id };
  }
  const name = isJsonObject(params) ? textOf(params['name']) : '';
  const tool = method === 'tools/call' ? registry.tools.get(name) : undefined;
  const busy = AUDITED.has(method) ? policy.gate.busy(principal, tool) : undefined;
  const asked = busy ?? policy.gate.admit(method, principal, tool);
  const limited = asked instanceof Promise ? await asked : asked;
  if (limited === undefined) return undefined;
  await note(options, submission, message, 'limited', limited.reason);
  return { kind: 'limited', id, limited };
}

/** An operation that ends before it begins is one all the same, for the audit log and for who observes. */
async function note(
  options: AdmissionOptions,
  { era, headers, principal, registry }: Submission,
  message: JsonObject,
  outcome: Extract<AuditOutcome, 'denied' | 'limited'>,
  reason: string,
): Promise<void> {
  const operation = textOf(message['method']);
  const params = isJsonObject(message['params']) ? message['params'] : {};
  const meta = isJsonObject(params['_meta']) ? params['_meta'] : undefined;
  const trace = traceContextOf('meta', meta) ?? traceContextOf('headers', headers);
  const environment = { ...options, registry, era, transport: 'http' } as const;
  const mcpReq = { id: isRequestId(message['id']) ? message['id'] : undefined };
  const context = { mcpReq, traceContext: trace };
  const follower = startObserving(environment, { method: operation, params }, context, principal);
  follower?.ended?.({ outcome, reason, errorCode: undefined });
  if (!AUDITED.has(operation)) return;
  await appendAudit(environment, {
    principal,
    operation,
    target: targetOf({ method: operation, params }),
    arguments: params['arguments'],
    outcome,
    reason,
    startedAt: options.clock.nowMs(),
    requestId: requestIdIn({ mcpReq }),
    traceId: follower?.traceId ?? parseTraceParent(trace?.traceparent)?.traceId,
  });
}

/** The status of a refusal, and its private reason, for who observes. */
export function describeRefusal(refusal: Refusal): {
  readonly status: number;
  readonly reason: string;
} {
  switch (refusal.kind) {
    case 'insufficient_scope':
    case 'policy':
      return { status: 403, reason: refusal.kind };
    case 'batch':
      return { status: 400, reason: refusal.kind };
    case 'limited':
      return { status: 429, reason: refusal.limited.reason };
  }
}

/** @see RFC 6585 §4 (429), RFC 9110 §10.2.3 (Retry-After) */
export function sendRefusal(
  response: ServerResponse,
  refusal: Refusal,
  resourceMetadataUrl: string,
): void {
  switch (refusal.kind) {
    case 'insufficient_scope':
      return sendInsufficientScope(response, refusal.required, resourceMetadataUrl);
    case 'policy': {
      const error = { code: APPLICATION_ERROR.forbidden, message: NOT_ALLOWED };
      return sendError(response, 403, refusal.id, error);
    }
    case 'batch': {
      const message = `Too many messages in one body: the limit is ${refusal.maxMessages}`;
      return sendError(response, 400, null, { code: JSON_RPC.invalidRequest, message });
    }
    case 'limited': {
      const { message, retryAfterSeconds } = refusal.limited;
      const error = { code: APPLICATION_ERROR.limited, message, data: { retryAfterSeconds } };
      const headers = { 'retry-after': String(retryAfterSeconds) };
      return sendError(response, 429, refusal.id, error, headers);
    }
  }
}

function sendError(
  response: ServerResponse,
  status: number,
  id: unknown,
  error: object,
  headers?: Readonly<Record<string, string>>,
): void {
  sendJson(response, status, { jsonrpc: '2.0', id: isRequestId(id) ? id : null, error }, headers);
}
