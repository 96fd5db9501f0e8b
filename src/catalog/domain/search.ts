import { type Result, err, ok } from '../../shared/result.js';
import { type Token, analyze, fold, primaryLanguage, splitWords } from './analysis.js';
import type { Course } from './course.js';
import { type CursorRejection, type CursorSecret, formatCursor, parseCursor } from './cursor.js';
import type { CourseFilters, CourseStore, IndexPage, QueryWord } from './ports.js';
import type { Scope } from './scope.js';
import { type Field, fieldsWith, queryWordOf } from './text-index.js';
import { correctWord } from './typo.js';

const MAX_WORDS = 24;
const MAX_COMPLETIONS = 20;
const MIN_PREFIX_LENGTH = 3;

export interface SearchRequest {
  /** Empty or absent: every course that passes the filters, most enrolled first. */
  readonly query?: string | undefined;
  readonly filters: CourseFilters;
  /** 1 to 50. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface SearchHit {
  readonly course: Course;
  /** Which words of the query were found, and where. */
  readonly matched: readonly { readonly word: string; readonly fields: readonly Field[] }[];
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  readonly total: number;
  readonly facets: IndexPage['facets'];
  /** Words that the catalog does not have and that were read as another one: a typo, a beginning, another name. */
  readonly corrected: readonly { readonly from: string; readonly to: string }[];
  /** Words that occur nowhere and are near nothing. */
  readonly unknown: readonly string[];
  readonly nextCursor: string | undefined;
  /** When nothing was found: how many courses there would be without one of the filters. */
  readonly without: readonly { readonly filter: keyof CourseFilters; readonly total: number }[];
}

interface ReadWord {
  /** As shown to people: the word, or what it was corrected to. */
  readonly word: string;
  readonly query: QueryWord;
}

interface ReadQuery {
  readonly words: readonly ReadWord[];
  readonly corrected: { from: string; to: string }[];
  readonly unknown: string[];
}

/**
 * Ranks the visible courses by the words of the query (BM25F; any word may match) and pages through the result.
 *
 * @returns `err` only for a cursor that is not one of ours, or belongs to another tenant, query or filter
 */
export async function searchCourses(
  store: CourseStore,
  secret: CursorSecret,
  scope: Scope,
  request: SearchRequest,
): Promise<Result<SearchResult, CursorRejection>> {
  const filters = normaliseFilters(request.filters);
  const identity = [
    request.query?.trim() ?? '',
    Object.entries(filters).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
  const after =
    request.cursor === undefined
      ? ok(undefined)
      : parseCursor(secret, scope, identity, request.cursor);
  if (!after.ok) return err(after.error);

  const read = await readQuery(store, scope, request.query ?? '');
  const words = read.words.map(({ query }) => query);
  const page = await store.searchIndex(scope, {
    words,
    filters,
    after: after.value,
    limit: request.limit + 1,
  });
  const shown = page.hits.slice(0, request.limit);
  const last = shown.at(-1);
  const courses = await store.getCourses(
    scope,
    shown.map((hit) => hit.id),
  );
  return ok({
    hits: courses.map((course) => ({ course, matched: matchedWords(course, read.words) })),
    total: page.total,
    facets: page.facets,
    corrected: read.corrected,
    unknown: read.unknown,
    nextCursor:
      page.hits.length > shown.length && last !== undefined
        ? formatCursor(secret, scope, identity, last)
        : undefined,
    without: page.total === 0 ? await countWithout(store, scope, words, filters) : [],
  });
}

/** The words of a text as the index knows them, without paging and filters: for candidates of a recommendation. */
export async function readWords(
  store: CourseStore,
  scope: Scope,
  text: string,
): Promise<readonly { readonly word: string; readonly query: QueryWord }[]> {
  return (await readQuery(store, scope, text)).words;
}

export function matchedWords(
  course: Course,
  words: readonly ReadWord[],
): { word: string; fields: Field[] }[] {
  return words
    .map(({ word, query }) => ({ word, fields: fieldsWith(course, query) }))
    .filter(({ fields }) => fields.length > 0);
}

async function readQuery(store: CourseStore, scope: Scope, query: string): Promise<ReadQuery> {
  const languages = [...new Set([...(await store.languages(scope)), 'en'])];
  const tokens = uniqueTokens(query, languages);
  const known = await store.knownTerms(
    scope,
    tokens.flatMap((token) => [token.surface, ...token.stems]),
  );
  const read: ReadQuery & { words: ReadWord[] } = { words: [], corrected: [], unknown: [] };
  for (const [index, token] of tokens.entries()) {
    const isKnown = [token.surface, ...token.stems].some((term) => known.has(term));
    const word = isKnown
      ? { word: token.surface, query: queryWordOf(token.surface, token.stems) }
      : ((index === tokens.length - 1 ? await completeWord(store, scope, token) : undefined) ??
        (await namedSkill(store, scope, token, languages)) ??
        (await correctedWord(store, scope, token, languages)));
    if (word === undefined) {
      read.unknown.push(token.surface);
      read.words.push({ word: token.surface, query: queryWordOf(token.surface, token.stems) });
      continue;
    }
    read.words.push(word);
    if (!isKnown) read.corrected.push({ from: token.surface, to: word.word });
  }
  return read;
}

function uniqueTokens(query: string, languages: readonly string[]): Token[] {
  const analyzed = analyze(query, languages);
  // A query of stop words alone still means something: "who", "how to".
  const tokens =
    analyzed.length > 0
      ? analyzed
      : splitWords(query).map((word) => ({ surface: fold(word), stems: [] }));
  return [...new Map(tokens.map((token) => [token.surface, token])).values()].slice(0, MAX_WORDS);
}

/** Reads the last word as the start of one, as people type it. */
async function completeWord(
  store: CourseStore,
  scope: Scope,
  token: Token,
): Promise<ReadWord | undefined> {
  if (token.surface.length < MIN_PREFIX_LENGTH) return undefined;
  const completions = await store.wordsStartingWith(scope, token.surface, MAX_COMPLETIONS);
  if (completions.length === 0) return undefined;
  return {
    word: `${token.surface}…`,
    query: { terms: completions.map(({ word }) => ({ term: word, weight: 1 })) },
  };
}

/** A word that the vocabulary knows as another name of a skill: `docker` for containers. */
async function namedSkill(
  store: CourseStore,
  scope: Scope,
  token: Token,
  languages: readonly string[],
): Promise<ReadWord | undefined> {
  const [named] = await store.skillsNamed(scope, [token.surface]);
  if (named === undefined) return undefined;
  const words = analyze(named.record.label, languages);
  const terms = words.flatMap(({ surface, stems }) => queryWordOf(surface, stems).terms);
  return { word: named.record.label, query: { terms } };
}

async function correctedWord(
  store: CourseStore,
  scope: Scope,
  token: Token,
  languages: readonly string[],
): Promise<ReadWord | undefined> {
  const { surface } = token;
  if (surface.length < 3 || /\p{N}/u.test(surface)) return undefined;
  const reach = surface.length <= 4 ? 1 : 2;
  const near = await store.wordsOfLength(scope, surface.length - reach, surface.length + reach);
  const word = correctWord(surface, near);
  if (word === undefined) return undefined;
  const stems = analyze(word, languages).flatMap((corrected) => corrected.stems);
  return { word, query: queryWordOf(word, stems) };
}

function normaliseFilters(filters: CourseFilters): CourseFilters {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  const { language } = filters;
  return {
    ...(Object.fromEntries(given) as CourseFilters),
    ...(language !== undefined && { language: primaryLanguage(language) }),
  };
}

async function countWithout(
  store: CourseStore,
  scope: Scope,
  words: readonly QueryWord[],
  filters: CourseFilters,
): Promise<SearchResult['without']> {
  const counts: { filter: keyof CourseFilters; total: number }[] = [];
  for (const filter of Object.keys(filters) as (keyof CourseFilters)[]) {
    const relaxed = { ...filters, [filter]: undefined };
    const page = await store.searchIndex(scope, { words, filters: relaxed, limit: 1 });
    if (page.total > 0) counts.push({ filter, total: page.total });
  }
  return counts;
}
