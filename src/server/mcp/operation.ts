import {
  type AuthInfo,
  type InputRequiredResult,
  ProtocolError as SdkProtocolError,
  type ServerContext,
  inputRequired,
} from '@modelcontextprotocol/server';
import { nowSeconds } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { LogLevel, ToolContext } from '../core/context.js';
import type { CallPolicy } from '../core/call-policy.js';
import { denialOf, isHidden, targetOf, textOf } from '../core/policy.js';
import type { AuditOutcome } from '../core/audit.js';
import type { Principal } from '../core/principal.js';
import type { Tasks } from '../core/tasks.js';
import type { Upstreams } from '../core/upstream.js';
import type { Registry } from '../core/registry.js';
import { visibleRegistry } from '../core/visible.js';
import type { OperationObserver } from '../observe/observer.js';
import { type TraceContext, parseTraceParent } from '../observe/trace-context.js';
import { type AuditEnvironment, appendAudit } from './audit-call.js';
import { UnansweredSignal, createInterview, toInputRequests } from './ask.js';
import { Deadline } from './deadline.js';
import { APPLICATION_ERROR, internalError, toWireError } from './errors.js';
import {
  type ObservationEnvironment,
  reasonOf,
  requestIdIn,
  startObserving,
  traceContextIn,
} from './observation.js';
import { LimitedError, MissingScopeError, NotAllowedError, RefusedError } from './refusals.js';
import type { RequestStateCodec } from './request-state.js';

/** What an operation reads of the request it serves. The SDK's context is one; the direct path makes its own. */
export interface OperationContext {
  readonly mcpReq: Pick<
    ServerContext['mcpReq'],
    '_meta' | 'envelope' | 'inputResponses' | 'requestState' | 'signal' | 'log' | 'notify'
  > & { readonly id?: string | number | undefined };
  /** What the HTTP headers say of the trace, where the SDK's request is not at hand. */
  readonly traceContext?: TraceContext | undefined;
  /** Whether the client has gone, where that is known without a signal. */
  readonly isCancelled?: boolean;
  readonly http?:
    | {
        readonly authInfo?: AuthInfo | undefined;
        readonly closeSSE?: (() => void) | undefined;
        readonly req?: Request | undefined;
      }
    | undefined;
}

/** What one connection or request is served with. */
export interface OperationEnvironment extends AuditEnvironment, ObservationEnvironment {
  /** Where tools may go on after their answer. */
  readonly tasks?: Tasks | undefined;
  /** What tools may call. */
  readonly upstreams?: Upstreams | undefined;
  readonly stateCodec: RequestStateCodec;
  readonly policy: CallPolicy;
  /** Sends a log message to the client, if it wants to hear that level. */
  log(context: OperationContext, level: LogLevel, data: unknown, logger?: string): Promise<void>;
  principalOf(context: OperationContext): Principal | undefined;
  clientCapabilitiesOf(context: OperationContext): JsonObject;
}

interface AuditedRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What a handler made, and how the audit log calls it. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly outcome: AuditOutcome;
  /** Why it is not `ok`: one word of a fixed list, for the operator. */
  readonly reason?: string;
  /** What goes on after the answer; never rejects. */
  readonly background?: Promise<void>;
}

/**
 * Runs one audited operation: credential still valid, scopes, state of earlier rounds, the handler, the audit row.
 * A round that ends in a question leaves no row: the call is not over.
 *
 * @throws only errors that may cross the wire
 */
export async function runOperation<Result>(
  environment: OperationEnvironment,
  request: AuditedRequest,
  context: OperationContext,
  handle: (context: ToolContext) => Promise<Outcome<Result>>,
): Promise<Result | InputRequiredResult> {
  const call = { request, context, principal: environment.principalOf(context) };
  if (environment.observer === undefined) return perform(environment, call, undefined, handle);
  const follower = startObserving(environment, request, context, call.principal);
  const work = (): Promise<Result | InputRequiredResult> =>
    perform(environment, call, follower, handle);
  return follower?.run === undefined ? work() : follower.run(work);
}

interface Call {
  readonly request: AuditedRequest;
  readonly context: OperationContext;
  readonly principal: Principal | undefined;
}

async function perform<Result>(
  environment: OperationEnvironment,
  { request, context, principal }: Call,
  follower: OperationObserver | undefined,
  handle: (context: ToolContext) => Promise<Outcome<Result>>,
): Promise<Result | InputRequiredResult> {
  const startedAt = environment.clock.nowMs();
  const target = targetOf(request);
  const finish = async (
    ended: AuditOutcome,
    reason: string | undefined,
    errorCode?: number,
  ): Promise<void> => {
    const outcome = isCancelled(context) ? 'cancelled' : ended;
    const traceContext = traceContextIn(context, request.params);
    await appendAudit(environment, {
      principal,
      operation: request.method,
      target,
      arguments: request.params['arguments'],
      outcome,
      reason,
      startedAt,
      requestId: requestIdIn(context),
      traceId: follower?.traceId ?? parseTraceParent(traceContext?.traceparent)?.traceId,
    });
    follower?.ended?.({ outcome, reason, errorCode });
  };
  const registry = visibleIn(environment, principal);
  const tool =
    request.method === 'tools/call'
      ? registry.tools.get(textOf(request.params['name']))
      : undefined;
  const { gate } = environment.policy;
  const isCounted = gate.isCounting(tool);
  try {
    requireAccess(environment, request, principal);
    // Over HTTP the permits were taken while a status could still say no.
    if (environment.transport === 'stdio') await requirePermit(environment, request, principal);
    const busy = isCounted ? gate.enter(principal, tool) : undefined;
    if (busy !== undefined) throw new LimitedError(busy);
  } catch (error) {
    const { outcome, reason } = error instanceof RefusedError ? error : EXPIRED;
    await finish(outcome, reason, toWireError(error)?.code);
    throw error;
  }
  const binding = {
    principal,
    method: request.method,
    target,
    args: request.params['arguments'] ?? null,
  };
  let leaveWith: Promise<unknown> | undefined;
  try {
    const state = context.mcpReq.requestState();
    const earlier = typeof state === 'string' ? environment.stateCodec.open(state, binding) : {};
    const interview = createInterview(earlier, context.mcpReq.inputResponses);
    try {
      const timeoutMs = gate.timeoutMs(tool);
      const deadline =
        timeoutMs === undefined ? undefined : new Deadline(timeoutMs, target ?? request.method);
      const work = handle(
        createToolContext(environment, context, principal, interview.ask, deadline),
      );
      leaveWith = isCounted ? work : undefined;
      const { result, outcome, reason, background } = await (deadline?.over(work) ?? work);
      if (isCounted && background !== undefined) leaveWith = background;
      await finish(outcome, reason);
      return result;
    } catch (error) {
      if (!(error instanceof UnansweredSignal)) throw error;
      const result = inputRequired({
        inputRequests: toInputRequests(error.questions),
        requestState: environment.stateCodec.seal(interview.accepted, binding),
      });
      follower?.ended?.({ outcome: 'input_required', reason: undefined, errorCode: undefined });
      return result;
    }
  } catch (error) {
    const wireError = toWireError(error);
    const errorCode = (wireError ?? internalError()).code;
    if (error instanceof RefusedError) await finish(error.outcome, error.reason, errorCode);
    else if (isHidden(registry, request)) await finish('denied', 'hidden', errorCode);
    else await finish('failed', reasonOf(wireError?.code), errorCode);
    if (wireError !== undefined) throw wireError;
    environment.logger.error('a handler failed', { method: request.method, target, error });
    throw internalError();
  } finally {
    // A handler that goes on after its time keeps its place: what it uses is still in use.
    const leave = (): void => gate.leave(principal, tool);
    if (leaveWith !== undefined) leaveWith.then(leave, leave);
    else if (isCounted) leave();
  }
}

const EXPIRED = { outcome: 'denied', reason: 'expired' } as const;

/** The registry as the caller may see it. */
export function visibleIn(
  environment: Pick<OperationEnvironment, 'registry' | 'policy'>,
  principal: Principal | undefined,
): Registry {
  return visibleRegistry(environment.registry, principal, environment.policy.authorize);
}

/**
 * Takes the permits of a request, where no HTTP status could refuse it.
 *
 * @throws LimitedError
 */
export async function requirePermit(
  environment: OperationEnvironment,
  { method, params }: AuditedRequest,
  principal: Principal | undefined,
): Promise<void> {
  const registry = visibleIn(environment, principal);
  const tool = method === 'tools/call' ? registry.tools.get(textOf(params['name'])) : undefined;
  const limited = await environment.policy.gate.admit(method, principal, tool);
  if (limited !== undefined) throw new LimitedError(limited);
}

/** The same check for operations that are not audited: credential still valid, scopes. */
export function requireAccess(
  environment: OperationEnvironment,
  request: AuditedRequest,
  principal: Principal | undefined,
): void {
  if (
    principal?.expiresAt !== undefined &&
    principal.expiresAt <= nowSeconds(environment.clock) &&
    environment.transport === 'stdio'
  ) {
    throw new SdkProtocolError(
      APPLICATION_ERROR.unauthenticated,
      'The credentials of this connection have expired: start it again with new ones.',
    );
  }
  const { authorize } = environment.policy;
  const denial = denialOf(visibleIn(environment, principal), request, principal, authorize);
  switch (denial?.reason) {
    case 'insufficient_scope':
      throw new MissingScopeError(denial.required, principal?.scopes ?? []);
    case 'policy':
      throw new NotAllowedError();
    // What is hidden is the handler's not to find.
    case 'hidden':
    case undefined:
  }
}

function isCancelled(context: OperationContext): boolean {
  return context.isCancelled ?? context.mcpReq.signal.aborted;
}

function createToolContext(
  environment: OperationEnvironment,
  context: OperationContext,
  principal: Principal | undefined,
  ask: ToolContext['ask'],
  deadline: Deadline | undefined,
): ToolContext {
  const token = context.mcpReq._meta?.progressToken;
  let reported = Number.NEGATIVE_INFINITY;
  // Most handlers never look: on the direct path a signal is made when one does.
  const signal = (): AbortSignal => {
    const { signal: gone } = context.mcpReq;
    return deadline?.signalWith(gone) ?? gone;
  };
  return {
    principal,
    era: environment.era,
    clock: environment.clock,
    get signal() {
      return signal();
    },
    clientCapabilities: environment.clientCapabilitiesOf(context),
    ask,
    log: (...message) => environment.log(context, ...message),
    async progress(progress, total, message) {
      // Clients may count on growth (MCP basic/utilities/progress): what does not grow is not sent.
      if (token === undefined || !(progress > reported)) return;
      reported = progress;
      await context.mcpReq.notify({
        method: 'notifications/progress',
        params: {
          progressToken: token,
          progress,
          ...(total !== undefined && { total }),
          ...(message !== undefined && { message }),
        },
      });
    },
    beginTask: () => Promise.resolve(),
    closeStream: () => context.http?.closeSSE?.(),
    upstream(name) {
      if (environment.upstreams !== undefined) {
        return environment.upstreams.open(name, principal, signal);
      }
      throw new TypeError(`no upstream is called ${quote(name)}: none is configured`);
    },
  };
}

export function asParams(params: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(params) ? params : {};
}
