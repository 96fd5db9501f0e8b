import { type Course, LEVELS, weeklyHoursOf } from './course.js';
import { fold, primaryLanguage, splitWords } from './analysis.js';
import type { Enrollment, Goal, LearnerProfile } from './learner.js';
import { isTaken } from './learner.js';
import { type GoalSkill, readGoal, skillsOfGoals } from './goals.js';
import type { CatalogStore, QueryWord, Transition } from './ports.js';
import { unmetHard, withPrerequisites } from './prerequisites.js';
import type { CourseId, LearnerScope, Scope, SkillId } from './scope.js';
import { readWords } from './search.js';
import { GOAL_NOISE } from './stop-words.js';
import { TRANSITION_WINDOW } from './transitions.js';

const DEFAULT_MINIMUM_LEARNERS = 3;
const DISLIKE_DAYS = 30;
const DAY_MS = 86_400_000;
/** A rating of this or less counts as a dislike. */
const POOR_RATING = 2;
const CANDIDATES_BY_GOAL = 200;
const CANDIDATES_BY_WORDS = 50;
const CANDIDATES_BY_POPULARITY = 60;

export interface RecommendRequest {
  /** A goal in words for this call alone; without it the learner's stored goals count. */
  readonly goal?: string | undefined;
  /** 1 to 20. */
  readonly limit: number;
  /** Replaces the learner's own value for this call. */
  readonly weeklyHours?: number | undefined;
  readonly language?: string | undefined;
  readonly maxPriceMinor?: number | undefined;
}

/** What the operator and the hour decide, and the learner does not. */
export interface RecommendPolicy {
  /**
   * A step from course to course that fewer learners of a tenant stand behind is neither scored nor quoted: it could
   * point at a person. Default 3.
   */
  readonly minimumLearners?: number | undefined;
  /** Epoch milliseconds. Without it no dislike has faded, and there is no place for exploration. */
  readonly now?: number | undefined;
}

/** Everything a recommendation is computed from, read once. */
export interface Situation {
  readonly request: RecommendRequest;
  readonly policy: RecommendPolicy;
  /** Subjects of courses that the learner dismissed, or rated 1 or 2, within the last 30 days. */
  readonly disliked: ReadonlySet<string>;
  /** Courses taken, newest first. */
  readonly taken: readonly CourseId[];
  readonly completed: ReadonlySet<CourseId>;
  readonly inProgress: readonly Enrollment[];
  /** Not to be recommended again: completed, enrolled or dismissed. */
  readonly settled: ReadonlySet<CourseId>;
  readonly have: ReadonlyMap<SkillId, number>;
  readonly goals: readonly Goal[];
  readonly goalSkills: readonly GoalSkill[];
  readonly words: readonly { readonly word: string; readonly query: QueryWord }[];
  readonly languages: readonly string[];
  readonly weeklyHours: number | undefined;
  readonly transitions: readonly Transition[];
  readonly candidates: readonly Course[];
  /** Scores of the word search, by course. */
  readonly wordScores: ReadonlyMap<CourseId, number>;
  /** Candidates, what they need, and what the learner took. */
  readonly known: ReadonlyMap<CourseId, Course>;
}

/** @param learner - absent for a caller that is no person: then only the request counts */
export async function readSituation(
  store: CatalogStore,
  scope: Scope,
  learner: LearnerScope | undefined,
  request: RecommendRequest,
  policy: RecommendPolicy = {},
): Promise<Situation> {
  const profile = learner === undefined ? undefined : await store.learners.find(learner);
  const history = learner === undefined ? [] : await store.learners.history(learner);
  const taken = history.filter((entry) => isTaken(entry.state)).map((entry) => entry.course);
  taken.reverse();
  const completed = new Set(
    history.filter((entry) => entry.state === 'completed').map((entry) => entry.course),
  );
  const takenCourses = await store.courses.getCourses(scope, taken);
  const have = skillsOf(
    profile,
    takenCourses.filter((course) => completed.has(course.id)),
  );
  const goals =
    request.goal === undefined
      ? (profile?.goals ?? [])
      : await readGoal(store.courses, scope, request.goal);
  const goalSkills = await skillsOfGoals(store.courses, scope, goals);
  const words = await goalWords(store, scope, goals, goalSkills);
  const transitions = await store.transitions.transitionsFrom(
    scope,
    taken.slice(0, TRANSITION_WINDOW),
    policy.minimumLearners ?? DEFAULT_MINIMUM_LEARNERS,
  );
  const byWords =
    words.length === 0
      ? []
      : (
          await store.courses.searchIndex(scope, {
            words: words.map(({ query }) => query),
            filters: {},
            limit: CANDIDATES_BY_WORDS,
            isCounted: false,
          })
        ).hits;
  const popular = await store.courses.searchIndex(scope, {
    words: [],
    filters: {},
    limit: CANDIDATES_BY_POPULARITY,
    isCounted: false,
  });
  const wanted = goalSkills
    .filter(({ skill, target }) => (have.get(skill) ?? 0) < target)
    .map(({ skill }) => skill);
  const byGoal = await store.courses.coursesTeaching(scope, wanted, CANDIDATES_BY_GOAL);
  const ids = new Set<CourseId>([
    ...transitions.map((edge) => edge.to),
    ...byGoal,
    ...byWords.map((hit) => hit.id),
    ...popular.hits.map((hit) => hit.id),
  ]);
  const settled = new Set(
    history
      .filter((entry) => entry.state !== 'saved' && entry.state !== 'dropped')
      .map((entry) => entry.course),
  );
  const direct = await store.courses.getCourses(scope, [...ids]);
  const known = await withPrerequisites(store.courses, scope, [...direct, ...takenCourses]);
  return {
    request,
    policy,
    disliked: await subjectsDisliked(store, scope, history, policy.now),
    taken,
    completed,
    inProgress: history.filter(({ state }) => state === 'enrolled' || state === 'in_progress'),
    settled,
    have,
    goals,
    goalSkills,
    words,
    languages: languagesOf(request, profile),
    weeklyHours: request.weeklyHours ?? profile?.weeklyHours,
    transitions,
    // What a candidate needs may itself be the next step, so it competes as well.
    candidates: [...known.values()].filter(
      (course) => course.status === 'active' && !settled.has(course.id),
    ),
    wordScores: new Map(byWords.map((hit) => [hit.id, hit.score])),
    known,
  };
}

export type Exclusion = 'language' | 'price' | 'weekly_hours' | 'prerequisites';

/** Why a candidate cannot be recommended now; undefined when it can. */
export function exclusionOf(course: Course, situation: Situation): Exclusion | undefined {
  const { languages, request, weeklyHours } = situation;
  if (languages.length > 0 && !languages.includes(primaryLanguage(course.language))) {
    return 'language';
  }
  if (request.maxPriceMinor !== undefined && course.priceMinor > request.maxPriceMinor) {
    return 'price';
  }
  const needed = weeklyHoursOf(course);
  if (weeklyHours !== undefined && needed !== undefined && needed > weeklyHours) {
    return 'weekly_hours';
  }
  return unmetHard(course, situation.completed, situation.known).length > 0
    ? 'prerequisites'
    : undefined;
}

/** How well a course fits what the learner can do: 1 is a fit, less for each step off and for what is missing. */
export function fitOf(course: Course, situation: Situation): number {
  const { have, completed } = situation;
  const best = Math.max(0, ...course.teaches.map(({ skill }) => have.get(skill) ?? 0));
  const expected = Math.min(Math.max(best - 1, 0), LEVELS.length - 1);
  let fit = 0.85 ** Math.abs(LEVELS.indexOf(course.level) - expected);
  const missesSoft = course.prerequisites.some(
    (need) => need.kind === 'soft' && !completed.has(need.course),
  );
  const missesSkill = course.requires.some(({ skill, level }) => (have.get(skill) ?? 0) < level);
  if (missesSoft || missesSkill) fit *= 0.7;
  return fit;
}

async function subjectsDisliked(
  store: CatalogStore,
  scope: Scope,
  history: readonly Enrollment[],
  now: number | undefined,
): Promise<ReadonlySet<string>> {
  const since = now === undefined ? -Infinity : now - DISLIKE_DAYS * DAY_MS;
  const disliked = history.filter(
    ({ state, lastAt, rating }) =>
      (state === 'dismissed' && lastAt >= since) ||
      (rating !== undefined && rating.stars <= POOR_RATING && rating.at >= since),
  );
  const courses = await store.courses.getCourses(
    scope,
    disliked.map(({ course }) => course),
  );
  return new Set(courses.map(({ subject }) => subject));
}

/** What the learner can do: what is recorded, and what the completed courses teach. */
export function skillsOf(
  profile: LearnerProfile | undefined,
  completed: readonly Course[],
): ReadonlyMap<SkillId, number> {
  const have = new Map<SkillId, number>();
  const raise = (skill: SkillId, level: number): void => {
    have.set(skill, Math.max(have.get(skill) ?? 0, level));
  };
  for (const { skill, level } of profile?.skills ?? []) raise(skill, level);
  for (const course of completed) {
    for (const { skill, level } of course.teaches) raise(skill, level);
  }
  return have;
}

function languagesOf(
  request: RecommendRequest,
  profile: LearnerProfile | undefined,
): readonly string[] {
  return request.language === undefined
    ? (profile?.languages ?? [])
    : [primaryLanguage(request.language)];
}

async function goalWords(
  store: CatalogStore,
  scope: Scope,
  goals: readonly Goal[],
  goalSkills: readonly GoalSkill[],
): Promise<Situation['words']> {
  // Of a goal that the vocabulary knows, its name counts and not the sentence around it.
  const texts = goals.filter((goal) => goal.kind === 'text').map((goal) => withoutNoise(goal.text));
  const names = new Set([...texts, ...goalSkills.map((wanted) => wanted.goal)]);
  const text = [...names].join(' ').trim();
  return text === '' ? [] : readWords(store.courses, scope, text);
}

function withoutNoise(text: string): string {
  return splitWords(text)
    .filter((word) => !GOAL_NOISE.has(fold(word)))
    .join(' ');
}
