import {
  type Exclusion,
  type RecommendPolicy,
  type RecommendRequest,
  type Situation,
  exclusionOf,
  fitOf,
  readSituation,
} from './candidates.js';
import type { Course } from './course.js';
import { diversify } from './diversify.js';
import { type Evidence, gapClosedBy, round3, totalGap } from './evidence.js';
import type { CatalogStore, Transition } from './ports.js';
import { stepsBefore } from './prerequisites.js';
import type { CourseId, LearnerScope, Scope } from './scope.js';
import { matchedWords } from './search.js';
import { withExploration } from './exploration.js';
import { transitionScore } from './transitions.js';

const MAX_NEXT_EVIDENCE = 2;
const MAX_UNLOCKS = 3;
/** A course that opens the way to a goal counts half of what it opens. */
const UNLOCK_SHARE = 0.5;
const MAX_REFUSALS = 5;
/** Taken off the score, which is at most about 1, of a course in a subject that the learner turned down. */
const DISLIKE_PENALTY = 0.3;

interface Recommendation {
  readonly course: Course;
  readonly score: number;
  /** At least one. */
  readonly evidence: readonly Evidence[];
  /** Weeks at the learner's weekly hours, one decimal; undefined when the hours are not known. */
  readonly weeks: number | undefined;
}

interface Refusal {
  readonly course: Course;
  readonly reason: Exclusion;
  /** For `prerequisites`: what has to be completed first, in an order that works. */
  readonly steps: readonly CourseId[];
}

export interface Recommendations {
  readonly items: readonly Recommendation[];
  readonly situation: Situation;
  /** Courses that would serve the goal or come next but cannot be taken now: the first few, and how many of each kind. */
  readonly refused: readonly Refusal[];
  readonly refusedCounts: Readonly<Partial<Record<Exclusion, number>>>;
  /** The gap to the goal: 0 when every skill is there. Undefined without a goal that has skills. */
  readonly gap: number | undefined;
}

interface Signals {
  readonly course: Course;
  readonly next: number;
  readonly goal: number;
  readonly content: number;
  readonly popularity: number;
  readonly freshness: number;
  readonly evidence: readonly Evidence[];
}

type Weights = Readonly<Record<'next' | 'goal' | 'content' | 'popularity' | 'freshness', number>>;

/**
 * Recommends courses to a learner, or to nobody in particular. Deterministic: the same rows give the same answer on the
 * same day. Of five or more, the last one is for exploration when more fit than are shown: it says so in its evidence.
 *
 * Never returns a course with an unmet hard prerequisite, in a language the learner does not have, above the price
 * or with fixed weekly hours above the limit. An empty list is an answer: `refused` and `gap` say why.
 */
export async function recommendCourses(
  store: CatalogStore,
  scope: Scope,
  learner: LearnerScope | undefined,
  request: RecommendRequest,
  policy: RecommendPolicy = {},
): Promise<Recommendations> {
  const situation = await readSituation(store, scope, learner, request, policy);
  const gap =
    situation.goalSkills.length === 0 ? undefined : totalGap(situation.goalSkills, situation.have);
  const opens = coursesOpenedBy(situation);
  const signals = situation.candidates.map((course) =>
    signalsOf(course, situation, { gap: gap ?? 0, opened: opens.get(course.id) ?? [] }),
  );
  const relevant = signals.filter((signal) => isRelevant(signal, situation));
  const refused: Refusal[] = [];
  const refusedCounts: Partial<Record<Exclusion, number>> = {};
  const free: Signals[] = [];
  for (const signal of relevant) {
    const reason = exclusionOf(signal.course, situation);
    if (reason === undefined) {
      free.push(signal);
      continue;
    }
    if (signal.goal === 0 && signal.next === 0 && signal.content === 0) continue;
    refusedCounts[reason] = (refusedCounts[reason] ?? 0) + 1;
    const steps = stepsBefore(signal.course, situation.completed, situation.known);
    refused.push({ course: signal.course, reason, steps });
  }
  const goalOf = new Map(relevant.map((signal) => [signal.course.id, signal.goal]));
  refused.sort(
    (a, b) =>
      (goalOf.get(b.course.id) ?? 0) - (goalOf.get(a.course.id) ?? 0) ||
      (a.course.id < b.course.id ? -1 : 1),
  );
  return {
    items: withExploration(rank(free, situation), learner, request.limit, policy.now),
    situation,
    refused: refused.slice(0, MAX_REFUSALS),
    refusedCounts,
    gap,
  };
}

/** What is on the table for an explicit goal has to serve it; otherwise any signal will do. */
function isRelevant(signal: Signals, situation: Situation): boolean {
  if (situation.request.goal === undefined) return signal.evidence.length > 0;
  if (signal.goal > 0) return true;
  const isWordGoal = situation.goals.every((goal) => goal.kind === 'text');
  if (!isWordGoal || signal.content === 0) return false;
  // A word in passing does not make a course about it.
  const found = matchedWords(signal.course, situation.words).filter(({ fields }) =>
    fields.some((field) => field !== 'description'),
  );
  return found.length * 2 >= situation.words.length && found.length > 0;
}

function rank(free: readonly Signals[], situation: Situation): Recommendation[] {
  const weights = weightsFor(situation);
  const scaled = (key: keyof Weights): ReadonlyMap<CourseId, number> => scaleByRank(free, key);
  const scales = {
    next: scaled('next'),
    goal: scaled('goal'),
    content: scaled('content'),
    popularity: scaled('popularity'),
    freshness: scaled('freshness'),
  };
  const scored = free.map((signal) => {
    const { course } = signal;
    let sum = 0;
    for (const key of Object.keys(weights) as (keyof Weights)[]) {
      sum += weights[key] * (scales[key].get(course.id) ?? 0);
    }
    const penalty = situation.disliked.has(course.subject) ? DISLIKE_PENALTY : 0;
    const score = Math.max(0, sum * fitOf(course, situation) - penalty);
    return { course, signal, score: Math.round(score * 1e6) / 1e6 };
  });
  scored.sort((a, b) => b.score - a.score || (a.course.id < b.course.id ? -1 : 1));
  return diversify(scored).map(({ course, signal, score }) => ({
    course,
    score,
    evidence: signal.evidence,
    weeks:
      situation.weeklyHours === undefined
        ? undefined
        : Math.round((course.durationMinutes / 60 / situation.weeklyHours) * 10) / 10,
  }));
}

/** Long histories speak for themselves; a goal asked for now outweighs them. */
function weightsFor(situation: Situation): Weights {
  const { request, goals, taken } = situation;
  if (request.goal !== undefined) {
    return { goal: 0.6, content: 0.2, next: 0.15, popularity: 0.05, freshness: 0 };
  }
  const hasGoal = goals.length > 0;
  if (taken.length === 0) {
    return hasGoal
      ? { goal: 0.6, content: 0.3, next: 0, popularity: 0.1, freshness: 0 }
      : { goal: 0, content: 0, next: 0, popularity: 0.8, freshness: 0.2 };
  }
  if (taken.length < 3) {
    return hasGoal
      ? { goal: 0.45, content: 0.1, next: 0.3, popularity: 0.15, freshness: 0 }
      : { goal: 0, content: 0, next: 0.6, popularity: 0.4, freshness: 0 };
  }
  return hasGoal
    ? { goal: 0.45, content: 0.15, next: 0.35, popularity: 0.05, freshness: 0 }
    : { goal: 0, content: 0, next: 0.9, popularity: 0.1, freshness: 0 };
}

/** 1 for the highest value, falling evenly with the rank; nothing for a value of 0. Equal values share a rank. */
function scaleByRank(
  signals: readonly Signals[],
  key: keyof Weights,
): ReadonlyMap<CourseId, number> {
  const positive = signals.filter((signal) => signal[key] > 0).sort((a, b) => b[key] - a[key]);
  const scale = new Map<CourseId, number>();
  let rankOfEqual = 0;
  for (const [index, signal] of positive.entries()) {
    if (index > 0 && signal[key] < (positive[index - 1]?.[key] ?? 0)) rankOfEqual = index;
    scale.set(signal.course.id, 1 - rankOfEqual / positive.length);
  }
  return scale;
}

interface OpenedCourse {
  readonly id: CourseId;
  /** What the opened course closes of the goal's gap. */
  readonly closed: number;
}

interface GoalView {
  readonly gap: number;
  readonly opened: readonly OpenedCourse[];
}

/** For each course: the candidates that serve the goal and need it first, best first. */
function coursesOpenedBy(situation: Situation): ReadonlyMap<CourseId, readonly OpenedCourse[]> {
  const { candidates, goalSkills, have, completed, known } = situation;
  const opens = new Map<CourseId, OpenedCourse[]>();
  if (goalSkills.length === 0) return opens;
  const serving = candidates
    .map((course) => ({ course, closed: gapClosedBy(course.teaches, goalSkills, have).closed }))
    .filter(({ closed }) => closed > 0)
    .sort((a, b) => b.closed - a.closed || (a.course.id < b.course.id ? -1 : 1));
  for (const { course, closed } of serving) {
    for (const step of stepsBefore(course, completed, known)) {
      const list = opens.get(step) ?? [];
      opens.set(step, list);
      list.push({ id: course.id, closed });
    }
  }
  return opens;
}

function signalsOf(course: Course, situation: Situation, view: GoalView): Signals {
  const evidence: Evidence[] = [];
  const next = nextSignal(course, situation, evidence);
  const goal = goalSignal(course, situation, view, evidence);
  const content = contentSignal(course, situation, evidence);
  if (course.enrollmentCount > 0) {
    evidence.push({ kind: 'popular', learners: course.enrollmentCount });
  }
  if (evidence.length === 0) {
    evidence.push({
      kind: 'recent',
      updated: new Date(course.updatedAt).toISOString().slice(0, 10),
    });
  }
  return {
    course,
    next,
    goal,
    content,
    popularity: course.enrollmentCount,
    freshness: course.updatedAt,
    evidence,
  };
}

function nextSignal(course: Course, situation: Situation, evidence: Evidence[]): number {
  const parts = situation.transitions
    .filter((edge) => edge.to === course.id)
    .map((edge) => ({ edge, score: transitionScore(edge, situation.taken.indexOf(edge.from)) }))
    .sort((a, b) => b.score - a.score || (a.edge.from < b.edge.from ? -1 : 1));
  for (const { edge } of parts.slice(0, MAX_NEXT_EVIDENCE)) evidence.push(nextEvidence(edge));
  return parts.reduce((sum, { score }) => sum + score, 0);
}

function nextEvidence(edge: Transition): Evidence {
  return {
    kind: 'next',
    because: edge.from,
    learners: edge.learners,
    of: edge.fromLearners,
    share: round3(edge.learners / edge.fromLearners),
  };
}

function goalSignal(
  course: Course,
  situation: Situation,
  { gap, opened }: GoalView,
  evidence: Evidence[],
): number {
  if (gap <= 0) return 0;
  const { goalSkills, have } = situation;
  const own = gapClosedBy(course.teaches, goalSkills, have);
  for (const goal of new Set(own.closes.map((step) => step.goal))) {
    const wanted = goalSkills.filter((skill) => skill.goal === goal);
    const { closed, closes } = gapClosedBy(course.teaches, wanted, have);
    evidence.push({
      kind: 'goal',
      goal,
      closes: closes.map(({ skill, from, to }) => ({ skill, from, to })),
      share: round3(closed / gap),
    });
  }
  if (opened.length > 0) {
    evidence.push({ kind: 'prereq', unlocks: opened.slice(0, MAX_UNLOCKS).map(({ id }) => id) });
  }
  return (own.closed + UNLOCK_SHARE * (opened[0]?.closed ?? 0)) / gap;
}

function contentSignal(course: Course, situation: Situation, evidence: Evidence[]): number {
  const score = situation.wordScores.get(course.id);
  if (score === undefined) return 0;
  const words = matchedWords(course, situation.words).map(({ word }) => word);
  if (words.length > 0) evidence.push({ kind: 'content', words });
  return score;
}
