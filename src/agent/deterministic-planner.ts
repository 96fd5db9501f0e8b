import { type JsonValue, isJsonObject } from '../shared/json.js';
import { type CourseView, viewCourse } from './course-view.js';
import type { CourseEvidence, Evidence } from './evidence.js';
import { pickArray, pickString } from './json-view.js';
import type { LearnerView } from './learner-view.js';
import { coverage, subjectWords } from './matching.js';
import { parseRequest } from './parse-request.js';
import type { Choice, Planner, SearchPlan } from './planner.js';
import type { Claim, Proposal } from './recommendation.js';
import type { Level, LearnerRequest } from './request.js';

const FIELD_WEIGHT: Readonly<Record<string, number>> = {
  title: 1,
  name: 1,
  teaches: 0.9,
  subject: 0.7,
  summary: 0.6,
  description: 0.4,
};
/** Kinds of a recommender's evidence that are about the goal, not about what is popular or comes next. */
const GOAL_KINDS: ReadonlySet<string> = new Set(['goal', 'role', 'skill', 'prereq']);
const KIND_WEIGHT: Readonly<Record<string, number>> = {
  goal: 4,
  prereq: 3,
  next: 2,
  content: 0,
  popular: 0,
  recent: 0,
};
/** Strength of a course whose fields have the goal's words only between them. */
const LOOSE = 0.1;
const LEVEL_INDEX: Readonly<Record<Level, number>> = { beginner: 0, intermediate: 1, advanced: 2 };

/**
 * The planner that works without a model: it searches for the goal as the person named it, keeps the courses whose
 * catalog fields speak of that goal or that the server's recommender ties to it, and ranks them by how plainly they do.
 * The same answers of the tools always lead to the same proposals.
 */
export function deterministicPlanner(): Planner {
  return {
    name: 'deterministic',
    plan: ({ request, learner, round }) => Promise.resolve(planSearch(request, learner, round)),
    choose: ({ request, learner, evidence, max }) =>
      Promise.resolve(choose(request, learner, evidence, max)),
  };
}

/** The texts that a course has to speak of: the request's goal, else the goals that the person has stored. */
function goalParts(request: LearnerRequest, learner: LearnerView): readonly string[] {
  const stored = learner.goals.slice(0, 3);
  return request.goal?.parts ?? stored.flatMap((text) => parseRequest(text).goal?.parts ?? [text]);
}

function planSearch(request: LearnerRequest, learner: LearnerView, round: number): SearchPlan {
  const parts = goalParts(request, learner);
  const notes =
    request.goal === undefined && parts.length > 0 && round === 0
      ? [`no goal was named, so your stored goals count: ${parts.join('; ')}`]
      : [];
  if (round === 0) return { queries: parts.slice(0, 4), notes };
  // A phrase that found nothing may still have words that do.
  const words = parts.flatMap((part) => subjectWords(part)).filter((word) => word.length > 2);
  return {
    queries: [...new Set(words)].filter((word) => !parts.includes(word)).slice(0, 4),
    notes,
  };
}

interface Scored {
  readonly course: CourseEvidence;
  readonly part: string | undefined;
  readonly score: number;
  readonly claims: readonly Claim[];
}

function choose(
  request: LearnerRequest,
  learner: LearnerView,
  evidence: Evidence,
  max: number,
): Choice {
  const parts = goalParts(request, learner);
  const scored = Object.values(evidence)
    .map((course) => score(course, parts, request))
    .filter((candidate) => candidate !== undefined)
    .map((candidate) => ({
      ...candidate,
      // What can be taken now comes before what is some courses away.
      score: candidate.score - 0.3 * stepsTo(candidate.course, evidence, learner).length,
    }))
    .sort((a, b) => b.score - a.score || a.course.id.localeCompare(b.course.id));
  // A word in a description is a reason only while there is no better one.
  const isEnough = scored.some((candidate) => candidate.score >= 1.2);
  const kept = isEnough ? scored.filter((candidate) => candidate.score >= 0.9) : scored;
  const spread = parts.length > 1 ? onePerPartFirst(kept, parts) : kept;
  const proposals = spread.flatMap((candidate) => [
    ...stepsTo(candidate.course, evidence, learner),
    { courseId: candidate.course.id, claims: candidate.claims },
  ]);
  return { proposals: mergeById(proposals).slice(0, max * 4), notes: [] };
}

function score(
  course: CourseEvidence,
  parts: readonly string[],
  request: LearnerRequest,
): Scored | undefined {
  const view = viewCourse(course);
  const recommended = recommenderClaims(course);
  const best = parts
    .map((part) => ({ part, ...textClaims(view, part) }))
    .sort((a, b) => b.strength - a.strength)[0];
  const strength = best?.strength ?? 0;
  const isForGoal = recommended.some(({ isGoal }) => isGoal);
  if (parts.length > 0 && strength === 0 && !isForGoal) return undefined;
  const claims = pickClaims(best?.claims ?? [], recommended, strength > LOOSE);
  if (claims.length === 0) return undefined;
  const rankAt = (isAsked: (tool: string) => boolean): number | undefined =>
    course.foundBy.filter(({ tool }) => isAsked(tool)).map(({ rank }) => rank)[0];
  const recommenderRank = rankAt((tool) => tool.endsWith('recommend_courses'));
  const searchRank = rankAt((tool) => tool.endsWith('search_courses'));
  const isRecommended = recommenderRank !== undefined && (isForGoal || parts.length === 0);
  const levelStep =
    request.level === undefined || view.level === undefined
      ? 0
      : Math.abs(view.level.value - LEVEL_INDEX[request.level]);
  return {
    course,
    part: strength > LOOSE ? best?.part : undefined,
    claims,
    // The words of the title say as much as the server's own reasoning about the goal; the two do not add up.
    score:
      Math.max(2 * strength, isRecommended ? 1.6 : 0) +
      (isRecommended ? 0.8 * (1 - (recommenderRank - 1) / 20) : 0) +
      (searchRank === undefined ? 0 : 0.2 / searchRank) -
      0.3 * levelStep,
  };
}

/** The most telling claims first, at most four; popularity and the like only where there is nothing better. */
function pickClaims(
  text: readonly Claim[],
  recommended: readonly RecommenderClaim[],
  isTextTelling: boolean,
): readonly Claim[] {
  const telling = recommended
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  const own = telling.map(({ claim }) => claim).slice(0, 3);
  if (isTextTelling) {
    // A person reads the title anyway.
    const beyondTitle = [...text, ...own].filter(({ field }) => field !== 'title');
    return beyondTitle.length > 0 ? beyondTitle.slice(0, 4) : text;
  }
  if (own.length > 0) return own;
  return text.length > 0 ? text : recommended.map(({ claim }) => claim).slice(0, 1);
}

/** Fields of the course that speak of the goal with all of its words. */
function textClaims(
  view: CourseView,
  part: string,
): { strength: number; claims: readonly Claim[] } {
  const found = view.texts
    .filter(({ value }) => coverage(part, value) === 1)
    .map(({ field, value }) => ({
      strength: FIELD_WEIGHT[field] ?? 0.3,
      claim: { field, value: field === 'description' ? sentenceAbout(part, value) : value },
    }));
  const skills = (view.teaches?.value ?? []).filter(
    (skill) =>
      coverage(part, skill) === 1 ||
      (coverage(skill, part) === 1 && subjectWords(skill).length > 1),
  );
  if (view.teaches !== undefined) {
    for (const skill of skills.slice(0, 3)) {
      found.push({
        strength: FIELD_WEIGHT['teaches'] ?? 0,
        claim: { field: view.teaches.field, value: skill },
      });
    }
  }
  if (found.length === 0) return looseClaims(view, part);
  found.sort((a, b) => b.strength - a.strength);
  return {
    strength: found[0]?.strength ?? 0,
    claims: found.slice(0, 2).map(({ claim }) => claim),
  };
}

/** No field has all the words, but the fields together have (nearly) all: weaker, and still the catalog's own words. */
function looseClaims(
  view: CourseView,
  part: string,
): { strength: number; claims: readonly Claim[] } {
  const skills = view.teaches?.value ?? [];
  const all = [...view.texts.map(({ value }) => value), ...skills].join(' ');
  const words = subjectWords(part).length;
  if (words < 2 || coverage(part, all) < (words < 3 ? 1 : 0.66)) return { strength: 0, claims: [] };
  const claims = view.texts
    .map(({ field, value }) => ({
      share: coverage(part, value),
      claim: { field, value: field === 'description' ? sentenceAbout(part, value) : value },
    }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, 2)
    .map(({ claim }) => claim);
  return { strength: claims.length === 0 ? 0 : LOOSE, claims };
}

/** The sentence of a long text that has the goal's words: a quotation that people can check. */
function sentenceAbout(part: string, text: string): string {
  const sentences = text.split(/(?<=[.!?])\s+/);
  const best = sentences
    .map((sentence) => ({ sentence, share: coverage(part, sentence) }))
    .sort((a, b) => b.share - a.share)[0]?.sentence;
  return best?.trim() ?? text;
}

/** What the server's recommender gave as its evidence, and whether that evidence is about the goal. */
function recommenderClaims(course: CourseEvidence): readonly RecommenderClaim[] {
  for (const name of ['evidence', 'reasons', 'why']) {
    const found = pickArray(course.fields, [name]);
    if (found === undefined) continue;
    return found.value.slice(0, 10).map((entry: JsonValue, at) => {
      const kind = isJsonObject(entry) ? (pickString(entry, ['kind', 'type'])?.value ?? '') : '';
      return {
        claim: evidenceClaim(name, at, entry),
        isGoal: GOAL_KINDS.has(kind),
        weight: KIND_WEIGHT[kind] ?? 1,
      };
    });
  }
  return [];
}

interface RecommenderClaim {
  readonly claim: Claim;
  readonly isGoal: boolean;
  /** How much it tells a person; 0 for what is no reason by itself. */
  readonly weight: number;
}

function evidenceClaim(name: string, at: number, entry: JsonValue): Claim {
  const text = isJsonObject(entry) ? pickString(entry, ['text', 'message']) : undefined;
  return text === undefined
    ? { field: `${name}.${at}`, value: entry }
    : { field: `${name}.${at}.${text.field}`, value: text.value };
}

/** The best course for each part of the goal, then the rest by score. */
function onePerPartFirst(scored: readonly Scored[], parts: readonly string[]): readonly Scored[] {
  const first = parts.flatMap((part) => scored.find((candidate) => candidate.part === part) ?? []);
  return [...new Set([...first, ...scored])];
}

/** Courses that have to be completed before this one, those without prerequisites of their own first. */
function stepsTo(
  course: CourseEvidence,
  evidence: Evidence,
  learner: LearnerView,
  seen: Set<string> = new Set([course.id]),
): readonly Proposal[] {
  const needed = viewCourse(course).prerequisites;
  if (needed === undefined) return [];
  return needed.value.flatMap((id) => {
    const step = evidence[id];
    if (step === undefined || seen.has(id) || learner.completed.includes(id)) return [];
    seen.add(id);
    return [
      ...stepsTo(step, evidence, learner, seen),
      { courseId: id, claims: [{ field: needed.field, value: id, of: course.id }] },
    ];
  });
}

function mergeById(proposals: readonly Proposal[]): readonly Proposal[] {
  const merged = new Map<string, Proposal>();
  for (const { courseId, claims } of proposals) {
    const before = merged.get(courseId)?.claims ?? [];
    const all = [...before, ...claims];
    // That another course needs it is said where nothing speaks for the course itself.
    const own = all.filter(({ of }) => of === undefined);
    merged.set(courseId, { courseId, claims: own.length > 0 ? own : all.slice(0, 1) });
  }
  return [...merged.values()];
}
