import type { SigningKeyRecord } from '../ports.js';

/** The times of a key's life, in seconds. */
export interface KeySchedule {
  /**
   * Published this long before it signs: longer than verifiers keep a JWK Set. Default 86,400.
   */
  readonly publishLeadSeconds: number;
  /** Signs this long. Default 2,592,000 (30 days). */
  readonly rotateEverySeconds: number;
  /** Published this long after it signed last: longer than any token lives, and skew. Default 172,800 (2 days). */
  readonly overlapSeconds: number;
}

export const DEFAULT_KEY_SCHEDULE: KeySchedule = {
  publishLeadSeconds: 86_400,
  rotateEverySeconds: 2_592_000,
  overlapSeconds: 172_800,
};

/** `published`: will sign; `verifies`: has signed, and what it signed is still good. */
export type KeyPhase = 'published' | 'signs' | 'verifies' | 'removed';

export type KeyDates = Pick<SigningKeyRecord, 'activateAt' | 'retireAt' | 'removeAt'>;

/** The dates of a key that signs from `activateAt` on. They never change, but for a removal in an emergency. */
export function datesFrom(activateAt: number, schedule: KeySchedule): KeyDates {
  const retireAt = activateAt + schedule.rotateEverySeconds;
  return { activateAt, retireAt, removeAt: retireAt + schedule.overlapSeconds };
}

function isPublished({ removeAt }: KeyDates, now: number): boolean {
  return removeAt === undefined || removeAt > now;
}

/**
 * The published keys, of each algorithm the one that signs first. That is the newest whose time it is; where a successor
 * is late, the last one goes on, as long as what it signs can be verified to its end.
 *
 * @param tokenSeconds - how long the longest token lives, with skew
 */
export function inSigningOrder<Key extends KeyDates>(
  keys: readonly Key[],
  now: number,
  tokenSeconds: number,
): readonly Key[] {
  const rank = (key: Key): number => {
    if (key.activateAt > now) return 2;
    if (key.retireAt === undefined || key.retireAt > now) return 0;
    return signsAtMostUntil(key, tokenSeconds) > now ? 1 : 3;
  };
  return keys
    .filter((key) => isPublished(key, now))
    .toSorted((a, b) => {
      const byRank = rank(a) - rank(b);
      if (byRank !== 0) return byRank;
      // Of those to come the next one, of those that were the last one.
      return rank(a) === 2 ? a.activateAt - b.activateAt : b.activateAt - a.activateAt;
    });
}

/** What each key does at a moment, by its key id. */
export function phasesOf(
  keys: readonly SigningKeyRecord[],
  now: number,
  tokenSeconds: number,
): ReadonlyMap<string, KeyPhase> {
  const phases = new Map<string, KeyPhase>(keys.map(({ kid }) => [kid, 'removed']));
  const signed = new Set<string>();
  for (const { kid, algorithm, activateAt } of inSigningOrder(keys, now, tokenSeconds)) {
    if (!signed.has(algorithm)) phases.set(kid, 'signs');
    else phases.set(kid, activateAt > now ? 'published' : 'verifies');
    signed.add(algorithm);
  }
  return phases;
}

/**
 * The dates of the next key of an algorithm, when it is time to make it: early enough to be published for the whole lead
 * before the last one retires. When nothing can sign until then, it signs as soon as it has to.
 *
 * @param keys - all keys of the algorithm
 * @returns undefined when no key is due
 */
export function nextKeyDates(
  keys: readonly KeyDates[],
  now: number,
  schedule: KeySchedule,
  tokenSeconds: number,
): KeyDates | undefined {
  const { publishLeadSeconds, rotateEverySeconds } = schedule;
  const published = keys.filter((key) => isPublished(key, now));
  const last = published.toSorted((a, b) => b.activateAt - a.activateAt)[0];
  if (last === undefined) return datesFrom(now, schedule);
  const lastRetires = last.retireAt ?? last.activateAt + rotateEverySeconds;
  // Processes look from time to time only: a little earlier is never too late.
  const margin = Math.min(3600, Math.ceil(rotateEverySeconds / 20));
  if (now < lastRetires - publishLeadSeconds - margin) return undefined;
  const wanted = Math.max(lastRetires, now + publishLeadSeconds);
  const signable = Math.max(...published.map((key) => signsAtMostUntil(key, tokenSeconds)));
  return datesFrom(Math.max(now, Math.min(wanted, signable)), schedule);
}

function signsAtMostUntil({ removeAt }: KeyDates, tokenSeconds: number): number {
  return removeAt === undefined ? Number.POSITIVE_INFINITY : removeAt - tokenSeconds;
}
