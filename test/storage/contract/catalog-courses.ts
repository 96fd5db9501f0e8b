import { describe, expect, it } from 'vitest';
import type { CourseRecord } from '../../../src/catalog/domain/course.js';
import { CourseIdTakenError } from '../../../src/catalog/domain/errors.js';
import type { CatalogStore, IndexQuery } from '../../../src/catalog/domain/ports.js';
import type { CourseId, SkillId } from '../../../src/catalog/domain/scope.js';
import { courseRecord } from '../../catalog/support.js';

const own = { tenant: 'acme' };
const other = { tenant: 'globex' };
const shared = { tenant: '@shared' };
const id = (text: string): CourseId => text as CourseId;

function wordsQuery(...terms: string[]): IndexQuery {
  return {
    words: terms.map((term) => ({ terms: [{ term, weight: 1 }] })),
    filters: {},
    limit: 10,
  };
}

async function* manyRecords(): AsyncGenerator<CourseRecord> {
  for (let index = 0; index < 450; index += 1) {
    yield courseRecord({
      id: `bulk-${String(index).padStart(3, '0')}`,
      title: `Bulk ${index}`,
    });
  }
}

/** What every {@link CatalogStore} has to do with courses. `make` opens one over an empty database. */
export function describeCourseStore(engine: string, make: () => Promise<CatalogStore>): void {
  const full = courseRecord({
    id: 'sql-one',
    title: 'SQL one',
    summary: 'First queries.',
    description: 'Select and join.',
    language: 'en-GB',
    format: 'live-online',
    weeks: 4,
    price: 19.99,
    rating: 4.5,
    rating_count: 7,
    enrol_count: 11,
    url: 'https://courses.test/sql',
    teaches: { sql: 3, databases: 1 },
    requires: { spreadsheets: 1 },
    prerequisites: ['tables', { course: 'logic', kind: 'soft' }],
  });

  describe(`course store on ${engine}`, () => {
    it('gives back every field of a course as it was imported', async () => {
      const { courses } = await make();
      const counts = await courses.importCourses(own, [full], { at: 5000 });
      expect(counts).toEqual({ created: 1, updated: 0, unchanged: 0 });
      expect(await courses.getCourses(own, [id('sql-one')])).toEqual([
        { ...full, updatedAt: 5000 },
      ]);
    });

    it('skips what did not change, updates what did, keyed by source and external id', async () => {
      const { courses } = await make();
      await courses.importCourses(own, [full], { at: 1 });
      const again = await courses.importCourses(own, [full], { at: 2 });
      expect(again).toEqual({ created: 0, updated: 0, unchanged: 1 });
      const changed = { ...full, title: 'Renamed', teaches: [] };
      expect(await courses.importCourses(own, [changed], { at: 3 })).toMatchObject({ updated: 1 });
      const [course] = await courses.getCourses(own, [id('sql-one')]);
      expect(course).toMatchObject({ title: 'Renamed', teaches: [], updatedAt: 3 });
    });

    it('takes records from an async source, in more than one batch', async () => {
      const { courses } = await make();
      expect(await courses.importCourses(own, manyRecords(), { at: 1 })).toMatchObject({
        created: 450,
      });
      const page = await courses.searchIndex(own, wordsQuery('bulk'));
      expect(page.total).toBe(450);
    });

    it('refuses an id that another record has, and keeps nothing of that batch', async () => {
      const { courses } = await make();
      await courses.importCourses(own, [full], { at: 1 });
      const rival = { ...full, externalId: 'other' };
      const fresh = courseRecord({ id: 'fresh' });
      const attempt = courses.importCourses(own, [fresh, rival], { at: 2 });
      await expect(attempt).rejects.toThrow(CourseIdTakenError);
      expect(await courses.getCourses(own, [id('fresh')])).toEqual([]);
    });

    it('finds by index terms, and no longer by terms that an update took away', async () => {
      const { courses } = await make();
      await courses.importCourses(own, [full], { at: 1 });
      expect((await courses.searchIndex(own, wordsQuery('join'))).total).toBe(1);
      await courses.importCourses(own, [{ ...full, description: 'Nothing.' }], { at: 2 });
      expect((await courses.searchIndex(own, wordsQuery('join'))).total).toBe(0);
      expect(await courses.knownTerms(own, ['join', 'sql'])).toEqual(new Set(['sql']));
      expect((await courses.searchIndex(own, wordsQuery('sql'))).total).toBe(1);
    });

    it('keeps the index exact over many updates: nothing twice, nothing left behind', async () => {
      const { courses } = await make();
      for (let round = 0; round < 5; round += 1) {
        const record = { ...full, title: `SQL round${round}` };
        await courses.importCourses(own, [record], { at: round });
      }
      expect(await courses.knownTerms(own, ['round3', 'round4'])).toEqual(new Set(['round4']));
      expect(await courses.wordsStartingWith(own, 'round', 10)).toEqual([
        { word: 'round4', courses: 1 },
      ]);
      expect(await courses.languages(own)).toEqual(['en']);
    });

    it('takes a retired course out of search, and shows it by id', async () => {
      const { courses } = await make();
      await courses.importCourses(own, [full], { at: 1 });
      await courses.importCourses(own, [{ ...full, status: 'retired' }], { at: 2 });
      expect((await courses.searchIndex(own, wordsQuery('sql'))).total).toBe(0);
      expect((await courses.searchIndex(own, wordsQuery())).total).toBe(0);
      expect(await courses.courseIdsStartingWith(own, 'sql', 5)).toEqual([]);
      expect(await courses.getCourses(own, [id('sql-one')])).toMatchObject([{ status: 'retired' }]);
    });

    it('ranks rare words over common ones and titles over descriptions, ties by id', async () => {
      const { courses } = await make();
      await courses.importCourses(
        own,
        [
          courseRecord({ id: 'b-title', title: 'Zebra keeping' }),
          courseRecord({ id: 'a-text', title: 'Animals', description: 'A zebra among others.' }),
          courseRecord({ id: 'c-common', title: 'Keeping animals' }),
          courseRecord({ id: 'd-common', title: 'Keeping animals' }),
        ],
        { at: 1 },
      );
      const zebra = await courses.searchIndex(own, wordsQuery('zebra', 'keeping'));
      expect(zebra.hits.map((hit) => hit.id)).toEqual([
        'b-title',
        'a-text',
        'c-common',
        'd-common',
      ]);
      for (const hit of zebra.hits) expect(Number.isInteger(hit.score)).toBe(true);
      const after = await courses.searchIndex(own, {
        ...wordsQuery('zebra', 'keeping'),
        after: zebra.hits[2],
      });
      expect(after.hits.map((hit) => hit.id)).toEqual(['d-common']);
      expect(after.total).toBe(4);
    });

    it('reads own and shared courses, never those of another tenant', async () => {
      const { courses } = await make();
      await courses.importCourses(shared, [courseRecord({ id: 'public' })], { at: 1 });
      await courses.importCourses(own, [courseRecord({ id: 'mine' })], { at: 1 });
      await courses.importCourses(other, [courseRecord({ id: 'theirs' })], { at: 1 });
      const all = ['public', 'mine', 'theirs'].map(id);
      const seen = await courses.getCourses(own, all);
      expect(seen.map((course) => course.id)).toEqual(['public', 'mine']);
      expect((await courses.searchIndex(own, wordsQuery())).total).toBe(2);
      expect((await courses.searchIndex(shared, wordsQuery())).total).toBe(1);
    });

    it('finds skills and roles by any spelling, own and shared', async () => {
      const { courses } = await make();
      const skill = { id: 'sql' as SkillId, label: 'SQL', aliases: ['Datenbanken'] };
      await courses.importVocabulary(shared, {
        skills: [skill],
        roles: [
          {
            id: 'dba',
            label: 'Database administrator',
            aliases: ['DBA'],
            skills: [{ skill: skill.id, level: 4, weight: 1 }],
          },
        ],
      });
      expect(await courses.skillsNamed(own, ['datenbanken'])).toMatchObject([{ record: skill }]);
      const [role] = await courses.rolesNamed(own, ['dba']);
      expect(role?.record).toMatchObject({ id: 'dba', skills: [{ skill: 'sql', level: 4 }] });
      expect(await courses.labelsStartingWith(own, 'data', 5)).toEqual(['Database administrator']);
    });

    it('adds skills that no vocabulary has to the own tenant alone', async () => {
      const { courses } = await make();
      await courses.importCourses(own, [courseRecord({ id: 'x', teaches: ['Knot tying'] })], {
        at: 1,
      });
      expect(await courses.skillsNamed(own, ['knot tying'])).toHaveLength(1);
      expect(await courses.skillsNamed(other, ['knot tying'])).toEqual([]);
      const teaching = await courses.coursesTeaching(own, ['knot-tying' as SkillId], 5);
      expect(teaching).toEqual(['x']);
      expect(await courses.coursesTeaching(other, ['knot-tying' as SkillId], 5)).toEqual([]);
    });
  });
}
