import {
  type AuthInfo,
  type InputRequiredResult,
  ProtocolError as SdkProtocolError,
  type ServerContext,
  inputRequired,
} from '@modelcontextprotocol/server';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { Era, LogLevel, ToolContext } from '../core/context.js';
import { missingScopes } from '../../oauth/scope.js';
import { insufficientScopes, targetOf } from '../core/policy.js';
import type { AuditLog, AuditOutcome } from '../core/ports.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { UnansweredSignal, createInterview, toInputRequests } from './ask.js';
import { APPLICATION_ERROR, internalError, toWireError } from './errors.js';
import type { RequestStateCodec } from './request-state.js';

/** What an operation reads of the request it serves. The SDK's context is one; the direct path makes its own. */
export interface OperationContext {
  readonly mcpReq: Pick<
    ServerContext['mcpReq'],
    '_meta' | 'envelope' | 'inputResponses' | 'requestState' | 'signal' | 'log' | 'notify'
  >;
  /** Whether the client has gone, where that is known without a signal. */
  readonly isCancelled?: boolean;
  readonly http?:
    | { readonly authInfo?: AuthInfo | undefined; readonly closeSSE?: (() => void) | undefined }
    | undefined;
}

/** What one connection or request is served with. */
export interface OperationEnvironment {
  readonly registry: Registry;
  readonly era: Era;
  readonly transport: 'http' | 'stdio';
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stateCodec: RequestStateCodec;
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
  const { clock } = environment;
  const startedAt = clock.nowMs();
  const principal = environment.principalOf(context);
  const target = targetOf(request);
  const finish = async (outcome: AuditOutcome): Promise<void> => {
    await appendAudit(environment, {
      principal,
      operation: request.method,
      target,
      outcome: isCancelled(context) ? 'cancelled' : outcome,
      startedAt,
    });
  };
  try {
    requireAccess(environment, request, principal);
  } catch (error) {
    await finish('denied');
    throw error;
  }
  const binding = {
    principal,
    method: request.method,
    target,
    args: request.params['arguments'] ?? null,
  };
  try {
    const state = context.mcpReq.requestState();
    const earlier = typeof state === 'string' ? environment.stateCodec.open(state, binding) : {};
    const interview = createInterview(earlier, context.mcpReq.inputResponses);
    try {
      const { result, outcome } = await handle(
        createToolContext(environment, context, principal, interview.ask),
      );
      await finish(outcome);
      return result;
    } catch (error) {
      if (!(error instanceof UnansweredSignal)) throw error;
      return inputRequired({
        inputRequests: toInputRequests(error.questions),
        requestState: environment.stateCodec.seal(interview.accepted, binding),
      });
    }
  } catch (error) {
    await finish('failed');
    const wireError = toWireError(error);
    if (wireError !== undefined) throw wireError;
    environment.logger.error('a handler failed', { method: request.method, target, error });
    throw internalError();
  }
}

/** Writes one audit row. A log that cannot be written is reported; the call is not undone by it. */
export async function appendAudit(
  environment: Pick<OperationEnvironment, 'audit' | 'clock' | 'logger' | 'transport' | 'era'>,
  call: {
    readonly principal: Principal | undefined;
    readonly operation: string;
    readonly target: string | undefined;
    readonly outcome: AuditOutcome;
    readonly startedAt: number;
  },
): Promise<void> {
  const { principal, operation, target, outcome, startedAt } = call;
  try {
    await environment.audit.append({
      at: startedAt,
      issuer: principal?.issuer,
      subject: principal?.subject,
      tenant: principal?.tenant,
      clientId: principal?.clientId,
      transport: environment.transport,
      era: environment.era,
      operation,
      target: target?.slice(0, 2048),
      outcome,
      durationMs: environment.clock.nowMs() - startedAt,
    });
  } catch (error) {
    environment.logger.error('an audit row could not be written', { operation, outcome, error });
  }
}

/** Where no HTTP status can say it: what is missing, and what the credential has. */
export class MissingScopeError extends SdkProtocolError {
  constructor(required: readonly string[], granted: readonly string[]) {
    const missing = missingScopes(required, granted);
    super(
      APPLICATION_ERROR.forbidden,
      `This needs the scope ${missing.map((scope) => JSON.stringify(scope)).join(', ')}, which these credentials lack ` +
        `(they have: ${granted.length === 0 ? 'none' : granted.join(', ')}).`,
      { requiredScopes: required, grantedScopes: granted },
    );
  }
}

/** The same check for operations that are not audited: credential still valid, scopes. */
export function requireAccess(
  environment: OperationEnvironment,
  request: AuditedRequest,
  principal: Principal | undefined,
): void {
  if (principal === undefined) return;
  if (
    principal.expiresAt !== undefined &&
    principal.expiresAt <= nowSeconds(environment.clock) &&
    environment.transport === 'stdio'
  ) {
    throw new SdkProtocolError(
      APPLICATION_ERROR.unauthenticated,
      'The credentials of this connection have expired: start it again with new ones.',
    );
  }
  const required = insufficientScopes(environment.registry, request, principal);
  if (required !== undefined) throw new MissingScopeError(required, principal.scopes);
}

function isCancelled(context: OperationContext): boolean {
  return context.isCancelled ?? context.mcpReq.signal.aborted;
}

function createToolContext(
  environment: OperationEnvironment,
  context: OperationContext,
  principal: Principal | undefined,
  ask: ToolContext['ask'],
): ToolContext {
  const token = context.mcpReq._meta?.progressToken;
  let reported = Number.NEGATIVE_INFINITY;
  return {
    principal,
    era: environment.era,
    clock: environment.clock,
    // Most handlers never look: on the direct path a signal is made when one does.
    get signal() {
      return context.mcpReq.signal;
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
    closeStream: () => context.http?.closeSSE?.(),
  };
}

export function asParams(params: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(params) ? params : {};
}
