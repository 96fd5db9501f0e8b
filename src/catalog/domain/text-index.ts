import { analyze, foldPhrase, primaryLanguage } from './analysis.js';
import type { CourseRecord } from './course.js';
import type { QueryWord } from './ports.js';

/** BM25F parameters: how fast repetition stops to count, and how much length does. */
const K1 = 1.2;
const B = 0.6;

/** Where a word of a course may stand, and what it weighs there. */
const FIELD_WEIGHTS = {
  title: 5,
  skills: 3,
  subject: 2,
  summary: 2,
  provider: 1,
  description: 1,
} as const;
export type Field = keyof typeof FIELD_WEIGHTS;

const LEXICON_FIELDS: ReadonlySet<Field> = new Set(['title', 'skills', 'subject']);
/** English in most vocabularies, whatever the course is taught in. */
const ENGLISH_FIELDS: ReadonlySet<Field> = new Set(['skills', 'subject']);

/** What the index keeps of one course. */
export interface CourseTerms {
  /** Index term to weighted frequency. */
  readonly terms: ReadonlyMap<string, number>;
  /** Words in all fields, unweighted. */
  readonly length: number;
  /** Surface forms of title, skills, subject and level, for typo correction and prefixes. */
  readonly words: ReadonlySet<string>;
}

function textOfField(
  course: Omit<CourseRecord, 'description'> & { description?: string },
  field: Field,
): string {
  switch (field) {
    case 'skills':
      return course.teaches.map(({ skill }) => skill.replaceAll('-', ' ')).join(' , ');
    case 'subject':
      return `${course.subject} , ${course.level}`;
    case 'title':
    case 'summary':
    case 'provider':
      return course[field];
    case 'description':
      return course.description ?? '';
    default:
      return field satisfies never;
  }
}

export function termsOfCourse(course: CourseRecord): CourseTerms {
  const languages = [primaryLanguage(course.language)];
  const terms = new Map<string, number>();
  const words = new Set<string>();
  let length = 0;
  for (const [field, weight] of Object.entries(FIELD_WEIGHTS) as [Field, number][]) {
    const fieldLanguages = ENGLISH_FIELDS.has(field)
      ? [...new Set([...languages, 'en'])]
      : languages;
    for (const token of analyze(textOfField(course, field), fieldLanguages)) {
      length += 1;
      for (const term of new Set([token.surface, ...token.stems])) {
        terms.set(term, (terms.get(term) ?? 0) + weight);
      }
      if (LEXICON_FIELDS.has(field)) words.add(token.surface);
    }
  }
  return { terms, length, words };
}

/** The part of BM25F that does not depend on the query: saturated, length-normalised frequency. */
export function impactOf(weightedFrequency: number, length: number, averageLength: number): number {
  const norm = K1 * (1 - B + (B * length) / Math.max(averageLength, 1));
  return (weightedFrequency * (K1 + 1)) / (weightedFrequency + norm);
}

/** The part that depends on the word: rare words weigh more. Never negative. */
export function inverseFrequency(documents: number, withTerm: number): number {
  return Math.log(1 + (documents - withTerm + 0.5) / (withTerm + 0.5));
}

/** The terms that stand for one word of a query: the word itself, and its stem a little weaker. */
export function queryWordOf(surface: string, stems: readonly string[]): QueryWord {
  return {
    terms: [{ term: surface, weight: 1 }, ...stems.map((term) => ({ term, weight: 0.9 }))],
  };
}

/** In which fields of the course a word of the query occurs. Re-read from the text: the index does not keep it. */
export function fieldsWith(course: CourseRecord, word: QueryWord): Field[] {
  const wanted = new Set(word.terms.map(({ term }) => term));
  const languages = [...new Set([primaryLanguage(course.language), 'en'])];
  return (Object.keys(FIELD_WEIGHTS) as Field[]).filter((field) =>
    analyze(textOfField(course, field), languages).some(
      (token) => wanted.has(token.surface) || token.stems.some((stem) => wanted.has(stem)),
    ),
  );
}

/** The folded spellings under which a label is found. */
export function surfacesOf(label: string, aliases: readonly string[]): Map<string, string> {
  const surfaces = new Map<string, string>();
  for (const text of [label, ...aliases]) {
    const surface = foldPhrase(text);
    if (surface !== '' && !surfaces.has(surface)) surfaces.set(surface, text);
  }
  return surfaces;
}
