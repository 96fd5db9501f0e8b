import type { Logger } from '../../shared/logger.js';
import type { AuditOutcome } from '../core/audit.js';
import type { Era } from '../core/context.js';
import type { Principal } from '../core/principal.js';
import type { TraceContext } from './trace-context.js';

/** What the registry knows under the name that a request gives. */
export interface ObservedTarget {
  readonly kind: 'tool' | 'prompt' | 'resource';
  /** Name of the tool or prompt; URI or URI template of the resource: there are only as many as the registry has. */
  readonly name: string;
  /** The URI that was asked for. */
  readonly uri?: string;
}

/** An MCP operation as it begins. Arguments and credentials are not in it. */
export interface ObservedOperation {
  readonly method: string;
  /** Undefined when the operation has no target, or one that nobody knows. */
  readonly target: ObservedTarget | undefined;
  readonly era: Era;
  readonly transport: 'http' | 'stdio';
  readonly principal: Principal | undefined;
  /** JSON-RPC id. */
  readonly requestId: string | undefined;
  readonly protocolVersion: string | undefined;
  /** Of `_meta`, else of the HTTP headers (SEP-414). */
  readonly traceContext: TraceContext | undefined;
}

/** `input_required`: the round ended in a question, and the operation goes on with another request. */
export type OperationOutcome = AuditOutcome | 'input_required';

export interface OperationEnd {
  readonly outcome: OperationOutcome;
  /** One word of a fixed list. */
  readonly reason: string | undefined;
  /** JSON-RPC error number, when the answer is an error. */
  readonly errorCode: number | undefined;
}

/** Follows one operation to its end. */
export interface OperationObserver {
  /** The trace that the operation is recorded in, when it is in one. */
  readonly traceId?: string | undefined;
  /** Runs the operation with what it should find around it, such as an active span. Has to call `work` once, and return its outcome. */
  run?<T>(work: () => Promise<T>): Promise<T>;
  ended?(end: OperationEnd): void;
}

/** A request that was turned away before it became an operation. */
export interface ObservedRefusal {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The private reason, one word of a fixed list: `expired`, `wrong_audience`, `host`, `too_large`. */
  readonly reason: string;
}

/** What a server can be asked at any time. */
export interface ServerGauges {
  /** 2025-era sessions that this process keeps ready. */
  liveSessions(): number;
  /** Streams that wait for news: `subscriptions/listen`, and GET of a 2025-era session. */
  openStreams(): number;
}

/**
 * Is told what a server does. Every hook is optional, has to return at once, and must not throw; what it throws is
 * logged, and changes nothing. Metrics and tracing are two of these.
 */
export interface Observer {
  /** @returns undefined when nobody is to follow this operation */
  operationStarted?(operation: ObservedOperation): OperationObserver | undefined;
  requestRefused?(refusal: ObservedRefusal): void;
  /** An access token was shown: known from before, or checked anew. */
  tokenLookedUp?(isKnown: boolean): void;
  serverStarted?(gauges: ServerGauges): void;
}

/** One observer for several. @returns undefined for none: then nothing is observed, and nothing is paid for it */
export function combineObservers(
  observers: readonly Observer[] | undefined,
  logger: Logger,
): Required<Observer> | undefined {
  if (observers === undefined || observers.length === 0) return undefined;
  const each = (hook: (observer: Observer) => void): void => {
    for (const observer of observers) guarded(logger, () => hook(observer));
  };
  return {
    operationStarted(operation) {
      const followers: OperationObserver[] = [];
      each((observer) => {
        const follower = observer.operationStarted?.(operation);
        if (follower !== undefined) followers.push(follower);
      });
      return followers.length === 0 ? undefined : combineFollowers(followers, logger);
    },
    requestRefused: (refusal) => each((observer) => observer.requestRefused?.(refusal)),
    tokenLookedUp: (isKnown) => each((observer) => observer.tokenLookedUp?.(isKnown)),
    serverStarted: (gauges) => each((observer) => observer.serverStarted?.(gauges)),
  };
}

function combineFollowers(
  followers: readonly OperationObserver[],
  logger: Logger,
): OperationObserver {
  return {
    traceId: followers.find(({ traceId }) => traceId !== undefined)?.traceId,
    run: (work) => {
      let next = work;
      for (const follower of followers) {
        const run = follower.run?.bind(follower);
        if (run === undefined) continue;
        const inner = next;
        next = () => run(inner);
      }
      return next();
    },
    ended(end) {
      for (const follower of followers) guarded(logger, () => follower.ended?.(end));
    },
  };
}

function guarded(logger: Logger, hook: () => void): void {
  try {
    hook();
  } catch (error) {
    logger.error('an observer failed', { error });
  }
}
