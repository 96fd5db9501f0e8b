import { type JsonObject, type JsonValue, isJsonObject } from '../shared/json.js';
import type { CourseEvidence } from './evidence.js';
import { type Found, nameOf, pick, pickArray, pickNumber, pickString } from './json-view.js';

/** A course's fields under the names that servers commonly give them. Absent means: the tools did not say. */
export interface CourseView {
  readonly id: string;
  readonly title: string;
  /** Texts that say what the course is about, most telling first. */
  readonly texts: readonly Found<string>[];
  readonly teaches: Found<readonly string[]> | undefined;
  /** 0 beginner to 3 expert. */
  readonly level: Found<number> | undefined;
  /** Primary subtags, lower case. */
  readonly languages: Found<readonly string[]> | undefined;
  readonly minutes: Found<number> | undefined;
  /** Hours a week that a course with fixed dates asks for. */
  readonly weeklyHours: Found<number> | undefined;
  readonly price:
    | Found<{ readonly amount: number; readonly currency: string | undefined }>
    | undefined;
  /** Courses that have to be completed first; those that only help are left out. */
  readonly prerequisites: Found<readonly string[]> | undefined;
  readonly isRetired: boolean;
  readonly url: string | undefined;
}

const LEVEL_WORDS = ['beginner', 'intermediate', 'advanced', 'expert'];
const LEVEL_SYNONYMS: Readonly<Record<string, number>> = {
  introductory: 0,
  basic: 0,
  foundation: 0,
  novice: 0,
  medium: 1,
  professional: 2,
};
const SKILL_NAMES = ['label', 'name', 'skill', 'id', 'title'];

export function viewCourse(evidence: CourseEvidence): CourseView {
  const { fields } = evidence;
  const teaches = pickArray(fields, ['teaches', 'skills', 'skillsTaught', 'skills_taught']);
  return {
    id: evidence.id,
    title: evidence.title,
    texts: ['title', 'name', 'subject', 'summary', 'description'].flatMap((name) => {
      const text = pickString(fields, [name]);
      return text === undefined ? [] : [text];
    }),
    teaches: teaches && {
      field: teaches.field,
      value: teaches.value
        .map((entry) => nameOf(entry, SKILL_NAMES))
        .filter((skill) => skill !== undefined),
    },
    level: readLevel(fields),
    languages: readLanguages(fields),
    minutes: readMinutes(fields),
    weeklyHours: readWeeklyHours(fields),
    price: readPrice(fields),
    prerequisites: readPrerequisites(fields),
    isRetired: pickString(fields, ['status'])?.value === 'retired',
    url: pickString(fields, ['url', 'link'])?.value,
  };
}

function readLevel(fields: JsonObject): Found<number> | undefined {
  const level = pick(fields, ['level', 'difficulty']);
  if (level === undefined) return undefined;
  if (typeof level.value === 'number') return { field: level.field, value: level.value };
  if (typeof level.value !== 'string') return undefined;
  const word = level.value.toLowerCase();
  const index = LEVEL_WORDS.indexOf(word);
  const value = index >= 0 ? index : LEVEL_SYNONYMS[word];
  return value === undefined ? undefined : { field: level.field, value };
}

function readLanguages(fields: JsonObject): Found<readonly string[]> | undefined {
  const found = pick(fields, ['language', 'languages', 'inLanguage', 'lang']);
  if (found === undefined) return undefined;
  const tags = (Array.isArray(found.value) ? found.value : [found.value]).filter(
    (tag): tag is string => typeof tag === 'string',
  );
  if (tags.length === 0) return undefined;
  return { field: found.field, value: tags.map((tag) => tag.toLowerCase().split('-')[0] ?? '') };
}

function readMinutes(fields: JsonObject): Found<number> | undefined {
  const minutes = pickNumber(fields, [
    'durationMinutes',
    'duration_minutes',
    'durationMin',
    'duration_min',
    'minutes',
  ]);
  if (minutes !== undefined) return minutes;
  const hours = pickNumber(fields, ['durationHours', 'duration_hours', 'hours', 'totalHours']);
  return hours && { field: hours.field, value: hours.value * 60 };
}

function readWeeklyHours(fields: JsonObject): Found<number> | undefined {
  const hours = pickNumber(fields, [
    'weeklyHours',
    'weekly_hours',
    'hoursPerWeek',
    'hours_per_week',
  ]);
  if (hours !== undefined) return hours;
  const weeks = pickNumber(fields, ['weeks']);
  const minutes = readMinutes(fields);
  if (weeks === undefined || minutes === undefined || weeks.value <= 0) return undefined;
  return { field: weeks.field, value: Math.round((minutes.value / 60 / weeks.value) * 10) / 10 };
}

function readPrice(fields: JsonObject): CourseView['price'] {
  const currency = pickString(fields, ['currency'])?.value;
  const minor = pickNumber(fields, ['priceMinor', 'price_minor']);
  if (minor !== undefined) {
    return { field: minor.field, value: { amount: minor.value / 100, currency } };
  }
  const found = pick(fields, ['price', 'cost']);
  if (found === undefined) return undefined;
  if (typeof found.value === 'number') {
    return { field: found.field, value: { amount: found.value, currency } };
  }
  if (typeof found.value === 'string') return readPriceText(found.field, found.value, currency);
  if (!isJsonObject(found.value)) return undefined;
  const amount = pickNumber(found.value, ['amount', 'value']);
  return (
    amount && {
      field: found.field,
      value: {
        amount: amount.value,
        currency: pickString(found.value, ['currency'])?.value ?? currency,
      },
    }
  );
}

/** "free", "39.00 EUR", "EUR 39": what people read is what some servers send. */
function readPriceText(
  field: string,
  text: string,
  currency: string | undefined,
): CourseView['price'] {
  if (/^free$/i.test(text.trim())) return { field, value: { amount: 0, currency } };
  const amount = /\d+(?:\.\d{1,2})?/.exec(text)?.[0];
  if (amount === undefined) return undefined;
  return {
    field,
    value: { amount: Number(amount), currency: /\b[A-Z]{3}\b/.exec(text)?.[0] ?? currency },
  };
}

const isHard = (entry: JsonValue): boolean =>
  !isJsonObject(entry) || pickString(entry, ['kind', 'type'])?.value !== 'soft';

function readPrerequisites(fields: JsonObject): Found<readonly string[]> | undefined {
  const found = pickArray(fields, ['prerequisites', 'prerequisiteCourses', 'prerequisite_courses']);
  if (found === undefined) return undefined;
  return {
    field: found.field,
    value: found.value
      .filter(isHard)
      .map((entry) => nameOf(entry, ['course', 'courseId', 'course_id', 'id']))
      .filter((id) => id !== undefined),
  };
}
