import { type SafeFetch, createSafeFetch } from '../../net/safe-fetch.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import type { CounterStore } from '../ports.js';

const TIMEOUT_MS = 2500;
const MAX_BYTES = 64 * 1024;
const WINDOW_SECONDS = 60;
const MAX_PER_HOST = 30;
const BAD_MS = 30_000;
const MAX_REMEMBERED = 1000;

export interface KeyFetchParts {
  readonly counters: CounterStore;
  readonly clock: Clock;
  readonly allowLoopback: boolean;
  /** Replaces the connection. For tests. */
  readonly fetch?: SafeFetch | undefined;
}

/**
 * The `fetch` for what clients point at, which is their `jwks_uri` alone: guarded, at most 30 a minute for one host, and
 * after a failure none of the same URL for 30 seconds.
 */
export function createKeyFetch(parts: KeyFetchParts): SafeFetch {
  const { counters, clock } = parts;
  const fetch =
    parts.fetch ??
    createSafeFetch({
      allowLoopback: parts.allowLoopback,
      maxBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
    });
  const failedUntil = new Map<string, number>();
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    const now = clock.nowMs();
    if ((failedUntil.get(url.href) ?? 0) > now) throw new TypeError('failed a moment ago');
    const { count } = await counters.increment(
      `key-host:${url.host}`,
      WINDOW_SECONDS,
      nowSeconds(clock),
    );
    if (count > MAX_PER_HOST) throw new TypeError('too many requests to one host');
    try {
      const response = await fetch(url, init);
      if (response.status === 200) return response;
      await response.body?.cancel();
      throw new TypeError(`status ${response.status}`);
    } catch (error) {
      // The oldest goes: the map is for the URL that is asked for again and again.
      const [oldest] = failedUntil.keys();
      if (failedUntil.size >= MAX_REMEMBERED && oldest !== undefined) failedUntil.delete(oldest);
      failedUntil.set(url.href, now + BAD_MS);
      throw error;
    }
  };
}
