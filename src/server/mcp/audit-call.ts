import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { AuditOutcome } from '../core/audit.js';
import { auditedArguments, secretNamesIn } from '../core/audit-arguments.js';
import type { AuditWriter } from '../core/audit-writer.js';
import type { Era } from '../core/context.js';
import type { ToolDefinition } from '../core/define.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { inputSchemaOf } from './listing.js';

/** Where audit rows go, and how much is in them. */
export interface AuditEnvironment {
  readonly registry: Registry;
  readonly era: Era;
  readonly transport: 'http' | 'stdio';
  readonly audit: AuditWriter;
  /** Whether rows hold the arguments of a call. Default false. */
  readonly auditArguments?: boolean | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A call that is over. */
export interface AuditedCall {
  readonly principal: Principal | undefined;
  readonly operation: string;
  readonly target: string | undefined;
  readonly arguments: unknown;
  readonly outcome: AuditOutcome;
  readonly reason: string | undefined;
  readonly startedAt: number;
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
}

const MAX_TARGET = 2048;
const MAX_REQUEST_ID = 128;
const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * Writes one audit row: before the answer, except for a tool that only reads, whose row may come a little later. A log
 * that cannot be written is reported; the call is not undone by it.
 */
export function appendAudit(environment: AuditEnvironment, call: AuditedCall): Promise<void> {
  const { audit, logger } = environment;
  const { principal, operation, outcome, startedAt } = call;
  const tool =
    operation === 'tools/call' && call.target !== undefined
      ? environment.registry.tools.get(call.target)
      : undefined;
  const row = {
    at: startedAt,
    issuer: principal?.issuer,
    subject: principal?.subject,
    tenant: principal?.tenant,
    clientId: principal?.clientId,
    transport: environment.transport,
    era: environment.era,
    operation,
    target: call.target?.slice(0, MAX_TARGET),
    outcome,
    durationMs: environment.clock.nowMs() - startedAt,
    reason: call.reason,
    requestId: call.requestId?.slice(0, MAX_REQUEST_ID),
    traceId: call.traceId,
    arguments:
      environment.auditArguments === true
        ? auditedArguments(call.arguments, tool === undefined ? NO_NAMES : secretNamesOf(tool))
        : undefined,
  };
  // A flood that is refused must not become a flood of writes.
  const canWait =
    outcome === 'limited' || (tool?.annotations?.readOnlyHint === true && outcome !== 'denied');
  return (canWait ? audit.appendSoon(row) : audit.append(row)).catch((error: unknown) => {
    logger.error('an audit row could not be written', { operation, outcome, error });
  });
}

const secretNames = new WeakMap<ToolDefinition, ReadonlySet<string>>();

function secretNamesOf(tool: ToolDefinition): ReadonlySet<string> {
  const known = secretNames.get(tool);
  if (known !== undefined) return known;
  const found = secretNamesIn(inputSchemaOf(tool));
  secretNames.set(tool, found);
  return found;
}
