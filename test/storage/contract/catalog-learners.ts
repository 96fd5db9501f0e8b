import { describe, expect, it } from 'vitest';
import type { Activity } from '../../../src/catalog/domain/learner.js';
import type { CatalogStore, Transition } from '../../../src/catalog/domain/ports.js';
import type { CourseId, LearnerScope, SkillId } from '../../../src/catalog/domain/scope.js';

const ann: LearnerScope = { tenant: 'acme', issuer: 'local', subject: 'ann' };
const bob: LearnerScope = { ...ann, subject: 'bob' };
const id = (text: string): CourseId => text as CourseId;
const event = (verb: Activity['verb'], course: string, at: number): Activity => ({
  verb,
  course: id(course),
  at,
  statementId: `${verb}-${course}-${at}`,
});
const sorted = (edges: readonly Transition[]): string[] =>
  edges.map((edge) => JSON.stringify(edge)).sort((a, b) => (a < b ? -1 : 1));

const skill = (
  name: string,
  level: number,
): { skill: SkillId; level: number; confidence: number } => ({
  skill: name as SkillId,
  level,
  confidence: 0.5,
});
const take = async (store: CatalogStore, who: string, ...courses: string[]): Promise<void> => {
  for (const course of courses) {
    const request = { course: id(course), mustHaveCompleted: [], at: 1 };
    await store.learners.enroll({ ...ann, subject: who }, request);
  }
};

/** What every {@link CatalogStore} has to do with learners and transitions. */
export function describeLearnerStore(engine: string, make: () => Promise<CatalogStore>): void {
  describe(`learner store on ${engine}`, () => {
    it('creates a learner at the first write, and reads write nothing', async () => {
      const { learners } = await make();
      expect(await learners.find(ann)).toBeUndefined();
      expect(await learners.history(ann)).toEqual([]);
      expect(await learners.find(ann)).toBeUndefined();
      const saved = await learners.save(ann, { weeklyHours: 4, languages: ['en'] }, 1);
      expect(saved).toMatchObject({ weeklyHours: 4, languages: ['en'], goals: [], skills: [] });
      expect(await learners.find(ann)).toEqual(saved);
      expect(await learners.find(bob)).toBeUndefined();
    });

    it('replaces goals, merges skills, and keeps what was left out', async () => {
      const { learners } = await make();
      const goal = {
        kind: 'text',
        ref: undefined,
        text: 'x',
        targetLevel: 2,
        due: '2027-01-01',
      } as const;
      await learners.save(
        ann,
        { goals: [goal], skills: [skill('a', 1), skill('b', 1)], displayName: 'Ann' },
        1,
      );
      const profile = await learners.save(ann, { skills: [skill('b', 3)] }, 2);
      expect(profile).toMatchObject({
        displayName: 'Ann',
        goals: [goal],
        skills: [skill('a', 1), skill('b', 3)],
      });
      expect((await learners.save(ann, { goals: [] }, 3)).goals).toEqual([]);
    });

    it('keeps the same subject of another tenant or issuer apart', async () => {
      const { learners } = await make();
      await learners.save(ann, { weeklyHours: 1 }, 1);
      expect(await learners.find({ ...ann, tenant: 'globex' })).toBeUndefined();
      expect(await learners.find({ ...ann, issuer: 'https://idp.test' })).toBeUndefined();
      const enrolled = { course: id('c'), mustHaveCompleted: [], at: 1 };
      await learners.enroll({ ...ann, tenant: 'globex' }, enrolled);
      expect(await learners.history(ann)).toEqual([]);
    });

    it('enrolls once, whatever the number of calls at the same time', async () => {
      const { learners } = await make();
      const calls = Array.from({ length: 8 }, (_, index) =>
        learners.enroll(ann, { course: id('c'), mustHaveCompleted: [], at: 10 + index }),
      );
      const outcomes = await Promise.all(calls);
      expect(outcomes.map((outcome) => outcome.status).sort()).toEqual([
        ...Array.from({ length: 7 }, () => 'already'),
        'enrolled',
      ]);
      const enrolled = outcomes.flatMap((outcome) =>
        outcome.status === 'enrolled' ? [outcome.enrollment] : [],
      );
      expect(await learners.history(ann)).toEqual(enrolled);
    });

    it('writes nothing, not even the learner, when a prerequisite is open', async () => {
      const { learners } = await make();
      const request = { course: id('c'), mustHaveCompleted: [id('a'), id('b')], at: 5 };
      expect(await learners.enroll(ann, request)).toEqual({
        status: 'blocked',
        missing: ['a', 'b'],
      });
      expect(await learners.find(ann)).toBeUndefined();
      await learners.recordActivities(ann, [event('completed', 'a', 1), event('enrolled', 'b', 2)]);
      expect(await learners.enroll(ann, request)).toEqual({ status: 'blocked', missing: ['b'] });
      await learners.recordActivities(ann, [event('completed', 'b', 3)]);
      expect(await learners.enroll(ann, request)).toMatchObject({ status: 'enrolled' });
    });

    it('takes up a dropped course again with its first date', async () => {
      const { learners } = await make();
      await learners.recordActivities(ann, [event('enrolled', 'c', 1), event('dropped', 'c', 2)]);
      const again = await learners.enroll(ann, { course: id('c'), mustHaveCompleted: [], at: 9 });
      expect(again).toMatchObject({
        status: 'enrolled',
        enrollment: { state: 'enrolled', firstAt: 1, lastAt: 9 },
      });
    });

    it('withdraws once, keeps the course in the history, and takes it up again where it was', async () => {
      const { learners } = await make();
      const c = id('c');
      expect(await learners.withdraw(ann, { course: c, at: 1 })).toEqual({
        status: 'not-enrolled',
      });
      await learners.enroll(ann, { course: c, mustHaveCompleted: [], at: 2 });
      await learners.recordActivities(ann, [{ ...event('progressed', 'c', 3), progress: 0.4 }]);
      const first = await learners.withdraw(ann, { course: c, at: 4 });
      expect(first).toEqual({
        status: 'withdrawn',
        enrollment: { course: 'c', state: 'dropped', progress: 0.4, firstAt: 2, lastAt: 4 },
      });
      const second = await learners.withdraw(ann, { course: c, at: 5 });
      expect(second).toMatchObject({ status: 'already', enrollment: { lastAt: 4 } });
      // Deriving the states from all events again gives the same.
      await learners.recordActivities(ann, [event('saved', 'd', 6)]);
      const [, kept] = await learners.history(ann);
      expect(kept).toMatchObject({ course: 'c', state: 'dropped', progress: 0.4, lastAt: 4 });
      const again = await learners.enroll(ann, { course: c, mustHaveCompleted: [], at: 7 });
      expect(again).toMatchObject({
        status: 'enrolled',
        enrollment: { progress: 0.4, firstAt: 2 },
      });
    });

    it('refuses to withdraw from what is completed', async () => {
      const { learners } = await make();
      await learners.recordActivities(ann, [event('completed', 'c', 1)]);
      const outcome = await learners.withdraw(ann, { course: id('c'), at: 2 });
      expect(outcome).toMatchObject({ status: 'completed', enrollment: { state: 'completed' } });
      expect(await learners.history(ann)).toMatchObject([{ state: 'completed', lastAt: 1 }]);
    });

    it('keeps the last rating of a course taken, through later events, and rates nothing else', async () => {
      const { learners } = await make();
      const c = id('c');
      expect(await learners.rate(ann, { course: c, stars: 3, at: 1 })).toBeUndefined();
      expect(await learners.find(ann)).toBeUndefined();
      await learners.enroll(ann, { course: c, mustHaveCompleted: [], at: 2 });
      await learners.rate(ann, { course: c, stars: 3, at: 3 });
      const rated = await learners.rate(ann, { course: c, stars: 5, at: 4 });
      expect(rated).toMatchObject({ state: 'enrolled', rating: { stars: 5, at: 4 } });
      await learners.recordActivities(ann, [event('completed', 'c', 9)]);
      expect(await learners.history(ann)).toMatchObject([
        { state: 'completed', rating: { stars: 5, at: 4 } },
      ]);
      expect(await learners.rate(bob, { course: c, stars: 1, at: 5 })).toBeUndefined();
    });

    it('dismisses and restores a course, but none that is taken', async () => {
      const { learners } = await make();
      const dismiss = async (isDismissed: boolean, at: number): Promise<string> =>
        (await learners.dismiss(ann, { course: id('c'), isDismissed, at })).status;
      expect(await dismiss(false, 1)).toBe('unchanged');
      expect(await learners.find(ann)).toBeUndefined();
      expect(await dismiss(true, 2)).toBe('dismissed');
      expect(await dismiss(true, 3)).toBe('unchanged');
      expect(await learners.history(ann)).toMatchObject([{ state: 'dismissed', lastAt: 2 }]);
      expect(await dismiss(false, 4)).toBe('restored');
      expect(await learners.history(ann)).toMatchObject([{ state: 'saved', lastAt: 4 }]);
      await learners.enroll(ann, { course: id('c'), mustHaveCompleted: [], at: 5 });
      expect(await dismiss(true, 6)).toBe('taken');
    });

    it('records events once, and derives states in time order', async () => {
      const { learners } = await make();
      const events = [
        event('completed', 'a', 30),
        event('enrolled', 'a', 10),
        { ...event('progressed', 'b', 25), progress: 0.5 },
        event('enrolled', 'b', 20),
        event('dismissed', 'c', 40),
      ];
      expect(await learners.recordActivities(ann, events)).toBe(5);
      expect(await learners.recordActivities(ann, events)).toBe(0);
      const history = await learners.history(ann);
      expect(history.map(({ course, state, progress }) => [course, state, progress])).toEqual([
        ['c', 'dismissed', 0],
        ['a', 'completed', 1],
        ['b', 'in_progress', 0.5],
      ]);
    });
  });

  describe(`learner directory on ${engine}`, () => {
    it('lists the people of one tenant, and exports everything about one', async () => {
      const store = await make();
      await store.learners.save(ann, { displayName: 'Ann', skills: [skill('sql', 2)] }, 1);
      await take(store, 'ann', 'a');
      await store.learners.rate(ann, { course: id('a'), stars: 4, at: 2 });
      await take(store, 'bob', 'a', 'b');
      const elsewhere = { ...bob, tenant: 'globex' };
      await store.learners.save(elsewhere, { weeklyHours: 2 }, 1);
      const listed = await store.directory.list({ tenant: 'acme' }, 10);
      expect(listed.map(({ subject, courses }) => [subject, courses])).toEqual([
        ['ann', 1],
        ['bob', 2],
      ]);
      expect(await store.directory.list({ tenant: 'acme' }, 1)).toHaveLength(1);
      expect(await store.directory.exportLearner(ann)).toMatchObject({
        tenant: 'acme',
        subject: 'ann',
        profile: { displayName: 'Ann', skills: [{ skill: 'sql', level: 2 }] },
        enrollments: [{ course: 'a', state: 'enrolled', rating: { stars: 4, at: 2 } }],
        activities: [{ verb: 'enrolled', course: 'a', at: 1, source: 'catalog' }],
      });
      expect(await store.directory.exportLearner({ ...ann, issuer: 'other' })).toBeUndefined();
    });

    it('erases a person with all that was learned from them, and nobody else', async () => {
      const people = { ann: 'abcd', bob: 'acb', cid: 'dab', dora: 'ba' };
      const taking = async (store: CatalogStore, who: (keyof typeof people)[]): Promise<void> => {
        for (const subject of who) await take(store, subject, ...people[subject].split(''));
      };
      const edges = async (store: CatalogStore): Promise<string[]> =>
        sorted(await store.transitions.transitionsFrom(ann, 'abcd'.split('').map(id), 1));
      const store = await make();
      await taking(store, ['ann', 'bob', 'cid', 'dora']);
      await store.learners.save(bob, { goals: [], skills: [skill('sql', 2)] }, 1);
      expect(await store.directory.erase(bob, 2)).toBe(true);
      const without = await make();
      await taking(without, ['ann', 'cid', 'dora']);
      expect(await edges(store)).toEqual(await edges(without));
      expect(await store.learners.find(bob)).toBeUndefined();
      expect(await store.learners.history(bob)).toEqual([]);
      expect(await store.directory.exportLearner(bob)).toBeUndefined();
      expect(await store.learners.history(ann)).toHaveLength(4);
      expect(await store.directory.erase(bob, 3)).toBe(false);
      // Who comes back begins anew.
      await taking(store, ['bob']);
      expect(await store.learners.history(bob)).toHaveLength(3);
      expect((await store.learners.find(bob))?.skills).toEqual([]);
    });
  });

  describe(`transition store on ${engine}`, () => {
    it('counts each enrollment as it comes, exactly as a rebuild counts them', async () => {
      const store = await make();
      await take(store, 'one', 'a', 'b', 'c');
      await take(store, 'two', 'a', 'c');
      await take(store, 'three', 'c', 'a');
      const read = (): Promise<readonly Transition[]> =>
        store.transitions.transitionsFrom(ann, ['a', 'b', 'c'].map(id), 1);
      const counted = await read();
      expect(counted).toContainEqual({
        from: 'a',
        to: 'c',
        weight: 1 + 0.95,
        learners: 2,
        fromLearners: 3,
        toLearners: 3,
      });
      await store.transitions.rebuildTransitions(ann, 2);
      expect(sorted(await read())).toEqual(sorted(counted));
    });

    it('keeps edges below the minimum to itself, per tenant', async () => {
      const store = await make();
      const histories = Array.from({ length: 2 }, () => ['a', 'b'].map(id));
      await store.transitions.publishHistories({ tenant: '@shared' }, histories, 1);
      await take(store, 'one', 'a', 'b');
      expect(await store.transitions.transitionsFrom(ann, [id('a')], 3)).toEqual([]);
      const seen = await store.transitions.transitionsFrom(ann, [id('a')], 2);
      expect(seen).toMatchObject([{ learners: 2, fromLearners: 2 }]);
    });

    it('shows a tenant its own and the published counts, never those of another tenant', async () => {
      const store = await make();
      await take(store, 'one', 'a', 'b');
      const elsewhere = { tenant: 'globex' };
      expect(await store.transitions.transitionsFrom(elsewhere, [id('a')], 1)).toEqual([]);
      await store.transitions.publishHistories({ tenant: '@shared' }, [['a', 'b'].map(id)], 1);
      const theirs = await store.transitions.transitionsFrom(elsewhere, [id('a')], 1);
      expect(theirs).toMatchObject([{ learners: 1 }]);
      const mine = await store.transitions.transitionsFrom(ann, [id('a')], 1);
      expect(mine).toMatchObject([{ learners: 2 }]);
    });
  });
}
