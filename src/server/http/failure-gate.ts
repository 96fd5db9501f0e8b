import { BlockList, isIPv6 } from 'node:net';
import type { Clock } from '../../shared/clock.js';
import { silentLogger } from '../../shared/logger.js';
import { type RateLimit, toRate } from '../core/limits.js';
import { type Bucket, RateCounter, isFull, newBucket } from '../core/rate-counter.js';

export interface FailureLimit extends RateLimit {
  /** Also count what comes from this machine. Default false: a proxy in front of the server looks like that. */
  readonly includesLoopback?: boolean;
}

/** Turns away addresses that keep showing credentials which are not valid. */
export interface FailureGate {
  /** @returns how long the address has to wait, in seconds; undefined when it may try */
  waitSeconds(address: string | undefined): number | undefined;
  failed(address: string | undefined): void;
}

const MAX_ADDRESSES = 10_000;
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Counts in this process alone. An IPv6 address counts as its /64, which one customer has for himself.
 *
 * Only for servers that see the addresses of their clients: behind a proxy that hides them, one stranger would shut
 * out everybody.
 */
export function createFailureGate(limit: FailureLimit, clock: Clock): FailureGate {
  const counter = new RateCounter(toRate('limits.failures', limit), undefined, clock, silentLogger);
  const buckets = new Map<string, Bucket>();
  const nowUs = (): number => clock.nowMs() * 1000;
  return {
    waitSeconds(address) {
      // Nearly always there is none.
      if (buckets.size === 0) return undefined;
      const name = nameOf(address, limit);
      const bucket = name === undefined ? undefined : buckets.get(name);
      const waitUs = bucket === undefined ? 0 : bucket.blockedUntilUs - nowUs();
      return waitUs <= 0 ? undefined : Math.ceil(waitUs / 1_000_000);
    },
    failed(address) {
      const name = nameOf(address, limit);
      if (name === undefined) return;
      let bucket = buckets.get(name);
      if (bucket === undefined) {
        if (buckets.size >= MAX_ADDRESSES) makeRoom(buckets, nowUs());
        buckets.set(name, (bucket = newBucket()));
      }
      // The last permit is the last failure: whoever has none left has to wait for one.
      const taken = counter.take(bucket, () => name);
      const { intervalUs, burst } = counter.rate;
      const spentUs = bucket.spentUntilUs - nowUs();
      if (taken !== 0 || spentUs > (burst - 1) * intervalUs) {
        bucket.blockedUntilUs = bucket.spentUntilUs - (burst - 1) * intervalUs;
      }
    },
  };
}

/** @returns undefined for what is not counted */
function nameOf(address: string | undefined, limit: FailureLimit): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  const isSix = isIPv6(plain);
  if (limit.includesLoopback !== true && loopback.check(plain, isSix ? 'ipv6' : 'ipv4')) {
    return undefined;
  }
  return isSix ? networkOf(plain) : plain;
}

/** The first 64 bits. */
function networkOf(address: string): string {
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4).join(':');
}

function makeRoom(buckets: Map<string, Bucket>, nowUs: number): void {
  for (const [name, bucket] of buckets) if (isFull(bucket, nowUs)) buckets.delete(name);
  // Still too many: those that failed first.
  for (const name of buckets.keys()) {
    if (buckets.size < MAX_ADDRESSES * 0.9) return;
    buckets.delete(name);
  }
}
