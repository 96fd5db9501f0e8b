import { createHash } from 'node:crypto';
import type { Evidence } from './evidence.js';
import { type LearnerScope, learnerIdOf } from './scope.js';

/** A shorter list has no place to give away. */
const MIN_LIST = 5;
/** How far below the list the place may be filled from. */
const POOL = 40;

/**
 * Cuts a ranked list to its length, with the last place for a course from below the cut. Which one depends on the
 * learner and the day alone, so that a list does not change while somebody looks at it.
 *
 * @param now - epoch milliseconds; without it, and for nobody in particular, the list is only cut
 */
export function withExploration<Item extends { readonly evidence: readonly Evidence[] }>(
  ranked: readonly Item[],
  learner: LearnerScope | undefined,
  limit: number,
  now: number | undefined,
): readonly Item[] {
  const shown = ranked.slice(0, limit);
  const pool = ranked.slice(limit, limit + POOL);
  if (learner === undefined || now === undefined || limit < MIN_LIST || pool.length === 0) {
    return shown;
  }
  const day = new Date(now).toISOString().slice(0, 10);
  const chosen = pool[explorationPick(learner, day, pool.length)] as Item;
  const evidence = [{ kind: 'exploration', day, among: pool.length } as const, ...chosen.evidence];
  return [...shown.slice(0, -1), { ...chosen, evidence }];
}

/** Which of `among` courses it is for this learner on this day (ISO date). */
export function explorationPick(learner: LearnerScope, day: string, among: number): number {
  const digest = createHash('sha256')
    .update(`${learnerIdOf(learner)} ${day}`)
    .digest();
  return digest.readUInt32BE(0) % among;
}
