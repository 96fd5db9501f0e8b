import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { ToolDefinition } from './define.js';
import { type CallLimits, checkLimits, toRate } from './limits.js';
import type { PermitStore } from './permits.js';
import type { Principal } from './principal.js';
import { type Bucket, RateCounter, isFull, newBucket } from './rate-counter.js';

/** Why a call has to wait, in words for its caller. */
export interface Limited {
  readonly reason: 'rate' | 'concurrency';
  readonly message: string;
  /** At least 1. */
  readonly retryAfterSeconds: number;
}

export interface CallGateOptions {
  readonly limits?: CallLimits | undefined;
  /** Shared by all processes that serve the same callers. Undefined: this process counts alone. */
  readonly permits?: PermitStore | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What one process knows of one caller. */
interface Caller {
  readonly calls: Bucket;
  readonly completions: Bucket;
  /** By tool, for tools with a rate of their own. */
  tools: Map<string, Bucket> | undefined;
  running: number;
}

const MAX_CALLERS = 10_000;
const NOBODY: Pick<Principal, 'issuer' | 'subject'> = { issuer: '', subject: '' };
const LIMITED_METHODS = new Set(['tools/call', 'prompts/get', 'resources/read']);
// There is no telling when a call ends; soon enough, and not a hammer.
const RETRY_BUSY_SECONDS = 1;

/**
 * Counts calls before they run, and while they do. Without limits it asks nothing; with them it is a look into a map
 * and arithmetic, except when permits have to be leased.
 */
export class CallGate {
  readonly #limits: CallLimits;
  readonly #options: CallGateOptions;
  readonly #calls: RateCounter | undefined;
  readonly #completions: RateCounter | undefined;
  readonly #byTool = new WeakMap<ToolDefinition, RateCounter>();
  readonly #callers = new Map<string, Map<string, Caller>>();
  readonly #runningByTool = new Map<string, number>();
  #callerCount = 0;
  #running = 0;

  /** @throws {RangeError} that names the limit */
  constructor(options: CallGateOptions) {
    const { limits = {}, permits, clock, logger } = options;
    checkLimits('limits', limits);
    this.#options = options;
    this.#limits = limits;
    const counter = (name: 'calls' | 'completions'): RateCounter | undefined => {
      const limit = limits[name];
      return limit && new RateCounter(toRate(`limits.${name}`, limit), permits, clock, logger);
    };
    this.#calls = counter('calls');
    this.#completions = counter('completions');
  }

  /**
   * Takes the permits of one request. A refused request costs its caller none.
   *
   * @param tool - the one that the caller means, if it may see it
   * @returns undefined when it may go on
   */
  admit(
    method: string,
    principal: Principal | undefined,
    tool: ToolDefinition | undefined,
  ): Limited | undefined | Promise<Limited | undefined> {
    if (LIMITED_METHODS.has(method)) {
      if (tool?.limits?.perMinute !== undefined) return this.#admitTool(tool, principal);
      if (this.#calls === undefined) return undefined;
      return this.#takeCall(this.#calls, principal);
    }
    if (method !== 'completion/complete' || this.#completions === undefined) return undefined;
    const bucket = this.#callerOf(principal).completions;
    return this.#take(this.#completions, bucket, 'completions', principal);
  }

  /** What keeps a call from running now. Asked before a stream starts; {@link enter} decides. */
  busy(principal: Principal | undefined, tool: ToolDefinition | undefined): Limited | undefined {
    const { concurrency, maxRunning } = this.#limits;
    if (maxRunning !== undefined && this.#running >= maxRunning) {
      return busy(`This server runs ${maxRunning} calls at once, and all places are taken`);
    }
    const toolLimit = tool?.limits?.concurrency;
    if (toolLimit !== undefined && this.#runningOf(tool) >= toolLimit) {
      return busy(`${tool?.name} runs ${toolLimit} times at once, and all places are taken`);
    }
    if (concurrency !== undefined && this.#callerOf(principal).running >= concurrency) {
      return busy(`${concurrency} of your calls run already, which is the limit`);
    }
    return undefined;
  }

  /** Whether places are counted at all. */
  isCounting(tool: ToolDefinition | undefined): boolean {
    const { concurrency, maxRunning } = this.#limits;
    return (
      concurrency !== undefined ||
      maxRunning !== undefined ||
      tool?.limits?.concurrency !== undefined
    );
  }

  /** Takes a place for a call. One that was given is given back by {@link leave}, once, when the handler has ended. */
  enter(principal: Principal | undefined, tool: ToolDefinition | undefined): Limited | undefined {
    const limited = this.busy(principal, tool);
    if (limited !== undefined) return limited;
    this.#count(principal, tool, 1);
    return undefined;
  }

  leave(principal: Principal | undefined, tool: ToolDefinition | undefined): void {
    this.#count(principal, tool, -1);
  }

  /** @returns undefined for no limit */
  timeoutMs(tool: ToolDefinition | undefined): number | undefined {
    const limit = tool?.limits?.timeoutMs ?? this.#limits.timeoutMs;
    return limit === 0 ? undefined : limit;
  }

  /** Forgets callers of whom nothing has to be remembered, here and in the store. */
  async sweep(): Promise<void> {
    this.#forget();
    await this.#options.permits?.deleteFull(Math.floor(this.#options.clock.nowMs() * 1000));
  }

  #count(principal: Principal | undefined, tool: ToolDefinition | undefined, by: 1 | -1): void {
    this.#running += by;
    if (this.#limits.concurrency !== undefined) this.#callerOf(principal).running += by;
    if (tool?.limits?.concurrency !== undefined) {
      const running = this.#runningOf(tool) + by;
      if (running === 0) this.#runningByTool.delete(tool.name);
      else this.#runningByTool.set(tool.name, running);
    }
  }

  #runningOf(tool: ToolDefinition | undefined): number {
    return (tool && this.#runningByTool.get(tool.name)) ?? 0;
  }

  #admitTool(
    tool: ToolDefinition,
    principal: Principal | undefined,
  ): Limited | undefined | Promise<Limited | undefined> {
    const caller = this.#callerOf(principal);
    caller.tools ??= new Map();
    let bucket = caller.tools.get(tool.name);
    if (bucket === undefined) caller.tools.set(tool.name, (bucket = newBucket()));
    const what = `tool ${tool.name}`;
    const limited = this.#take(this.#counterOf(tool), bucket, what, principal);
    if (this.#calls === undefined) return limited;
    const calls = this.#calls;
    if (limited === undefined) return this.#takeCall(calls, principal);
    return limited instanceof Promise
      ? limited.then((refusal) => refusal ?? this.#takeCall(calls, principal))
      : limited;
  }

  #takeCall(
    counter: RateCounter,
    principal: Principal | undefined,
  ): Limited | undefined | Promise<Limited | undefined> {
    return this.#take(counter, this.#callerOf(principal).calls, 'calls', principal);
  }

  #take(
    counter: RateCounter,
    bucket: Bucket,
    what: string,
    principal: Principal | undefined,
  ): Limited | undefined | Promise<Limited | undefined> {
    const { issuer, subject } = principal ?? NOBODY;
    const wait = counter.take(bucket, () => JSON.stringify([what, issuer, subject]));
    if (wait === 0) return undefined;
    return typeof wait === 'number'
      ? tooMany(counter, what, wait)
      : wait.then((waitUs) => (waitUs === 0 ? undefined : tooMany(counter, what, waitUs)));
  }

  #counterOf(tool: ToolDefinition): RateCounter {
    const known = this.#byTool.get(tool);
    if (known !== undefined) return known;
    const { perMinute = 1, burst } = tool.limits ?? {};
    const limit = { perMinute, ...(burst !== undefined && { burst }) };
    const { permits, clock, logger } = this.#options;
    const made = new RateCounter(toRate(`${tool.name}.limits`, limit), permits, clock, logger);
    this.#byTool.set(tool, made);
    return made;
  }

  #callerOf(principal: Principal | undefined): Caller {
    const { issuer, subject } = principal ?? NOBODY;
    let ofIssuer = this.#callers.get(issuer);
    if (ofIssuer === undefined) this.#callers.set(issuer, (ofIssuer = new Map()));
    const known = ofIssuer.get(subject);
    if (known !== undefined) return known;
    if (this.#callerCount >= MAX_CALLERS) this.#makeRoom();
    const made: Caller = {
      calls: newBucket(),
      completions: newBucket(),
      tools: undefined,
      running: 0,
    };
    // Making room may have dropped the map at hand.
    const home = this.#callers.get(issuer) ?? ofIssuer;
    this.#callers.set(issuer, home.set(subject, made));
    this.#callerCount += 1;
    return made;
  }

  /** First who has nothing to lose; then those who have been known longest: the memory is bounded, whoever comes. */
  #makeRoom(): void {
    this.#forget();
    let surplus = this.#callerCount - MAX_CALLERS * 0.9;
    if (surplus <= 0) return;
    this.#forget((caller) => caller.running === 0 && surplus-- > 0);
  }

  #forget(isForgotten: (caller: Caller) => boolean = (caller) => this.#isIdle(caller)): void {
    for (const [issuer, ofIssuer] of this.#callers) {
      for (const [subject, caller] of ofIssuer) {
        if (isForgotten(caller) && ofIssuer.delete(subject)) this.#callerCount -= 1;
      }
      if (ofIssuer.size === 0) this.#callers.delete(issuer);
    }
  }

  #isIdle({ calls, completions, tools, running }: Caller): boolean {
    if (running > 0) return false;
    const nowUs = this.#options.clock.nowMs() * 1000;
    return [calls, completions, ...(tools?.values() ?? [])].every((bucket) =>
      isFull(bucket, nowUs),
    );
  }
}

function busy(what: string): Limited {
  return {
    reason: 'concurrency',
    message: `${what}. Try again in ${RETRY_BUSY_SECONDS} s.`,
    retryAfterSeconds: RETRY_BUSY_SECONDS,
  };
}

function tooMany({ rate }: RateCounter, what: string, waitUs: number): Limited {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitUs / 1_000_000));
  const perMinute = Math.round(60_000_000_000 / rate.intervalUs) / 1000;
  const of = what === 'calls' || what === 'completions' ? what : `calls of ${what.slice(5)}`;
  return {
    reason: 'rate',
    message: `Too many ${of}: the limit is ${perMinute} a minute, ${rate.burst} at once. Try again in ${retryAfterSeconds} s.`,
    retryAfterSeconds,
  };
}
