import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseCourseRecord } from '../../src/catalog/domain/course.js';
import { SampleDataError, seedSampleCatalog } from '../../src/catalog/sample.js';
import { SHARED_TENANT } from '../../src/catalog/domain/scope.js';
import { DATA_FOLDER, clock, emptyStore, sampleStore } from './support.js';

const lines = (file: string): Record<string, unknown>[] =>
  readFileSync(join(DATA_FOLDER, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const records = ['courses', 'courses-alderbrook', 'courses-tessera']
  .flatMap((name) => lines(`${name}.ndjson`))
  .map((line) => {
    const parsed = parseCourseRecord(line, 'sample');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return parsed.value;
  });
const byId = new Map(records.map((record) => [record.id, record]));
const empty = mkdtempSync(join(tmpdir(), 'catalog-sample-'));

afterAll(() => rmSync(empty, { recursive: true }));

describe('the sample catalog', () => {
  it('has at least 60 courses with unique ids, in three languages and at least eight subjects', () => {
    expect(records.length).toBeGreaterThanOrEqual(60);
    expect(byId.size).toBe(records.length);
    expect(new Set(records.map((record) => record.language))).toEqual(new Set(['en', 'de', 'es']));
    expect(new Set(records.map((record) => record.subject)).size).toBeGreaterThanOrEqual(8);
  });

  it('names only prerequisites that exist, without a cycle', () => {
    const visit = (id: string, path: readonly string[]): void => {
      expect(path, `cycle at ${id}`).not.toContain(id);
      const record = byId.get(id as never);
      expect(record, id).toBeDefined();
      for (const need of record?.prerequisites ?? []) visit(need.course, [...path, id]);
    };
    for (const record of records) visit(record.id, []);
  });

  it('lets a nurse reach the data analyst capstone within 4 hours a week', () => {
    const visit = (id: string): void => {
      const record = byId.get(id as never);
      if (record?.weeks !== undefined) {
        expect(record.durationMinutes / 60 / record.weeks).toBeLessThanOrEqual(4);
      }
      for (const need of record?.prerequisites ?? []) {
        if (need.kind === 'hard') visit(need.course);
      }
    };
    visit('data-analyst-capstone');
  });

  it('has histories that take no course before its hard prerequisites', () => {
    for (const { courses } of lines('histories.ndjson')) {
      const taken = courses as string[];
      for (const [index, id] of taken.entries()) {
        for (const need of byId.get(id as never)?.prerequisites ?? []) {
          if (need.kind === 'hard') expect(taken.slice(0, index), id).toContain(need.course);
        }
      }
    }
  });

  it('loads in well under a second, and a second load changes nothing', async () => {
    const { store, database } = emptyStore();
    const started = performance.now();
    const first = await seedSampleCatalog(store, { dataFolder: DATA_FOLDER, clock });
    expect(performance.now() - started).toBeLessThan(3000);
    const dump = (): unknown =>
      ['course', 'posting', 'course_next', 'enrollment', 'activity', 'learner_goal'].map((table) =>
        database.all(`SELECT * FROM ${table}`),
      );
    const before = dump();
    expect(await seedSampleCatalog(store, { dataFolder: DATA_FOLDER, clock })).toEqual(first);
    expect(dump()).toEqual(before);
    expect(first.courses).toBe(records.length);
    expect(first.learners.map(({ subject }) => subject)).toEqual([
      'demo-nora',
      'demo-milan',
      'demo-aiko',
      'demo-jonas',
      'demo-lucia',
      'demo-sam',
    ]);
  });

  it('leaves what a demo learner did since in place', async () => {
    const { store } = await sampleStore();
    const nora = { tenant: 'alderbrook', issuer: 'local', subject: 'demo-nora' };
    await store.learners.save(nora, { weeklyHours: 9 }, 1);
    await seedSampleCatalog(store, { dataFolder: DATA_FOLDER, clock });
    expect((await store.learners.find(nora))?.weeklyHours).toBe(9);
  });

  it('says which file is missing', async () => {
    const { store } = emptyStore();
    const seeding = seedSampleCatalog(store, { dataFolder: empty, clock });
    await expect(seeding).rejects.toThrow(SampleDataError);
    await expect(seeding).rejects.toThrow(/skills\.ndjson" is missing/);
  });
});

describe('a delivered course record', () => {
  it.each([
    ['no title', { title: undefined }, 'title'],
    ['an unknown level', { level: 'easy' }, 'level'],
    ['a level of a skill beyond 5', { teaches: { sql: 9 } }, 'teaches.sql'],
    ['an id with a space', { id: 'two words' }, 'id'],
    ['a link that is no web address', { url: 'javascript:alert(1)' }, 'url'],
    ['a negative price', { price: -1 }, 'price'],
    ['a field that nobody knows', { colour: 'red' }, ''],
  ])('is refused for %s, and the field is named', (_, change, field) => {
    const [line] = lines('courses.ndjson');
    const parsed = parseCourseRecord({ ...line, ...change }, 'test');
    expect(parsed.ok).toBe(false);
    expect(!parsed.ok && parsed.error.map((problem) => problem.field)).toContain(field);
  });

  it("brings the people alone, without a history, beside courses of one's own", async () => {
    const own = parseCourseRecord(
      {
        id: 'own-1',
        title: 'Own',
        provider: 'P',
        subject: 's',
        level: 'beginner',
        language: 'en',
        duration_min: 60,
      },
      'own-feed',
    );
    if (!own.ok) throw new Error('the record is not usable');
    const { store } = emptyStore();
    await store.courses.importCourses({ tenant: SHARED_TENANT }, [own.value], { at: 1 });
    const { courses, learners } = await seedSampleCatalog(store, {
      dataFolder: DATA_FOLDER,
      clock,
    });
    expect(courses).toBe(0);
    expect(learners).toHaveLength(6);
    const scope = { tenant: 'alderbrook', issuer: 'local', subject: 'demo-nora' };
    expect((await store.learners.find(scope))?.displayName).toBe('Nora Winkler');
    expect(await store.learners.history(scope)).toEqual([]);
  });
});
