import { type JsonValue, isJsonObject } from '../shared/json.js';
import { type CourseView, viewCourse } from './course-view.js';
import type { CourseEvidence } from './evidence.js';
import type { Claim, Reason } from './recommendation.js';
import { languageName } from './language-name.js';
import { nameOf, pickArray, pickString } from './json-view.js';
import type { LearnerRequest } from './request.js';

/** The sentence for a claim, made from the field and its value alone. */
export function renderReason(claim: Claim, about: CourseEvidence, request: LearnerRequest): string {
  const value = showValue(claim.value);
  const field = claim.field.split('.')[0] ?? claim.field;
  switch (field) {
    case 'title':
    case 'name':
      return `the title is "${value}"`;
    case 'subject':
      return `the subject is ${value}`;
    case 'summary':
    case 'description':
      return `the ${field} says: "${value}"`;
    case 'teaches':
    case 'skills':
    case 'skillsTaught':
    case 'skills_taught':
      return `teaches ${value}`;
    case 'prerequisites':
      return claim.of === undefined ? `builds on ${value}` : `is needed first for "${about.title}"`;
    case 'evidence':
      return evidenceText(claim.value) ?? value;
    case 'level':
    case 'difficulty':
      return `the level is ${value}`;
    default:
      return conditionText(field, viewCourse(about), request) ?? `${claim.field}: ${value}`;
  }
}

/** A recommender's evidence that comes as data. Unknown kinds are shown as they are. */
function evidenceText(value: JsonValue): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const text = (name: string): string => showValue(value[name] ?? '');
  switch (pickString(value, ['kind'])?.value ?? '') {
    case 'goal': {
      const closes = pickArray(value, ['closes'])?.value.filter(isJsonObject) ?? [];
      const steps = closes.map(({ skill, from, to }) =>
        [skill ?? '', 'from', from ?? 0, 'to', to ?? ''].map(showValue).join(' '),
      );
      return `brings you closer to "${text('goal')}"${steps.length > 0 ? `: ${steps.join(', ')}` : ''}`;
    }
    case 'next':
      return `${text('learners')} of ${text('of')} learners who took ${text('because')} took this later`;
    case 'prereq':
      return `opens the way to ${text('unlocks')}`;
    case 'content':
      return `its text mentions ${text('words')}`;
    case 'popular':
      return `${text('learners')} people have taken it`;
    case 'exploration':
      return `is a look beyond the best matches, one of ${text('among')} further courses that fit`;
    case 'recent':
      return `was updated on ${text('updated')}`;
    default:
      return undefined;
  }
}

function conditionText(
  field: string,
  view: CourseView,
  request: LearnerRequest,
): string | undefined {
  if (field === view.minutes?.field) {
    const hours = round(view.minutes.value / 60);
    const pace = request.hoursPerWeek;
    const weeks = pace === undefined ? undefined : Math.ceil(hours / pace);
    const atPace =
      weeks === undefined || pace === undefined
        ? ''
        : `, ${weeks} week${weeks === 1 ? '' : 's'} at ${hoursText(pace)} a week`;
    return `takes ${hoursText(hours)}${atPace}`;
  }
  if (field === view.weeklyHours?.field)
    return `asks for ${hoursText(view.weeklyHours.value)} a week`;
  if (field === view.price?.field) {
    const { amount, currency } = view.price.value;
    return amount === 0
      ? 'is free'
      : `costs ${amount}${currency === undefined ? '' : ` ${currency}`}`;
  }
  if (field === view.languages?.field)
    return `is in ${view.languages.value.map(languageName).join(', ')}`;
  return undefined;
}

/** How the conditions of the request hold for a course, field by field. Only what the person asked about is said. */
export function conditionReasons(
  course: CourseEvidence,
  request: LearnerRequest,
): readonly Reason[] {
  const view = viewCourse(course);
  const fields = [
    request.level !== undefined && view.level?.field,
    (request.hoursPerWeek !== undefined || request.maxHours !== undefined) && view.minutes?.field,
    request.hoursPerWeek !== undefined && view.weeklyHours?.field,
    request.languages.length > 0 && view.languages?.field,
    request.budget !== undefined && view.price?.field,
  ];
  return fields.flatMap((field) => {
    const value = typeof field === 'string' ? course.fields[field] : undefined;
    if (typeof field !== 'string' || value === undefined) return [];
    const claim: Claim = { field, value };
    return [{ field, value, course: course.id, text: renderReason(claim, course, request) }];
  });
}

const MAX_WORDING = 300;

/**
 * Whether a planner's own wording of a claim may be shown: one line, it has the cited value in it, and every number in
 * it is a number of the value or of the request. Other words are the planner's; they are not checked.
 */
export function isGroundedWording(text: string, claim: Claim, request: LearnerRequest): boolean {
  if (text.trim() === '' || text.length > MAX_WORDING || /\p{Cc}/u.test(text)) return false;
  const value = showValue(claim.value);
  if (!text.toLowerCase().includes(value.toLowerCase())) return false;
  const known = new Set(numbersIn(`${value} ${request.text}`));
  return numbersIn(text).every((number) => known.has(number));
}

function numbersIn(text: string): readonly string[] {
  return text.match(/\d+(?:[.,]\d+)?/g) ?? [];
}

function showValue(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(showValue).join(', ');
  return (
    nameOf(value, ['label', 'name', 'skill', 'title', 'text', 'course', 'id']) ??
    JSON.stringify(value)
  );
}

function hoursText(hours: number): string {
  return `${hours} hour${hours === 1 ? '' : 's'}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
