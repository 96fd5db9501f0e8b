import type { CourseId } from './scope.js';

/** A course counts as a successor up to this many courses later. */
export const TRANSITION_WINDOW = 20;
const GAP_DECAY = 0.95;
const AGE_DECAY = 0.7;
const POPULARITY_EXPONENT = 0.4;

/** What one learner's step from one course to another, `gap` courses later, adds to its edge. */
export function stepWeight(gap: number): number {
  return GAP_DECAY ** (gap - 1);
}

export interface TransitionCounts {
  /** Edge by `from`, then `to`. */
  readonly edges: ReadonlyMap<
    CourseId,
    ReadonlyMap<CourseId, { weight: number; learners: number }>
  >;
  /** Learners who took each course. */
  readonly reach: ReadonlyMap<CourseId, number>;
}

/** Counts transitions over histories; each is one learner's courses in the order taken, without repeats. */
export function countTransitions(histories: Iterable<readonly CourseId[]>): TransitionCounts {
  const edges = new Map<CourseId, Map<CourseId, { weight: number; learners: number }>>();
  const reach = new Map<CourseId, number>();
  for (const history of histories) {
    const courses = [...new Set(history)];
    for (const [index, from] of courses.entries()) {
      reach.set(from, (reach.get(from) ?? 0) + 1);
      const outgoing = edges.get(from) ?? new Map<CourseId, { weight: number; learners: number }>();
      edges.set(from, outgoing);
      for (let gap = 1; gap <= TRANSITION_WINDOW && index + gap < courses.length; gap += 1) {
        const to = courses[index + gap] as CourseId;
        const edge = outgoing.get(to) ?? { weight: 0, learners: 0 };
        edge.weight += stepWeight(gap);
        edge.learners += 1;
        outgoing.set(to, edge);
      }
    }
  }
  return { edges, reach };
}

/**
 * What a known course says for a next one: the edge's weight, discounted by how many took either, so that courses
 * everybody takes do not win everywhere, and faded by how long ago the known course was taken.
 *
 * @param age - 0 for the newest course of the history
 */
export function transitionScore(
  edge: { readonly weight: number; readonly fromLearners: number; readonly toLearners: number },
  age: number,
): number {
  const discount =
    Math.max(edge.fromLearners, 1) * Math.max(edge.toLearners, 1) ** POPULARITY_EXPONENT;
  return (AGE_DECAY ** age * edge.weight) / discount;
}
