import { beforeAll, describe, expect, it } from 'vitest';
import type { CourseFilters } from '../../src/catalog/domain/ports.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import { type SearchResult, searchCourses } from '../../src/catalog/domain/search.js';
import { CURSOR_SECRET, courseRecord, emptyStore, sampleStore } from './support.js';

const scope = { tenant: 'alderbrook' };
let store: CatalogStore;

beforeAll(async () => {
  ({ store } = await sampleStore());
});

async function search(
  query: string,
  filters: CourseFilters = {},
  page: { limit?: number; cursor?: string | undefined } = {},
): Promise<SearchResult> {
  const found = await searchCourses(store.courses, CURSOR_SECRET, scope, {
    query,
    filters,
    limit: page.limit ?? 10,
    cursor: page.cursor,
  });
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

const ids = (result: SearchResult): string[] => result.hits.map((hit) => hit.course.id);

describe('search relevance on the sample catalog', () => {
  it('finds every course first, or nearly, by its exact title', async () => {
    const all = await search('', {}, { limit: 50 });
    const rest = await search('', {}, { limit: 50, cursor: all.nextCursor });
    const courses = [...all.hits, ...rest.hits].map((hit) => hit.course);
    expect(courses).toHaveLength(87);
    for (const course of courses) {
      expect(ids(await search(course.title)).slice(0, 3), course.title).toContain(course.id);
    }
  });

  it.each([
    ['pyhton basics', 'python-basics', { from: 'pyhton', to: 'python' }],
    ['statitics', 'statistics-foundations', { from: 'statitics', to: 'statistics' }],
    ['kuberntes', 'kubernetes-operations', { from: 'kuberntes', to: 'kubernetes' }],
    ['spredsheet basics', 'spreadsheet-basics', { from: 'spredsheet', to: 'spreadsheet' }],
    ['docker', 'containers-in-practice', { from: 'docker', to: 'Containers' }],
  ])('mends %s and says so', async (query, expected, corrected) => {
    const result = await search(query);
    expect(ids(result)).toContain(expected);
    expect(result.corrected).toContainEqual(corrected);
  });

  it.each([
    ['talking to patients', 'patient-communication'],
    ['programacion', 'introduccion-a-python'],
    ['Tabellenkalkulation', 'tabellen-grundlagen'],
    ['c++', 'cpp-modern'],
    ['c#', 'csharp-basics'],
    ['I want to learn how to lead a small team', 'leading-small-teams'],
    ['pyth', 'python-basics'],
  ])('answers %s with %s', async (query, expected) => {
    expect(ids(await search(query)).slice(0, 4)).toContain(expected);
  });

  it('says which words matched and where', async () => {
    const { hits } = await search('sql basics');
    expect(hits[0]?.course.id).toBe('sql-basics');
    expect(hits[0]?.matched).toEqual([
      { word: 'sql', fields: expect.arrayContaining(['title', 'skills']) },
      { word: 'basics', fields: ['title'] },
    ]);
  });

  it('reports a word that occurs nowhere', async () => {
    const result = await search('sql xqzzwv');
    expect(result.unknown).toEqual(['xqzzwv']);
    expect(ids(result)).toContain('sql-basics');
  });

  it.each<[string, CourseFilters, (result: SearchResult) => void]>([
    ['level', { level: 'expert' }, (r) => expect(ids(r)).toEqual(['machine-learning-practice'])],
    [
      'language, also with a region',
      { language: 'de-AT' },
      (r) => expect(r.hits.every((hit) => hit.course.language === 'de')).toBe(true),
    ],
    [
      'provider, whatever its case',
      { provider: 'studio SECHS' },
      (r) => expect(r.hits.every((hit) => hit.course.provider === 'Studio Sechs')).toBe(true),
    ],
    ['skill', { skill: 'sql' as never }, (r) => expect(new Set(ids(r))).toContain('data-modeling')],
    [
      'price',
      { maxPriceMinor: 0 },
      (r) => expect(r.hits.every((h) => h.course.priceMinor === 0)).toBe(true),
    ],
    [
      'duration',
      { maxMinutes: 240 },
      (r) => expect(r.hits.every((hit) => hit.course.durationMinutes <= 240)).toBe(true),
    ],
    ['format', { format: 'classroom' }, (r) => expect(ids(r)).toEqual(['wound-care'])],
  ])('filters by %s', async (_, filters, check) => {
    const result = await search('', filters);
    expect(result.total).toBeGreaterThan(0);
    check(result);
  });

  it('says what would be there without a filter when nothing passes', async () => {
    const result = await search('kubernetes', { level: 'beginner', maxPriceMinor: 1 });
    expect(result.total).toBe(0);
    const alone = await search('kubernetes', { language: 'de' });
    expect(alone.without).toEqual([{ filter: 'language', total: expect.any(Number) }]);
  });

  it('counts facets over the whole result, not the page', async () => {
    const result = await search('data', {}, { limit: 1 });
    const sum = result.facets.level.reduce((total, { count }) => total + count, 0);
    expect(sum).toBe(result.total);
    expect(result.total).toBeGreaterThan(1);
  });

  it('takes stop words alone as words', async () => {
    await expect(search('how to')).resolves.toBeDefined();
  });
});

describe('pages', () => {
  it.each(['', 'data'])(
    'show every course of %j once, in the order of one large page',
    async (query) => {
      const whole = await search(query, {}, { limit: 50 });
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await search(query, {}, { limit: 7, cursor });
        expect(page.total).toBe(whole.total);
        seen.push(...ids(page));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toHaveLength(whole.total);
      expect(seen.slice(0, 50)).toEqual(ids(whole));
    },
  );

  it('go on after a course was added in between', async () => {
    const { store: changing } = await sampleStore();
    const request = { query: 'data', filters: {}, limit: 5 };
    const first = await searchCourses(changing.courses, CURSOR_SECRET, scope, request);
    await changing.courses.importCourses(
      scope,
      [courseRecord({ id: 'zz-new', title: 'Data data data' })],
      { at: 1 },
    );
    if (!first.ok) throw new Error(first.error);
    const second = await searchCourses(changing.courses, CURSOR_SECRET, scope, {
      ...request,
      cursor: first.value.nextCursor,
    });
    expect(second.ok && second.value.hits.length).toBe(5);
  });

  it('refuse a cursor of another query, another filter, another tenant, another secret, or made up', async () => {
    const { nextCursor } = await search('data', {}, { limit: 3 });
    const attempt = async (
      change: { query?: string; filters?: CourseFilters; cursor?: string },
      tenant = 'alderbrook',
      secret = CURSOR_SECRET,
    ): Promise<unknown> => {
      const result = await searchCourses(
        store.courses,
        secret,
        { tenant },
        {
          query: 'data',
          filters: {},
          limit: 3,
          cursor: nextCursor,
          ...change,
        },
      );
      return result.ok ? 'ok' : result.error;
    };
    expect(await attempt({})).toBe('ok');
    expect(await attempt({ query: 'sql' })).toBe('foreign');
    expect(await attempt({ filters: { level: 'beginner' } })).toBe('foreign');
    expect(await attempt({}, 'tessera')).toBe('foreign');
    expect(await attempt({}, 'alderbrook', new Uint8Array(32))).toBe('foreign');
    expect(await attempt({ cursor: 'abc' })).toBe('malformed');
    expect(await attempt({ cursor: '..' })).toBe('malformed');
    const [body] = (nextCursor ?? '').split('.');
    expect(await attempt({ cursor: `${body}.AAAAAAAAAAAAAAAAAAAAAA` })).toBe('foreign');
  });
});

describe('Chinese and Japanese', () => {
  it.each([
    ['机器学习', 'zh-ml'],
    ['学习', 'zh-ml'],
    ['数据分析', 'zh-data'],
    ['データ分析', 'ja-data'],
    ['会話', 'ja-talk'],
  ])('finds %s', async (query, expected) => {
    const { store: cjk } = emptyStore();
    await cjk.courses.importCourses(
      scope,
      [
        courseRecord({ id: 'zh-ml', title: '机器学习入门', language: 'zh' }),
        courseRecord({ id: 'zh-data', title: '数据分析基础', language: 'zh' }),
        courseRecord({ id: 'ja-data', title: 'はじめてのデータ分析', language: 'ja' }),
        courseRecord({ id: 'ja-talk', title: '日本語会話', language: 'ja' }),
      ],
      { at: 1 },
    );
    const found = await searchCourses(cjk.courses, CURSOR_SECRET, scope, {
      query,
      filters: {},
      limit: 1,
    });
    expect(found.ok && ids(found.value)).toEqual([expected]);
  });
});
