import type { GoalSkill } from './goals.js';
import type { CourseId, SkillId } from './scope.js';

/**
 * Why a course is recommended, as data. Every number can be computed again from the stored tables: transition counts,
 * course skills, the learner's own rows. Nothing in it names another learner.
 */
export type Evidence =
  | {
      /** Of the `of` learners who took `because`, `learners` took this course later. */
      readonly kind: 'next';
      readonly because: CourseId;
      readonly learners: number;
      readonly of: number;
      /** `learners / of`, three decimals. */
      readonly share: number;
    }
  | {
      readonly kind: 'goal';
      readonly goal: string;
      readonly closes: readonly {
        readonly skill: SkillId;
        readonly from: number;
        readonly to: number;
      }[];
      /** The part of the whole gap that this course closes, three decimals. */
      readonly share: number;
    }
  | { readonly kind: 'prereq'; readonly unlocks: readonly CourseId[] }
  | { readonly kind: 'content'; readonly words: readonly string[] }
  | { readonly kind: 'popular'; readonly learners: number }
  | {
      /** Chosen for this learner and day among `among` courses that fit and would not have been shown. */
      readonly kind: 'exploration';
      /** ISO date. */
      readonly day: string;
      readonly among: number;
    }
  | {
      readonly kind: 'recent';
      /** ISO date of the last change of the course. */
      readonly updated: string;
    };

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** What a course would close of a goal's gap, given what the learner has. */
export function gapClosedBy(
  teaches: readonly { readonly skill: SkillId; readonly level: number }[],
  goals: readonly GoalSkill[],
  have: ReadonlyMap<SkillId, number>,
): { closed: number; closes: { skill: SkillId; from: number; to: number; goal: string }[] } {
  let closed = 0;
  const closes: { skill: SkillId; from: number; to: number; goal: string }[] = [];
  for (const goal of goals) {
    const taught = teaches.find(({ skill }) => skill === goal.skill)?.level ?? 0;
    const from = have.get(goal.skill) ?? 0;
    const to = Math.min(taught, goal.target);
    if (to <= from) continue;
    closed += goal.weight * (to - from);
    closes.push({ skill: goal.skill, from, to, goal: goal.goal });
  }
  return { closed, closes };
}

/** The whole gap between what the learner has and what the goals ask for. */
export function totalGap(goals: readonly GoalSkill[], have: ReadonlyMap<SkillId, number>): number {
  return goals.reduce(
    (sum, { skill, target, weight }) => sum + weight * Math.max(0, target - (have.get(skill) ?? 0)),
    0,
  );
}

/** The sentence made from evidence, and from nothing else. */
export function sentenceOf(
  evidence: readonly Evidence[],
  titleOf: (course: CourseId) => string,
): string {
  return `${evidence.map((item) => clauseOf(item, titleOf)).join('; ')}.`;
}

function clauseOf(item: Evidence, titleOf: (course: CourseId) => string): string {
  switch (item.kind) {
    case 'next':
      return `${item.learners} of ${item.of} learners (${percent(item.share)}) who took "${titleOf(item.because)}" took this later`;
    case 'goal': {
      const steps = item.closes.map(({ skill, from, to }) => `${skill} ${from} to ${to}`);
      return `closes ${percent(item.share)} of the gap to "${item.goal}" (${steps.join(', ')})`;
    }
    case 'prereq':
      return `opens the way to ${item.unlocks.map((id) => `"${titleOf(id)}"`).join(', ')}`;
    case 'content':
      return `its text mentions ${item.words.join(', ')}`;
    case 'popular':
      return `${item.learners} people have taken it`;
    case 'exploration':
      return `shown to let you look beyond the best matches: picked for ${item.day} among ${item.among} further courses that fit`;
    case 'recent':
      return `updated on ${item.updated}`;
    default:
      return item satisfies never;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
