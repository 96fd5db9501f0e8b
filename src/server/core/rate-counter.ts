import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { PermitLease, PermitStore, Rate } from './permits.js';

/** What one process knows of one caller's permits. */
export interface Bucket {
  /** Leased, and not yet used. */
  left: number;
  /** Until then the store has nothing to give: it is not asked. */
  blockedUntilUs: number;
  /** This process's own count, where there is no store or it does not answer. */
  spentUntilUs: number;
  /** Calls that wait for a lease. */
  waiting: number;
  lease: Promise<void> | undefined;
}

export function newBucket(): Bucket {
  return { left: 0, blockedUntilUs: 0, spentUntilUs: 0, waiting: 0, lease: undefined };
}

/** Whether nothing is lost when the bucket is forgotten. */
export function isFull(bucket: Bucket, nowUs: number): boolean {
  const { left, waiting, blockedUntilUs, spentUntilUs } = bucket;
  return left === 0 && waiting === 0 && blockedUntilUs <= nowUs && spentUntilUs <= nowUs;
}

/** A tenth of a burst: so seldom is the store asked, and so little is lost when a process ends. */
const LEASED_SHARE = 0.1;
const MAX_LEASED = 100;

/** How many permits a process takes from the store at a time, when no more are waited for. */
export function leaseSize({ burst }: Rate): number {
  return Math.max(1, Math.min(MAX_LEASED, Math.floor(burst * LEASED_SHARE)));
}

/**
 * Counts calls at one rate. With a store, processes lease a few permits at a time and use them without asking: a caller
 * may then exceed the burst of a moment by what processes hold, at most `leaseSize - 1` permits each. The long run is
 * exact. When the store fails, each process counts by itself.
 */
export class RateCounter {
  readonly rate: Rate;
  readonly #store: PermitStore | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(rate: Rate, store: PermitStore | undefined, clock: Clock, logger: Logger) {
    this.rate = rate;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * Takes one permit.
   *
   * @param nameOf - what the bucket is called in the store; asked only when the store is
   * @returns 0 when there was one, else how long until there is, in microseconds
   */
  take(bucket: Bucket, nameOf: () => string): number | Promise<number> {
    if (bucket.left > 0) {
      bucket.left -= 1;
      return 0;
    }
    const nowUs = this.#nowUs();
    if (this.#store === undefined) return this.#takeOwn(bucket, 1, nowUs).waitUs;
    if (bucket.blockedUntilUs > nowUs) return bucket.blockedUntilUs - nowUs;
    return this.#takeLeased(this.#store, bucket, nameOf());
  }

  async #takeLeased(store: PermitStore, bucket: Bucket, name: string): Promise<number> {
    bucket.waiting += 1;
    try {
      // Each turn of the loop some call gets its permit, or none can.
      for (;;) {
        if (bucket.left > 0) {
          bucket.left -= 1;
          return 0;
        }
        const waitUs = bucket.blockedUntilUs - this.#nowUs();
        if (waitUs > 0) return waitUs;
        bucket.lease ??= this.#lease(store, bucket, name);
        await bucket.lease;
      }
    } finally {
      bucket.waiting -= 1;
    }
  }

  async #lease(store: PermitStore, bucket: Bucket, name: string): Promise<void> {
    const count = Math.min(this.rate.burst, Math.max(leaseSize(this.rate), bucket.waiting));
    const nowUs = this.#nowUs();
    let lease: PermitLease;
    try {
      lease = await store.lease(name, count, this.rate, nowUs);
    } catch (error) {
      this.#logger.error('calls are counted by this process alone', { error });
      lease = this.#takeOwn(bucket, count, nowUs);
    } finally {
      bucket.lease = undefined;
    }
    bucket.left += lease.granted;
    if (lease.granted === 0) bucket.blockedUntilUs = nowUs + Math.max(1, lease.waitUs);
  }

  #takeOwn(bucket: Bucket, count: number, nowUs: number): PermitLease {
    const { intervalUs, burst } = this.rate;
    const from = Math.max(bucket.spentUntilUs, nowUs);
    const ceiling = nowUs + burst * intervalUs;
    const granted = Math.max(0, Math.min(count, Math.floor((ceiling - from) / intervalUs)));
    if (granted === 0) return { granted, waitUs: Math.max(1, from + intervalUs - ceiling) };
    bucket.spentUntilUs = from + granted * intervalUs;
    return { granted, waitUs: 0 };
  }

  #nowUs(): number {
    return Math.floor(this.#clock.nowMs() * 1000);
  }
}
