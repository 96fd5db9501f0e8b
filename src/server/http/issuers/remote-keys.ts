import { type JWTVerifyGetKey, createLocalJWKSet, errors } from 'jose';
import type { SafeFetch } from '../../../net/safe-fetch.js';
import type { Clock } from '../../../shared/clock.js';
import { isJsonObject } from '../../../shared/json.js';
import type { Logger } from '../../../shared/logger.js';
import { readDocument } from './metadata.js';

export interface RemoteKeysOptions {
  /** Where the JWK Set is, now: it may move. */
  readonly uri: () => string;
  /** With limits on size and time. */
  readonly fetch: SafeFetch;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the last good keys are used while no new ones can be had. Default 86,400. */
  readonly maxOutageSeconds?: number;
}

/** The keys of an issuer elsewhere. */
export interface RemoteKeys {
  /** Throws what `jose` throws for a token that fits no key, and a plain error when keys cannot be had. */
  readonly find: JWTVerifyGetKey;
  /** Fetches now. @throws {Error} that says what was wrong with the answer */
  load(): Promise<void>;
}

const FRESH_MS = 5 * 60_000;
/** Tries of the background refresh while the host is away. */
const RETRY_MS = 10_000;
/** Tries while there are no keys at all, and every request waits for them. */
const COLD_RETRY_MS = 1000;
// Unknown key ids: three fetches at once, then one in 10 s: nine in a minute at most, and a new key is known in 10 s.
const BURST = 3;
const REFILL_MS = 10_000;
const MAX_KEYS = 100;
const PUBLIC_KINDS = ['EC', 'RSA', 'OKP'] as const;

/**
 * Keeps a JWK Set. Keys are fetched anew every 5 minutes, in the background; a key id that is not among them is looked
 * for at once, within a limit, so that a rotation needs no wait and a flood of made-up ids no fetch each. While the host
 * is away the last good keys are used, for at most a day.
 */
export function createRemoteKeys(options: RemoteKeysOptions): RemoteKeys {
  const { uri, fetch, clock, logger, maxOutageSeconds = 86_400 } = options;
  let keys: { readonly find: JWTVerifyGetKey; readonly fetchedAtMs: number } | undefined;
  let running: Promise<void> | undefined;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let failure: Error | undefined;
  let budget = BURST;
  let budgetAtMs = clock.nowMs();

  const fetchKeys = async (): Promise<void> => {
    triedAtMs = clock.nowMs();
    try {
      keys = { find: await readKeys(uri(), fetch), fetchedAtMs: clock.nowMs() };
      if (failure !== undefined)
        logger.warn('the keys of an issuer can be fetched again', { uri: uri() });
      failure = undefined;
    } catch (error) {
      const first = failure === undefined;
      failure = error instanceof Error ? error : new Error(String(error));
      if (first) {
        logger.warn('the keys of an issuer cannot be fetched', {
          uri: uri(),
          error: failure.message,
          isServing: keys !== undefined,
        });
      }
      throw failure;
    }
  };
  const load = (): Promise<void> => {
    running ??= fetchKeys().finally(() => {
      running = undefined;
    });
    return running;
  };
  const takeFromBudget = (): boolean => {
    const now = clock.nowMs();
    const refilled = Math.floor((now - budgetAtMs) / REFILL_MS);
    if (refilled > 0) {
      budget = Math.min(BURST, budget + refilled);
      budgetAtMs += refilled * REFILL_MS;
    }
    if (budget === 0) return false;
    budget -= 1;
    return true;
  };

  /** The keys at hand, fetched if there are none that may be used. */
  const current = async (): Promise<JWTVerifyGetKey> => {
    const age = keys === undefined ? Number.POSITIVE_INFINITY : clock.nowMs() - keys.fetchedAtMs;
    if (keys !== undefined && age <= maxOutageSeconds * 1000) {
      if (age > FRESH_MS && clock.nowMs() - triedAtMs >= RETRY_MS) {
        // Nobody waits for it, and its failure is in the log.
        load().catch(() => undefined);
      }
      return keys.find;
    }
    if (
      running === undefined &&
      failure !== undefined &&
      clock.nowMs() - triedAtMs < COLD_RETRY_MS
    ) {
      throw failure;
    }
    await load();
    if (keys === undefined) throw new Error('no keys');
    return keys.find;
  };

  return {
    load,
    async find(header, token) {
      const find = await current();
      try {
        return await find(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        const before = keys;
        if (running === undefined && !takeFromBudget()) {
          // Whether the key is new nobody can say while its host is away.
          throw failure ?? error;
        }
        await load();
        if (keys === undefined || keys === before) throw error;
        return keys.find(header, token);
      }
    },
  };
}

async function readKeys(uri: string, fetch: SafeFetch): Promise<JWTVerifyGetKey> {
  const found = await readDocument(uri, fetch);
  if (typeof found === 'string') throw new Error(`${uri} answered ${found}`);
  const { keys } = found;
  if (!Array.isArray(keys)) throw new Error(`${uri} has no list "keys"`);
  const usable = keys
    .filter((key) => isJsonObject(key))
    // A key that everybody knows signs nothing.
    .filter((key) => PUBLIC_KINDS.some((kind) => kind === key['kty']) && key['use'] !== 'enc')
    .slice(0, MAX_KEYS);
  if (usable.length === 0) {
    throw new Error(`the "keys" of ${uri} hold no public key that signs (EC, RSA or OKP)`);
  }
  return createLocalJWKSet({ keys: usable });
}
