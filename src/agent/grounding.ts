import type { JsonObject, JsonValue } from '../shared/json.js';
import { checkConditions } from './conditions.js';
import { type CourseView, viewCourse } from './course-view.js';
import type { CourseEvidence, Evidence } from './evidence.js';
import { jsonEquals, nameOf } from './json-view.js';
import type { LearnerView } from './learner-view.js';
import { isGroundedWording, renderReason } from './reasons.js';
import type {
  Claim,
  Proposal,
  Reason,
  Recommendation,
  Rejection,
  Verdict,
} from './recommendation.js';
import type { LearnerRequest } from './request.js';

/** Fields that say what a course is about, or why a tool proposed it. A price alone is no reason to take a course. */
const CONTENT_FIELDS =
  /^(?:title|name|subject|summary|description|teaches|skills|skillsTaught|skills_taught|prerequisites|evidence|reasons|why)\b/;

/**
 * Decides what may be said. The planner, rules or model, only proposes; this is the one place that an answer passes.
 *
 * A course stays when a tool returned it in this run, at least one claim about its content is true of what the tools
 * returned, it meets every condition of the request, and each hard prerequisite is completed or comes earlier in the
 * same answer. A claim stays when the field has that value, has it as an element, or contains it as a quotation of at
 * least two words.
 *
 * Does NOT judge whether a course is a wise choice for a goal, nor whether the server tells the truth.
 */
export function verify(input: {
  readonly proposals: readonly Proposal[];
  readonly evidence: Evidence;
  readonly request: LearnerRequest;
  readonly learner: LearnerView;
  readonly max: number;
}): Verdict {
  const { evidence, request, learner, max } = input;
  const rejections: Rejection[] = [];
  const candidates: Candidate[] = [];
  for (const proposal of input.proposals) {
    const course = evidence[proposal.courseId];
    if (course === undefined) {
      rejections.push({
        id: proposal.courseId,
        rule: 'unknown_course',
        text: `no tool returned a course ${JSON.stringify(proposal.courseId)} in this run`,
      });
      continue;
    }
    if (candidates.some(({ view }) => view.id === course.id)) continue;
    const view = viewCourse(course);
    const reasons = checkClaims(proposal.claims, course, evidence, request, rejections);
    const problem = checkConditions(view, request, learner);
    if (problem !== undefined) rejections.push({ id: view.id, title: view.title, ...problem });
    else if (!reasons.some(({ field }) => CONTENT_FIELDS.test(field))) {
      rejections.push({
        id: view.id,
        title: view.title,
        rule: 'no_reason_left',
        text: 'no claim about its content is borne out by the catalog',
      });
    } else candidates.push({ view, reasons });
  }
  return {
    recommendations: order(candidates, request, learner, max, rejections),
    rejections,
  };
}

interface Candidate {
  readonly view: CourseView;
  readonly reasons: readonly Reason[];
}

function checkClaims(
  claims: readonly Claim[],
  course: CourseEvidence,
  evidence: Evidence,
  request: LearnerRequest,
  rejections: Rejection[],
): readonly Reason[] {
  return claims.flatMap((claim) => {
    const about = evidence[claim.of ?? course.id];
    if (about === undefined || !holds(about.fields, claim)) {
      rejections.push({
        id: course.id,
        title: course.title,
        rule: 'claim_not_in_catalog',
        text: `the catalog does not say ${claim.field} = ${JSON.stringify(claim.value)}`,
      });
      return [];
    }
    const rendered = renderReason(claim, about, request);
    const text =
      claim.text !== undefined && isGroundedWording(claim.text, claim, request)
        ? claim.text
        : rendered;
    return [{ field: claim.field, value: claim.value, course: about.id, text }];
  });
}

/** Whether the course's fields bear the claim out. */
function holds(fields: JsonObject, claim: Claim): boolean {
  const actual = valueAt(fields, claim.field);
  if (actual === undefined || actual === null || claim.value === '') return false;
  if (jsonEquals(actual, claim.value)) return true;
  if (Array.isArray(actual)) {
    return (actual as readonly JsonValue[]).some(
      (item) =>
        jsonEquals(item, claim.value) ||
        (typeof claim.value === 'string' &&
          ['label', 'name', 'skill', 'course', 'id', 'text'].some(
            (name) => nameOf(item, [name]) === claim.value,
          )),
    );
  }
  return typeof actual === 'string' && typeof claim.value === 'string'
    ? isQuotation(claim.value, actual)
    : false;
}

function valueAt(fields: JsonObject, path: string): JsonValue | undefined {
  if (Object.hasOwn(fields, path)) return fields[path];
  let found: JsonValue | undefined = fields;
  for (const key of path.split('.').slice(0, 8)) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as JsonObject)[key];
  }
  return found;
}

const words = (value: string): string =>
  ` ${value
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .join(' ')
    .trim()} `;

function isQuotation(quote: string, text: string): boolean {
  const wanted = words(quote);
  return wanted.trim().includes(' ') && words(text).includes(wanted);
}

/** Puts prerequisites first and drops what still lacks one. */
function order(
  candidates: readonly Candidate[],
  request: LearnerRequest,
  learner: LearnerView,
  max: number,
  rejections: Rejection[],
): readonly Recommendation[] {
  const kept = new Map<string, { candidate: Candidate; after: readonly string[] }>();
  let waiting = candidates;
  for (let pass = 0; pass <= candidates.length && waiting.length > 0; pass++) {
    const later: Candidate[] = [];
    for (const candidate of waiting) {
      const open = (candidate.view.prerequisites?.value ?? []).filter(
        (id) => !learner.completed.includes(id),
      );
      const isReady = open.every((id) => kept.has(id));
      if (!isReady) later.push(candidate);
      else if (kept.size < max && fits(candidate, open)) {
        kept.set(candidate.view.id, { candidate, after: open });
      }
    }
    if (later.length === waiting.length) break;
    waiting = later;
  }
  for (const { view } of waiting) {
    if (kept.size >= max) break;
    const missing = (view.prerequisites?.value ?? []).filter(
      (id) => !learner.completed.includes(id) && !kept.has(id),
    );
    rejections.push({
      id: view.id,
      title: view.title,
      rule: 'prerequisite',
      text: `needs ${missing.map((id) => JSON.stringify(id)).join(', ')} first, which you have not completed`,
    });
  }
  return [...kept.values()].map(({ candidate: { view, reasons }, after }) => ({
    id: view.id,
    title: view.title,
    after,
    reasons,
    ...(view.url !== undefined && { url: view.url }),
  }));

  /** What the order adds to the conditions: a path has to fit as a whole, and starts at the person's own level. */
  function fits({ view }: Candidate, after: readonly string[]): boolean {
    const path = pathOf(after);
    const minutes = [...path, view].reduce((sum, course) => sum + (course.minutes?.value ?? 0), 0);
    if (request.maxHours !== undefined && minutes > request.maxHours * 60) {
      rejections.push({
        id: view.id,
        title: view.title,
        rule: 'too_long',
        text: `with the courses it needs first it takes ${round(minutes / 60)} hours, you have ${request.maxHours}`,
      });
      return false;
    }
    const isTooHigh = request.level === 'beginner' && (view.level?.value ?? 0) > path.length;
    if (isTooHigh) {
      rejections.push({
        id: view.id,
        title: view.title,
        rule: 'level',
        text: `its level is above a beginner's and nothing in this answer leads up to it`,
      });
    }
    return !isTooHigh;
  }

  function pathOf(ids: readonly string[]): readonly CourseView[] {
    const found = new Map<string, CourseView>();
    const open = [...ids];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const entry = kept.get(id);
      if (entry === undefined || found.has(id)) continue;
      found.set(id, entry.candidate.view);
      open.push(...entry.after);
    }
    return [...found.values()];
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
