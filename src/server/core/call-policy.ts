import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { SealingSecret } from '../../shared/sealing.js';
import { ResultBudget } from './budget.js';
import { CallGate } from './call-gate.js';
import type { ResultStore } from './kept-results.js';
import type { CallLimits } from './limits.js';
import type { PermitStore } from './permits.js';
import type { Registry } from './registry.js';
import type { Authorize } from './visible.js';

/** What decides about calls besides scopes, for every transport. */
export interface PolicyOptions {
  /** Asked beside the scopes: it may say no where they say yes. */
  readonly authorize?: Authorize | undefined;
  /** Counts calls for all processes that serve the same callers. Default: each process counts alone. */
  readonly permits?: PermitStore | undefined;
  /** Keeps results that are too large to send. Default: none; such a result is answered with what to do instead. */
  readonly results?: ResultStore | undefined;
}

export interface CallPolicy {
  readonly authorize: Authorize | undefined;
  readonly gate: CallGate;
  readonly budget: ResultBudget;
  /** A registry with what the policy itself offers to clients. */
  complete(registry: Registry): Registry;
  /** Removes what has expired. */
  sweep(): Promise<void>;
}

/** @throws {RangeError} that names the limit */
export function createCallPolicy(
  { authorize, permits, results }: PolicyOptions,
  server: {
    readonly limits: CallLimits | undefined;
    readonly stateSecret: SealingSecret;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): CallPolicy {
  const { limits, clock, logger, stateSecret } = server;
  const gate = new CallGate({ limits, permits, clock, logger });
  const budget = new ResultBudget({
    maxResultBytes: limits?.maxResultBytes,
    results,
    stateSecret,
    clock,
  });
  const { keeper } = budget;
  return {
    authorize,
    gate,
    budget,
    complete: (registry) => keeper?.addTo(registry) ?? registry,
    async sweep() {
      await gate.sweep();
      await keeper?.sweep();
    },
  };
}
