import { foldPhrase } from './analysis.js';
import type { Goal } from './learner.js';
import type { CourseStore } from './ports.js';
import type { Scope, SkillId } from './scope.js';

const MAX_NAME_WORDS = 5;
const DEFAULT_SKILL_TARGET = 3;

/** A skill that goals ask for. */
export interface GoalSkill {
  readonly skill: SkillId;
  readonly target: number;
  readonly weight: number;
  /** The goal it belongs to, as shown to people. */
  readonly goal: string;
}

/**
 * Understands a goal in the learner's words: a role that the vocabulary knows ("I want to become a data analyst"),
 * else the skills it names, else the words as they stand. Never fails.
 *
 * Of several roles the one with the longest name counts, then the one named last: people say where they come from first.
 */
export async function readGoal(store: CourseStore, scope: Scope, text: string): Promise<Goal[]> {
  const names = namesIn(text);
  const surfaces = names.map(({ surface }) => surface);
  const roles = await store.rolesNamed(scope, surfaces);
  const role = roles
    .map((match) => ({ match, place: placeOf(names, match.surface) }))
    .sort((a, b) => b.place.words - a.place.words || b.place.start - a.place.start)[0];
  const base = { text, targetLevel: undefined, due: undefined };
  if (role !== undefined) return [{ ...base, kind: 'role', ref: role.match.record.id }];

  const skills = await store.skillsNamed(scope, surfaces);
  const goals: Goal[] = [];
  const usedWords = new Set<number>();
  const placed = skills
    .map((match) => ({ match, place: placeOf(names, match.surface) }))
    .sort((a, b) => b.place.words - a.place.words || a.place.start - b.place.start);
  for (const { match, place } of placed) {
    const words = Array.from({ length: place.words }, (_, index) => place.start + index);
    const isNew = !goals.some((goal) => goal.ref === match.record.id);
    if (!isNew || words.some((word) => usedWords.has(word))) continue;
    for (const word of words) usedWords.add(word);
    goals.push({ ...base, kind: 'skill', ref: match.record.id });
  }
  return goals.length > 0 ? goals : [{ ...base, kind: 'text', ref: undefined }];
}

/** The skills behind goals, each with the highest target asked for. Text goals have none. */
export async function skillsOfGoals(
  store: CourseStore,
  scope: Scope,
  goals: readonly Goal[],
): Promise<readonly GoalSkill[]> {
  const bySkill = new Map<SkillId, GoalSkill>();
  const add = (wanted: GoalSkill): void => {
    const known = bySkill.get(wanted.skill);
    if (known === undefined || wanted.target > known.target) bySkill.set(wanted.skill, wanted);
  };
  for (const goal of goals) {
    if (goal.kind === 'skill') {
      const skill = goal.ref as SkillId;
      const [record] = await store.skills(scope, [skill]);
      const target = goal.targetLevel ?? DEFAULT_SKILL_TARGET;
      add({ skill, target, weight: 1, goal: record?.label ?? skill });
    }
    const [role] = goal.kind === 'role' ? await store.roles(scope, [goal.ref ?? '']) : [];
    for (const { skill, level, weight } of role?.skills ?? []) {
      add({ skill, target: level, weight, goal: role?.label ?? goal.text });
    }
  }
  return [...bySkill.values()];
}

interface NameInText {
  readonly surface: string;
  readonly start: number;
  readonly words: number;
}

function namesIn(text: string): NameInText[] {
  const words = foldPhrase(text).split(' ').slice(0, 80);
  return words.flatMap((_, start) =>
    Array.from({ length: Math.min(MAX_NAME_WORDS, words.length - start) }, (__, extra) => ({
      surface: words.slice(start, start + extra + 1).join(' '),
      start,
      words: extra + 1,
    })),
  );
}

function placeOf(names: readonly NameInText[], surface: string): NameInText {
  return names.findLast((name) => name.surface === surface) ?? { surface, start: 0, words: 0 };
}
