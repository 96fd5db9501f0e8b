import type { Situation } from './candidates.js';
import { type Course, LEVELS } from './course.js';
import { type Evidence, gapClosedBy, round3, totalGap } from './evidence.js';
import { unmetHard } from './prerequisites.js';
import type { CourseId, SkillId } from './scope.js';

const DAY_MS = 86_400_000;

export interface PathStep {
  readonly course: Course;
  /** First and last day, ISO dates. */
  readonly starts: string;
  readonly ends: string;
  /** Work left, in minutes: less than the course's own for one that is under way. */
  readonly minutes: number;
  readonly priceMinor: number;
  readonly isUnderWay: boolean;
  /** At least one. */
  readonly evidence: readonly Evidence[];
}

interface ScheduleOptions {
  readonly situation: Situation;
  readonly startOn: string;
  readonly weeklyHours: number;
  readonly minutesOf: (id: CourseId) => number;
  readonly priceOf: (id: CourseId) => number;
}

/** Puts courses one after the other: what is needed first, what is under way, what is easy; and gives each its days. */
export function scheduleSteps(courses: readonly Course[], options: ScheduleOptions): PathStep[] {
  const { situation, weeklyHours, minutesOf, priceOf } = options;
  const have = new Map(situation.have);
  const gap = totalGap(situation.goalSkills, have);
  const steps: PathStep[] = [];
  let day = Date.parse(options.startOn);
  for (const course of inOrder(courses, situation)) {
    const minutes = minutesOf(course.id);
    const workDays = Math.max(1, Math.ceil((minutes / 60 / weeklyHours) * 7));
    const isUnderWay = situation.inProgress.some((entry) => entry.course === course.id);
    // Fixed dates do not move for a fast learner; how far one is in a course under way, its hours say better.
    const days = isUnderWay ? workDays : Math.max(workDays, (course.weeks ?? 0) * 7);
    const ends = day + (days - 1) * DAY_MS;
    steps.push({
      course,
      starts: isoDate(day),
      ends: isoDate(ends),
      minutes,
      priceMinor: priceOf(course.id),
      isUnderWay,
      evidence: evidenceOf(course, courses, { situation, have, gap }),
    });
    for (const { skill, level } of course.teaches) {
      have.set(skill, Math.max(have.get(skill) ?? 0, level));
    }
    day = ends + DAY_MS;
  }
  return steps;
}

function inOrder(courses: readonly Course[], situation: Situation): Course[] {
  const open = new Set(courses);
  const have = new Map(situation.have);
  const placed: Course[] = [];
  while (open.size > 0) {
    const isOpen = (id: CourseId): boolean => [...open].some((course) => course.id === id);
    const ready = [...open].filter(
      (course) => !unmetHard(course, situation.completed, situation.known).some(isOpen),
    );
    const rankOf = (course: Course): (number | string)[] => [
      situation.inProgress.some((entry) => entry.course === course.id) ? 0 : 1,
      course.prerequisites.some((need) => isOpen(need.course)) ? 1 : 0,
      course.requires.some(({ skill, level }) => (have.get(skill) ?? 0) < level) ? 1 : 0,
      LEVELS.indexOf(course.level),
      course.durationMinutes,
      course.id,
    ];
    const [next] = ready
      .map((course) => ({ course, rank: rankOf(course) }))
      .sort((a, b) => compare(a.rank, b.rank));
    if (next === undefined) throw new TypeError('hard prerequisites of a plan go in a circle');
    open.delete(next.course);
    placed.push(next.course);
    for (const { skill, level } of next.course.teaches) {
      have.set(skill, Math.max(have.get(skill) ?? 0, level));
    }
  }
  return placed;
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] as number | string;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

interface Progress {
  readonly situation: Situation;
  /** Before the step. */
  readonly have: ReadonlyMap<SkillId, number>;
  /** Before the first step. */
  readonly gap: number;
}

function evidenceOf(
  course: Course,
  courses: readonly Course[],
  { situation, have, gap }: Progress,
): Evidence[] {
  const { goalSkills, completed, known } = situation;
  const evidence: Evidence[] = [];
  for (const goal of new Set(goalSkills.map((wanted) => wanted.goal))) {
    const wanted = goalSkills.filter((skill) => skill.goal === goal);
    const { closed, closes } = gapClosedBy(course.teaches, wanted, have);
    if (closed === 0) continue;
    evidence.push({
      kind: 'goal',
      goal,
      closes: closes.map(({ skill, from, to }) => ({ skill, from, to })),
      share: round3(closed / gap),
    });
  }
  const unlocks = courses.filter((later) => unmetHard(later, completed, known).includes(course.id));
  if (unlocks.length > 0) evidence.push({ kind: 'prereq', unlocks: unlocks.map(({ id }) => id) });
  return evidence;
}

function isoDate(day: number): string {
  return new Date(day).toISOString().slice(0, 10);
}
