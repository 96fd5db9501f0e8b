import { describe, expect, it } from 'vitest';
import { viewCourse } from '../../src/agent/course-view.js';
import { collectCourses, mergeEvidence, structuredOf } from '../../src/agent/evidence.js';
import type { JsonObject } from '../../src/shared/json.js';

const sql = { id: 'sql', title: 'SQL' };

const view = (fields: JsonObject): ReturnType<typeof viewCourse> =>
  viewCourse({ id: 'x', title: 'X', fields: { id: 'x', title: 'X', ...fields }, foundBy: [] });

describe('courses out of tool answers', () => {
  const shapes: readonly [string, JsonObject][] = [
    ['a list under courses', { courses: [sql] }],
    ['a list under results', { results: [sql] }],
    ['entries that wrap the course', { recommendations: [{ course: sql, score: 0.9 }] }],
    ['one course under course', { course: sql }],
    ['the course itself', sql],
    ['other names of id and title', { items: [{ course_id: 'sql', name: 'SQL' }] }],
  ];
  it.each(shapes)('are read from %s', (_name, structured) => {
    expect(collectCourses(structured, 'search_courses', 'q')).toMatchObject([
      { id: 'sql', title: 'SQL', foundBy: [{ tool: 'search_courses', query: 'q', rank: 1 }] },
    ]);
  });

  it.each([
    [{ courses: [{ id: 'sql' }, { title: 'SQL' }, 'sql', null, 7] }],
    [{ message: 'none' }],
  ])('leave out what is no course (%j)', (structured) => {
    expect(collectCourses(structured, 'search_courses', 'q')).toEqual([]);
  });

  it('are at most a hundred of one answer', () => {
    const courses = Array.from({ length: 500 }, (_, at) => ({ id: `c${at}`, title: `C ${at}` }));
    expect(collectCourses({ courses }, 'search_courses', 'q')).toHaveLength(100);
  });

  it('come from text that is JSON when there is no structured content, and from no other text', () => {
    const text = JSON.stringify([sql]);
    expect(structuredOf({ structured: undefined, text, isError: false })).toEqual({ items: [sql] });
    expect(
      structuredOf({ structured: undefined, text: 'SQL (sql)', isError: false }),
    ).toBeUndefined();
  });

  it('keep a fuller answer when a card after it says less', () => {
    const full = collectCourses(
      { ...sql, prerequisites: ['basics'], level: 'beginner' },
      'get_course',
      'sql',
    );
    const card = collectCourses(
      { courses: [{ ...sql, prerequisites: null, level: 'advanced' }] },
      'search_courses',
      'q',
    );
    const merged = mergeEvidence(mergeEvidence({}, full), card);
    expect(merged['sql']?.fields).toMatchObject({ prerequisites: ['basics'], level: 'advanced' });
    expect(merged['sql']?.foundBy.map(({ tool }) => tool)).toEqual([
      'get_course',
      'search_courses',
    ]);
  });
});

describe('the fields of a course', () => {
  it.each<[JsonObject, number | undefined]>([
    [{ durationMinutes: 90 }, 90],
    [{ duration_min: 90 }, 90],
    [{ hours: 1.5 }, 90],
    [{ hours: 'some' }, undefined],
    [{}, undefined],
  ])('give the minutes of %j', (fields, minutes) => {
    expect(view(fields).minutes?.value).toBe(minutes);
  });

  it.each<[JsonObject, { amount: number; currency: string | undefined } | undefined]>([
    [
      { priceMinor: 4900, currency: 'EUR' },
      { amount: 49, currency: 'EUR' },
    ],
    [
      { price: 49, currency: 'EUR' },
      { amount: 49, currency: 'EUR' },
    ],
    [{ price: { amount: 49, currency: 'EUR' } }, { amount: 49, currency: 'EUR' }],
    [{ price: 'free' }, { amount: 0, currency: undefined }],
    [{ price: '49.00 EUR' }, { amount: 49, currency: 'EUR' }],
    [{ price: 'on request' }, undefined],
  ])('give the price of %j', (fields, price) => {
    expect(view(fields).price?.value).toEqual(price);
  });

  it('give hard prerequisites alone, whichever way they are written', () => {
    const prerequisites = [
      'a',
      { course: 'b', kind: 'hard' },
      { id: 'c' },
      { id: 'd', kind: 'soft' },
    ];
    expect(view({ prerequisites }).prerequisites?.value).toEqual(['a', 'b', 'c']);
  });

  it('give the weekly load from weeks and hours when it is not stated', () => {
    expect(view({ hours: 36, weeks: 9 }).weeklyHours?.value).toBe(4);
  });

  it.each<[JsonObject, number | undefined]>([
    [{ level: 'Beginner' }, 0],
    [{ level: 'expert' }, 3],
    [{ level: 2 }, 2],
    [{ difficulty: 'introductory' }, 0],
    [{ level: 'wizard' }, undefined],
  ])('give the level of %j', (fields, level) => {
    expect(view(fields).level?.value).toBe(level);
  });
});
