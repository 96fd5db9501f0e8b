import { beforeEach, describe, expect, it } from 'vitest';
import { recommendCourses } from '../../src/catalog/domain/recommend.js';
import { explorationPick } from '../../src/catalog/domain/exploration.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import type { CourseId, LearnerScope } from '../../src/catalog/domain/scope.js';
import {
  type CatalogUnderTest,
  catalogOver,
  clock,
  idsOf,
  principalOf,
  sampleStore,
} from './support.js';

const DAY_MS = 86_400_000;
const nora = principalOf();
const learner: LearnerScope = { tenant: 'alderbrook', issuer: 'local', subject: 'demo-nora' };
let store: CatalogStore;
let tools: CatalogUnderTest;

beforeEach(async () => {
  ({ store } = await sampleStore());
  tools = catalogOver(store);
});

describe('withdraw', () => {
  it('leaves the course once, keeps it in the history, and says how to take it up again', async () => {
    const first = await tools.ask('withdraw', { id: 'health-informatics' });
    expect(first).toMatchObject({ status: 'withdrawn', state: 'dropped', progress: 0.4 });
    const second = await tools.ask('withdraw', { id: 'course://health-informatics' });
    expect(second).toMatchObject({
      status: 'already_withdrawn',
      withdrawn_at: first['withdrawn_at'],
    });
    const { history } = await tools.ask('get_learner', {});
    expect(history).toContainEqual(
      expect.objectContaining({ id: 'health-informatics', state: 'dropped' }),
    );
  });

  it('names what the learner is enrolled in, and near ids of an unknown one', async () => {
    expect(await tools.fail('withdraw', { id: 'sql-basics' })).toBe(
      'You are not enrolled in "sql-basics". You are enrolled in "health-informatics".',
    );
    expect(await tools.fail('withdraw', { id: 'helth-informatics' })).toContain(
      'Nearest are "health-informatics"',
    );
    expect(await tools.fail('withdraw', { id: 'medication-safety' })).toContain('have completed');
  });

  it('works for a course that has left the catalog', async () => {
    await store.learners.enroll(learner, {
      course: 'gone' as CourseId,
      mustHaveCompleted: [],
      at: 1,
    });
    expect(await tools.ask('withdraw', { id: 'gone' })).toMatchObject({ status: 'withdrawn' });
  });
});

describe('give_feedback', () => {
  it('leaves a dismissed course out, and takes it back in', async () => {
    const [first = ''] = idsOf(await tools.ask('recommend_courses', { limit: 10 }));
    await tools.ask('give_feedback', { id: first, dismiss: true });
    expect(idsOf(await tools.ask('recommend_courses', { limit: 10 }))).not.toContain(first);
    await tools.ask('give_feedback', { id: first, dismiss: false });
    expect(idsOf(await tools.ask('recommend_courses', { limit: 10 }))).toContain(first);
  });

  it('holds courses of the same subject back for 30 days, and no longer', async () => {
    const at = clock.nowMs();
    const ranked = async (now: number): Promise<Map<string, number>> => {
      const found = await recommendCourses(
        store,
        learner,
        learner,
        { limit: 20, goal: 'data analyst' },
        { now },
      );
      return new Map(found.items.map(({ course, score }) => [course.id, score]));
    };
    const before = await ranked(at);
    await store.learners.dismiss(learner, {
      course: 'sql-im-beruf' as CourseId,
      isDismissed: true,
      at,
    });
    const { subject } = (
      await store.courses.getCourses(learner, ['sql-im-beruf' as CourseId])
    )[0] ?? {
      subject: '',
    };
    const same = (await store.courses.getCourses(learner, [...before.keys()] as CourseId[])).filter(
      (course) => course.subject === subject && course.id !== 'sql-im-beruf',
    );
    expect(same.length).toBeGreaterThan(0);
    const held = await ranked(at + 29 * DAY_MS);
    for (const { id } of same) {
      if (held.has(id)) expect(held.get(id)).toBeLessThan(before.get(id) ?? 0);
    }
    const [near] = same;
    expect(held.get(near?.id ?? '')).toBeCloseTo(
      Math.max(0, (before.get(near?.id ?? '') ?? 0) - 0.3),
      1,
    );
    const after = await ranked(at + 31 * DAY_MS);
    expect(after.get(near?.id ?? '')).toBeGreaterThan(held.get(near?.id ?? '') ?? 0);
  });

  it('rates only what was taken, one thing at a time', async () => {
    expect(await tools.ask('give_feedback', { id: 'medication-safety', rating: 2 })).toMatchObject({
      rating: 2,
    });
    expect(await tools.fail('give_feedback', { id: 'sql-basics', rating: 2 })).toContain(
      'never took "sql-basics"',
    );
    expect(await tools.fail('give_feedback', { id: 'sql-basics' })).toContain('Give either');
    expect(await tools.fail('give_feedback', { id: 'medication-safety', dismiss: true })).toContain(
      'is not recommended anyway',
    );
    expect(await tools.fail('give_feedback', { id: 'sql-basix', rating: 1 })).toContain(
      '"sql-basics"',
    );
  });
});

describe('the place for exploration', () => {
  const ask = (now: number | undefined, limit = 5): ReturnType<typeof recommendCourses> =>
    recommendCourses(store, learner, learner, { limit }, { now });

  it('is the last of five or more, says so, and can be computed again from learner and day', async () => {
    const now = clock.nowMs();
    const all = await ask(undefined, 45);
    const found = await ask(now);
    const last = found.items.at(-1);
    const [evidence] = last?.evidence ?? [];
    if (evidence?.kind !== 'exploration') throw new Error('the last item is not for exploration');
    expect(evidence.day).toBe('2026-11-20');
    expect(evidence.among).toBe(all.items.length - 5);
    const pick = explorationPick(learner, evidence.day, evidence.among);
    expect(last?.course.id).toBe(all.items[5 + pick]?.course.id);
    expect(found.items.slice(0, 4).map(({ course }) => course.id)).toEqual(
      all.items.slice(0, 4).map(({ course }) => course.id),
    );
    expect((await ask(now)).items).toEqual(found.items);
  });

  it('changes from day to day, and is not given away by short lists or for nobody', async () => {
    const picks = new Set<string | undefined>();
    for (let day = 0; day < 8; day += 1) {
      picks.add((await ask(clock.nowMs() + day * DAY_MS)).items.at(-1)?.course.id);
    }
    expect(picks.size).toBeGreaterThan(2);
    const kinds = (found: Awaited<ReturnType<typeof ask>>): string[] =>
      found.items.flatMap(({ evidence }) => evidence.map(({ kind }) => kind));
    expect(kinds(await ask(clock.nowMs(), 4))).not.toContain('exploration');
    const nobody = await recommendCourses(store, learner, undefined, { limit: 5 }, { now: 1 });
    expect(kinds(nobody)).not.toContain('exploration');
  });

  it('is marked in the tool result', async () => {
    const { courses } = await tools.ask('recommend_courses', { limit: 5 }, nora);
    expect(courses.map((course) => course['exploration'])).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      true,
    ]);
    expect(String(courses[4]?.['why'])).toContain('beyond the best matches');
  });
});

describe('compare_courses', () => {
  it('says what differs, what only one has and which needs which', async () => {
    const result = await tools.ask('compare_courses', { ids: ['sql-basics', 'sql-analytics'] });
    expect(idsOf(result)).toEqual(['sql-basics', 'sql-analytics']);
    expect(result['shared_skills']).toContain('sql');
    expect(result['order']).toEqual([{ id: 'sql-analytics', needs: 'sql-basics' }]);
    expect(result['differs']).toContain('level');
    expect(result['differs']).not.toContain('language');
    expect(result.courses[1]).toMatchObject({
      prerequisites: [{ id: 'sql-basics', kind: 'hard' }],
      only_here: { prerequisites: ['sql-basics'] },
    });
  });

  it('wants two different courses, and names the nearest of an unknown one', async () => {
    expect(
      await tools.fail('compare_courses', { ids: ['sql-basics', 'course://sql-basics'] }),
    ).toContain('one course only, "sql-basics"');
    expect(await tools.fail('compare_courses', { ids: ['sql-basics', 'sql-analytcs'] })).toContain(
      'Nearest are "sql-analytics"',
    );
  });
});

describe('search and fetch, for hosts that know no other tools', () => {
  it('answer with one text each, whose JSON has exactly the members that those hosts read', async () => {
    const found = await tools.ask('search', { query: 'sql' });
    expect(Object.keys(found)).toEqual(['results']);
    const results = found['results'] as Record<string, string>[];
    expect(results.length).toBeGreaterThan(1);
    for (const result of results) expect(Object.keys(result)).toEqual(['id', 'title', 'url']);
    const document = await tools.ask('fetch', { id: results[0]?.['id'] });
    expect(Object.keys(document)).toEqual(['id', 'title', 'text', 'url', 'metadata']);
    expect(document['url']).toBe(results[0]?.['url']);
    expect(document['text']).toContain('Teaches: sql');
    for (const value of Object.values(document['metadata'] as object)) {
      expect(typeof value).toBe('string');
    }
  });

  it('name the nearest of an unknown id', async () => {
    expect(await tools.fail('fetch', { id: 'sql-basix' })).toContain('"sql-basics"');
  });
});
