import type { Rate } from './permits.js';

/** How often one caller may do something. */
export interface RateLimit {
  /** Calls a minute in the long run. */
  readonly perMinute: number;
  /** Calls at once after a pause. Default: a sixth of `perMinute`, at least 1. */
  readonly burst?: number;
}

/** Limits of one tool, which hold beside those of the server. */
export interface ToolLimits {
  /** Calls of this tool a minute by one principal. */
  readonly perMinute?: number;
  /** Calls at once after a pause. Default: a sixth of `perMinute`, at least 1. */
  readonly burst?: number;
  /** Calls of this tool that run at the same time in one process, whoever makes them. */
  readonly concurrency?: number;
  /** How long a call may take, in place of the server's limit; 0 for no limit. */
  readonly timeoutMs?: number;
}

/** Limits on calls: of tools, prompts and resources. What is undefined is not limited. */
export interface CallLimits {
  /** Calls of one principal, of all processes together when they share a permit store. */
  readonly calls?: RateLimit | undefined;
  /** Completion requests of one principal, counted apart: a person who types makes many. */
  readonly completions?: RateLimit | undefined;
  /** Calls of one principal that run at the same time in one process. */
  readonly concurrency?: number | undefined;
  /** Calls that run at the same time in one process, whoever makes them. */
  readonly maxRunning?: number | undefined;
  /** How long a call may take. Its `signal` aborts then, and the client is answered. */
  readonly timeoutMs?: number | undefined;
  /**
   * The largest tool result in bytes: what a model reads, text blocks or structured content, whichever is more.
   * Images and other binary content do not count. Default 32,768; 0 for no limit.
   */
  readonly maxResultBytes?: number | undefined;
}

/** What `catalog-server` starts with. A server of the toolkit has no limits on calls but those it is given. */
export const DEFAULT_CALL_LIMITS: Required<CallLimits> = {
  calls: { perMinute: 1200, burst: 200 },
  completions: { perMinute: 600, burst: 100 },
  concurrency: 32,
  maxRunning: 1000,
  timeoutMs: 60_000,
  maxResultBytes: 32_768,
};

const MINUTE_US = 60_000_000;
const MAX_PER_MINUTE = 6_000_000;
const MAX_BURST = 1_000_000;

/**
 * @param name - how the message calls the limit, for example `limits.calls`
 * @throws {RangeError} when it is not a rate from 1 call in 1,000 minutes to 6,000,000 a minute
 */
export function toRate(name: string, { perMinute, burst }: RateLimit): Rate {
  if (!(perMinute >= 0.001 && perMinute <= MAX_PER_MINUTE)) {
    throw new RangeError(
      `${name}.perMinute is ${perMinute}, expected a number from 0.001 to ${MAX_PER_MINUTE}`,
    );
  }
  const allowed = burst ?? Math.max(1, Math.ceil(perMinute / 6));
  requireWhole(`${name}.burst`, allowed, 1, MAX_BURST);
  return { intervalUs: Math.round(MINUTE_US / perMinute), burst: allowed };
}

/** @throws {RangeError} */
function requireWhole(name: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(
      `${name} is ${value}, expected a whole number from ${minimum} to ${maximum}`,
    );
  }
}

/** @throws {RangeError} that names the limit */
export function checkLimits(name: string, limits: CallLimits): void {
  const { calls, completions } = limits;
  if (calls !== undefined) toRate(`${name}.calls`, calls);
  if (completions !== undefined) toRate(`${name}.completions`, completions);
  for (const member of ['concurrency', 'maxRunning'] as const) {
    const value = limits[member];
    if (value !== undefined) requireWhole(`${name}.${member}`, value, 1, 1_000_000);
  }
  const { timeoutMs, maxResultBytes } = limits;
  // The longest timer there is.
  if (timeoutMs !== undefined) requireWhole(`${name}.timeoutMs`, timeoutMs, 0, 2 ** 31 - 1);
  if (maxResultBytes !== undefined && maxResultBytes !== 0) {
    requireWhole(`${name}.maxResultBytes`, maxResultBytes, 1024, 2 ** 31 - 1);
  }
}

/** @throws {RangeError} that names the tool and the limit */
export function checkToolLimits(name: string, limits: ToolLimits): void {
  const { perMinute, burst, concurrency, timeoutMs } = limits;
  if (perMinute !== undefined) toRate(name, { perMinute, ...(burst !== undefined && { burst }) });
  else if (burst !== undefined) {
    throw new RangeError(`${name}.burst is given without ${name}.perMinute`);
  }
  checkLimits(name, { concurrency, timeoutMs });
}
