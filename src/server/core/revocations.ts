import { type Clock, nowSeconds, systemClock } from '../../shared/clock.js';
import { type Logger, silentLogger } from '../../shared/logger.js';

/** A credential that ended before its time. */
export interface Revocation {
  /** Place in the feed: grows, never used twice. */
  readonly position: number;
  /** `Principal.credentialId` of what was revoked. */
  readonly credentialId: string;
  /** Epoch seconds after which the credential is of no use anyway. */
  readonly expiresAt: number;
}

/**
 * What was revoked, by whichever process. Whoever revokes in the store adds to the feed in the same transaction; rows
 * become visible in the order of their positions.
 */
export interface RevocationFeed {
  /** What came after `position` (0: everything), in order, at most `limit`. */
  after(position: number, limit: number): Promise<readonly Revocation[]>;
  /** @returns how many rows were removed */
  deleteExpired(nowSeconds: number): Promise<number>;
}

/** What this process knows of revoked credentials. */
export interface Revocations {
  /** Grows with every revocation that becomes known: while it stands still, what was checked need not be again. */
  readonly epoch: number;
  isRevoked(credentialId: string | undefined): boolean;
  /** Settled when the feed was read once. Rejects while it cannot be; the next call tries again. */
  ready(): Promise<void>;
  /** Reads what is new now: whoever has revoked something calls it, and need not wait for the next turn. */
  refresh(): Promise<void>;
  /** @param listener - gets the credentials that have just become known as revoked. @returns a function that ends it */
  subscribe(listener: (credentialIds: ReadonlySet<string>) => void): () => void;
  close(): void;
}

export interface RevocationsOptions {
  readonly feed: RevocationFeed;
  /** How often the feed is read. Default 1500. What is revoked elsewhere is refused here within this and one query. */
  readonly pollMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

const PAGE = 1000;
const SWEEP_EVERY_MS = 60_000;

/** Follows a feed. Reads it at once and then all the time; it does not keep the process alive. */
export function createRevocations(options: RevocationsOptions): Revocations {
  const { feed, pollMs = 1500, clock = systemClock, logger = silentLogger } = options;
  const listeners = new Set<(credentialIds: ReadonlySet<string>) => void>();
  /** Until when each has to be remembered. */
  const revoked = new Map<string, number>();
  let epoch = 0;
  let position = 0;
  let isRead = false;
  let isFailing = false;
  let isClosed = false;
  let sweptAtMs = clock.nowMs();

  const readOn = async (): Promise<void> => {
    for (;;) {
      const rows = await feed.after(position, PAGE);
      const last = rows.at(-1);
      if (last !== undefined) {
        position = last.position;
        for (const { credentialId, expiresAt } of rows) revoked.set(credentialId, expiresAt);
        epoch += 1;
        const fresh = new Set(rows.map((row) => row.credentialId));
        for (const listener of listeners) listener(fresh);
      }
      if (rows.length < PAGE) break;
    }
    isRead = true;
  };

  // One reader at a time. Who asks while one reads gets the one after it, which sees what was written before the ask.
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = readOn().finally(() => {
      running = undefined;
    });
    return running;
  };
  const refresh = (): Promise<void> => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };

  const sweep = async (): Promise<void> => {
    if (clock.nowMs() - sweptAtMs < SWEEP_EVERY_MS) return;
    sweptAtMs = clock.nowMs();
    const now = nowSeconds(clock);
    for (const [credentialId, until] of revoked) if (until < now) revoked.delete(credentialId);
    await feed.deleteExpired(now);
  };

  const turn = async (): Promise<void> => {
    try {
      if (running === undefined) await start();
      if (isFailing) logger.warn('revocations can be read again');
      isFailing = false;
      await sweep();
    } catch (error) {
      if (isClosed) return;
      // Once: the database says the same thing to everybody else.
      if (!isFailing) logger.error('revocations cannot be read: trying again', { error });
      isFailing = true;
    }
  };
  const timer = setInterval(() => void turn(), pollMs);
  timer.unref();
  void turn();

  return {
    get epoch() {
      return epoch;
    },
    isRevoked: (credentialId) => credentialId !== undefined && revoked.has(credentialId),
    ready: () => (isRead ? Promise.resolve() : (running ?? start())),
    refresh,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}
