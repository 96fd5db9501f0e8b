import { primaryLanguage } from './analysis.js';
import { type Situation, readSituation } from './candidates.js';
import { type Course, weeklyHoursOf } from './course.js';
import { gapClosedBy, totalGap } from './evidence.js';
import { type PathStep, scheduleSteps } from './path-schedule.js';
import type { CatalogStore } from './ports.js';
import { stepsBefore, unmetHard, withPrerequisites } from './prerequisites.js';
import type { CourseId, LearnerScope, Scope, SkillId } from './scope.js';

/** Assumed, and said so, when neither the request nor the profile has hours. */
const DEFAULT_WEEKLY_HOURS = 4;
const MAX_LEFT_OUT = 8;
/** How often prerequisites that turn up late may change the plan. */
const MAX_PLANS = 10;

export interface PathRequest {
  /** In words; without it the learner's stored goals count. */
  readonly goal?: string | undefined;
  readonly weeklyHours?: number | undefined;
  /** For the whole path, in minor units; undefined: no limit. */
  readonly budgetMinor?: number | undefined;
  readonly language?: string | undefined;
  /** First day, ISO date. */
  readonly startOn: string;
  /** 1 to 12. */
  readonly maxSteps: number;
}

export const LEFT_OUT_REASONS = [
  'language',
  'weekly_hours',
  'currency',
  'dismissed',
  'retired',
  'prerequisites',
  'budget',
  'max_steps',
  'not_needed',
] as const;
export type LeftOutReason = (typeof LEFT_OUT_REASONS)[number];

export interface LearningPath {
  /** In an order that works: nothing comes before what it needs. */
  readonly steps: readonly PathStep[];
  readonly situation: Situation;
  readonly weeklyHours: number;
  /** Whether nobody said how many hours there are. */
  readonly isHoursAssumed: boolean;
  /** The gap to the goal before the first and after the last step; undefined for a goal without skills. */
  readonly gap: { readonly before: number; readonly after: number } | undefined;
  /** Skills that stay below their target. */
  readonly uncovered: readonly {
    readonly skill: SkillId;
    readonly have: number;
    readonly target: number;
    /** Whether a course of the catalog would teach more of it. */
    readonly isTaught: boolean;
  }[];
  /** Courses that serve the goal and are not in the path: the first few, those that close most first. */
  readonly leftOut: readonly {
    readonly course: Course;
    readonly reason: LeftOutReason;
    /** For `prerequisites`: the one that cannot be taken. */
    readonly needs?: CourseId;
  }[];
  /** Of the budget and of what the path costs; undefined when all of it is free. */
  readonly currency: string | undefined;
}

/**
 * Plans the way to a goal: the courses that close the gap to its skills, with what they need first, in order and dated.
 *
 * A greedy set cover: each turn takes the course, together with its open prerequisites, that closes most of the gap for
 * its hours (and once more: most of the gap), what turns out superfluous is taken out again, and the better plan counts:
 * first by gap, then by hours. No step needs a course that is neither completed nor an earlier step. Deterministic.
 *
 * @param learner - absent for a caller that is no person: then only the request counts
 */
export async function planPath(
  store: CatalogStore,
  scope: Scope,
  learner: LearnerScope | undefined,
  request: PathRequest,
): Promise<LearningPath> {
  const { goal, weeklyHours, language } = request;
  const situation = await readSituation(store, scope, learner, {
    goal,
    weeklyHours,
    language,
    limit: request.maxSteps,
  });
  const known = new Map(situation.known);
  let planner = createPlanner(situation, known, request);
  let chosen = planner.plan();
  // What is read for many courses at once ends at some depth; for those of the plan every prerequisite counts.
  for (let turn = 1; turn < MAX_PLANS; turn += 1) {
    const needed = await withPrerequisites(
      store.courses,
      scope,
      chosen.map((id) => known.get(id)).filter((course) => course !== undefined),
    );
    const late = [...needed.values()].filter((course) => !known.has(course.id));
    if (late.length === 0) break;
    for (const course of late) known.set(course.id, course);
    planner = createPlanner(situation, known, request);
    chosen = planner.plan();
  }
  return planner.describe(chosen);
}

interface Planner {
  plan(): readonly CourseId[];
  describe(chosen: readonly CourseId[]): LearningPath;
}

function createPlanner(
  situation: Situation,
  known: ReadonlyMap<CourseId, Course>,
  request: PathRequest,
): Planner {
  const { goalSkills, have, completed, languages } = situation;
  const progress = new Map(situation.inProgress.map((entry) => [entry.course, entry.progress]));
  const weeklyHours = situation.weeklyHours ?? DEFAULT_WEEKLY_HOURS;
  const serving = [...known.values()]
    .filter((course) => !completed.has(course.id))
    .map((course) => ({ course, closed: gapClosedBy(course.teaches, goalSkills, have).closed }))
    .filter(({ closed }) => closed > 0)
    .sort((a, b) => b.closed - a.closed || (a.course.id < b.course.id ? -1 : 1));
  const currency = commonCurrency(serving.map(({ course }) => course));

  const courseOf = (id: CourseId): Course => known.get(id) as Course;
  const minutesOf = (id: CourseId): number =>
    Math.round(courseOf(id).durationMinutes * (1 - (progress.get(id) ?? 0)));
  const priceOf = (id: CourseId): number => (progress.has(id) ? 0 : courseOf(id).priceMinor);
  const sum = (ids: readonly CourseId[], of: (id: CourseId) => number): number =>
    ids.reduce((total, id) => total + of(id), 0);

  /** Why a course cannot be part of any path. One that is under way already can. */
  const barOf = (course: Course): LeftOutReason | undefined => {
    if (progress.has(course.id)) return undefined;
    if (course.status === 'retired') return 'retired';
    if (situation.settled.has(course.id)) return 'dismissed';
    if (languages.length > 0 && !languages.includes(primaryLanguage(course.language))) {
      return 'language';
    }
    const needed = weeklyHoursOf(course);
    if (needed !== undefined && needed > weeklyHours) return 'weekly_hours';
    const isForeign = course.priceMinor > 0 && course.currency !== currency;
    return request.budgetMinor !== undefined && isForeign ? 'currency' : undefined;
  };
  /** A course after everything that has to be completed before it and is not in the plan yet. */
  const bundleOf = (course: Course, chosen: ReadonlySet<CourseId>): CourseId[] => [
    ...stepsBefore(course, new Set([...completed, ...chosen]), known),
    course.id,
  ];
  const haveAfter = (ids: Iterable<CourseId>): ReadonlyMap<SkillId, number> => {
    const after = new Map(have);
    for (const id of ids) {
      for (const { skill, level } of courseOf(id).teaches) {
        after.set(skill, Math.max(after.get(skill) ?? 0, level));
      }
    }
    return after;
  };
  const gapAfter = (ids: Iterable<CourseId>): number => totalGap(goalSkills, haveAfter(ids));
  const isAffordable = (ids: readonly CourseId[]): boolean =>
    request.budgetMinor === undefined || sum(ids, priceOf) <= request.budgetMinor;

  const cover = (valueOf: (gain: number, minutes: number) => number): CourseId[] => {
    const chosen = new Set<CourseId>();
    for (;;) {
      const before = gapAfter(chosen);
      let best: { bundle: CourseId[]; value: number; minutes: number } | undefined;
      for (const { course } of before > 0 ? serving : []) {
        if (chosen.has(course.id)) continue;
        const bundle = bundleOf(course, chosen);
        const all = [...chosen, ...bundle];
        if (all.length > request.maxSteps || !isAffordable(all)) continue;
        if (bundle.some((id) => barOf(courseOf(id)) !== undefined)) continue;
        const gain = before - gapAfter(all);
        if (gain <= 0) continue;
        const minutes = sum(bundle, minutesOf);
        const value = valueOf(gain, Math.max(1, minutes));
        const isBetter =
          best === undefined ||
          value > best.value ||
          (value === best.value && minutes < best.minutes);
        if (isBetter) best = { bundle, value, minutes };
      }
      if (best === undefined) break;
      for (const id of best.bundle) chosen.add(id);
    }
    return withoutSuperfluous([...chosen]);
  };
  /** Later choices may cover what an earlier one was taken for: the longest of those go first. */
  const withoutSuperfluous = (ids: readonly CourseId[]): CourseId[] => {
    let kept = [...ids];
    const byLength = ids.toSorted((a, b) => minutesOf(b) - minutesOf(a) || (a < b ? -1 : 1));
    // What only a superfluous course needed becomes superfluous with it.
    for (let turn = 0; turn < ids.length; turn += 1) {
      const before = kept.length;
      for (const id of byLength) {
        const rest = kept.filter((other) => other !== id);
        const taken = new Set([...completed, ...rest]);
        const isNeeded = rest.some((other) =>
          unmetHard(courseOf(other), taken, known).includes(id),
        );
        if (!isNeeded && gapAfter(rest) <= gapAfter(kept)) kept = rest;
      }
      if (kept.length === before) break;
    }
    return kept;
  };

  return {
    plan() {
      const plans = [cover((gain, minutes) => gain / minutes), cover((gain) => gain)];
      const [best] = plans
        .map((ids) => ({
          ids,
          rank: [gapAfter(ids), sum(ids, minutesOf), sum(ids, priceOf), ids.length],
        }))
        .sort((a, b) => compareRanks(a.rank, b.rank));
      return best?.ids ?? [];
    },
    describe(chosen) {
      const after = haveAfter(chosen);
      const inPath = new Set(chosen);
      const reasonOf = (course: Course): { reason: LeftOutReason; needs?: CourseId } => {
        const bar = barOf(course);
        if (bar !== undefined) return { reason: bar };
        const bundle = bundleOf(course, inPath);
        const barred = bundle.find((id) => barOf(courseOf(id)) !== undefined);
        if (barred !== undefined) return { reason: 'prerequisites', needs: barred };
        if (gapAfter([...chosen, ...bundle]) >= gapAfter(chosen)) return { reason: 'not_needed' };
        if (!isAffordable([...chosen, ...bundle])) return { reason: 'budget' };
        return { reason: 'max_steps' };
      };
      const leftOut = serving
        .filter(({ course }) => !inPath.has(course.id))
        .map(({ course }) => ({ course, ...reasonOf(course) }));
      // What could have helped and cannot be had says more than what is simply not needed.
      leftOut.sort((a, b) => Number(a.reason === 'not_needed') - Number(b.reason === 'not_needed'));
      return {
        steps: scheduleSteps(chosen.map(courseOf), {
          situation: { ...situation, known },
          startOn: request.startOn,
          weeklyHours,
          minutesOf,
          priceOf,
        }),
        situation: { ...situation, known },
        weeklyHours,
        isHoursAssumed: situation.weeklyHours === undefined,
        gap:
          goalSkills.length === 0
            ? undefined
            : { before: totalGap(goalSkills, have), after: gapAfter(chosen) },
        uncovered: goalSkills
          .filter(({ skill, target }) => (after.get(skill) ?? 0) < target)
          .map(({ skill, target }) => {
            const reached = after.get(skill) ?? 0;
            const isTaught = serving.some(({ course }) =>
              course.teaches.some((taught) => taught.skill === skill && taught.level > reached),
            );
            return { skill, have: reached, target, isTaught };
          }),
        leftOut: leftOut.slice(0, MAX_LEFT_OUT),
        currency: currency ?? chosen.map((id) => courseOf(id).currency)[0],
      };
    },
  };
}

/** The currency that most of the courses that cost something have: a budget can be counted in one only. */
function commonCurrency(courses: readonly Course[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { priceMinor, currency } of courses) {
    if (priceMinor > 0) counts.set(currency, (counts.get(currency) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
