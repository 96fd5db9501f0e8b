import { type JWK, type JWTVerifyGetKey, createLocalJWKSet, errors } from 'jose';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { SealingSecret } from '../../shared/sealing.js';
import type { SigningAlgorithm } from '../capabilities.js';
import type { SigningKeyRecord, SigningKeyStore } from '../ports.js';
import { type KeySchedule, inSigningOrder, nextKeyDates } from './lifecycle.js';
import { makeSigningKey, openSigningKey, publicPart, signingKeySealer } from './signing-key.js';

/** The keys of this server, as they are now. */
export interface SigningKeys {
  /** Private JWKs, of each algorithm the one that signs first. */
  readonly privateKeys: readonly JWK[];
  /** What the world may see. */
  readonly publicKeys: { readonly keys: readonly JWK[] };
  /** Finds the key of a token, also one that another process has just made. */
  readonly find: JWTVerifyGetKey;
}

/** Keeps the keys up to date with the store and the clock, and makes the next one when it is time. */
export interface KeyRing extends SigningKeys {
  /**
   * Looks into the store now, and makes the keys that are due.
   *
   * @throws {MasterSecretMismatchError} when a key was sealed under another secret; the keys of before go on
   */
  refresh(): Promise<void>;
  /** Stops looking. */
  close(): void;
}

export interface KeyRingOptions {
  readonly store: SigningKeyStore;
  readonly masterSecret: SealingSecret;
  readonly algorithms: readonly SigningAlgorithm[];
  readonly schedule: KeySchedule;
  /** The longest life of a token, with skew. */
  readonly tokenSeconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gets every change of what signs or is published, before a request meets it. Not the first state. */
  readonly onChange: () => void;
}

const MAX_POLL_MS = 60_000;
const MIN_POLL_MS = 1000;
/** Tokens with a made-up key id must not become queries. */
const RELOAD_EVERY_MS = 1000;
/** Clocks of processes differ: what one takes for ended may still be needed by another. */
const ENDED_GRACE_SECONDS = 3600;
/** For `signing-keys list`. */
const HISTORY_SECONDS = 7_776_000;

/**
 * Opens the keys of the store; the first start makes one for each algorithm. Processes that start together end up with
 * the same ones.
 *
 * @throws {MasterSecretMismatchError} when a stored key was sealed under another secret
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { store, algorithms, schedule, tokenSeconds, clock, logger } = options;
  const sealer = signingKeySealer(options.masterSecret);
  const opened = new Map<string, JWK>();
  let records: readonly SigningKeyRecord[] = [];
  let privateKeys: readonly JWK[] = [];
  let publicKeys: { readonly keys: readonly JWK[] } = { keys: [] };
  let local: JWTVerifyGetKey = createLocalJWKSet({ keys: [] });
  let order: string | undefined;

  const arrange = (): void => {
    const published = inSigningOrder(records, nowSeconds(clock), tokenSeconds);
    const next = JSON.stringify(published.map(({ kid }) => kid));
    if (next === order) return;
    // All are opened before anything changes.
    privateKeys = published.map((record) => {
      const jwk = opened.get(record.kid) ?? openSigningKey(record, sealer);
      opened.set(record.kid, jwk);
      return jwk;
    });
    publicKeys = { keys: privateKeys.map(publicPart) };
    local = createLocalJWKSet({ keys: [...publicKeys.keys] });
    for (const kid of opened.keys()) {
      if (!published.some((record) => record.kid === kid)) opened.delete(kid);
    }
    if (order !== undefined) {
      logger.info('signing keys have changed', { keys: published.map(({ kid }) => kid) });
      options.onChange();
    }
    order = next;
  };

  const makeDue = async (): Promise<boolean> => {
    let isChanged = false;
    for (const algorithm of algorithms) {
      const now = nowSeconds(clock);
      const own = records.filter((record) => record.algorithm === algorithm);
      const dates = nextKeyDates(own, now, schedule, tokenSeconds);
      if (dates === undefined) continue;
      const record = await makeSigningKey(algorithm, dates, now, sealer);
      const isOurs = await store.insert(
        record,
        own.map(({ kid }) => kid),
      );
      if (isOurs) logger.info('a signing key was made', { kid: record.kid, algorithm, ...dates });
      // If not, another process was first.
      isChanged = true;
    }
    return isChanged;
  };

  const look = async (): Promise<void> => {
    try {
      records = await store.list();
      if (await makeDue()) records = await store.list();
    } finally {
      // Without the store, time goes on all the same.
      arrange();
    }
    const now = nowSeconds(clock);
    if (records.some((record) => isPast(record, now - ENDED_GRACE_SECONDS))) {
      await store.tidy({
        endedBefore: now - ENDED_GRACE_SECONDS,
        deleteBefore: now - HISTORY_SECONDS,
      });
    }
  };

  let running: Promise<void> | undefined;
  const refresh = (): Promise<void> => {
    running ??= look().finally(() => {
      running = undefined;
    });
    return running;
  };

  let isFailing = false;
  const turn = async (): Promise<void> => {
    try {
      await refresh();
      isFailing = false;
    } catch (error) {
      if (!isFailing) logger.error('signing keys cannot be read: trying again', { error });
      isFailing = true;
    }
  };

  let reloadedAtMs = Number.NEGATIVE_INFINITY;
  const find: JWTVerifyGetKey = async (header, token) => {
    try {
      return await local(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (running === undefined && clock.nowMs() - reloadedAtMs < RELOAD_EVERY_MS) throw error;
      reloadedAtMs = clock.nowMs();
      await turn();
      return local(header, token);
    }
  };

  await refresh();
  const pollMs = Math.max(
    MIN_POLL_MS,
    Math.min(MAX_POLL_MS, Math.floor(schedule.publishLeadSeconds * 500)),
  );
  const timer = setInterval(() => void turn(), pollMs);
  timer.unref();
  return {
    get privateKeys() {
      return privateKeys;
    },
    get publicKeys() {
      return publicKeys;
    },
    find,
    refresh,
    close: () => clearInterval(timer),
  };
}

function isPast({ removeAt, privateJwk }: SigningKeyRecord, before: number): boolean {
  return removeAt !== undefined && removeAt < before && privateJwk !== '';
}
