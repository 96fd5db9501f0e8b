import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { totalGap } from '../../src/catalog/domain/evidence.js';
import { type LearningPath, type PathRequest, planPath } from '../../src/catalog/domain/path.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import type { LearnerScope, SkillId } from '../../src/catalog/domain/scope.js';
import { catalogOver, courseRecord, emptyStore, principalOf, sampleStore } from './support.js';

const DAY_MS = 86_400_000;
const stranger: LearnerScope = { tenant: 'tessera', issuer: 'local', subject: 'nobody-yet' };
const nora: LearnerScope = { tenant: 'alderbrook', issuer: 'local', subject: 'demo-nora' };
let store: CatalogStore;

beforeAll(async () => {
  ({ store } = await sampleStore());
});

const plan = (
  learner: LearnerScope,
  request: Partial<PathRequest> = {},
  at: CatalogStore = store,
): Promise<LearningPath> =>
  planPath(at, learner, learner, { startOn: '2027-01-04', maxSteps: 6, ...request });
const idsOf = (path: LearningPath): string[] => path.steps.map(({ course }) => course.id);

/** Everything that a path promises, computed again from the courses and the learner's own rows. */
async function checkPromises(
  path: LearningPath,
  learner: LearnerScope,
  request: Partial<PathRequest>,
  at: CatalogStore = store,
): Promise<void> {
  const history = await at.learners.history(learner);
  const done = new Set(history.filter((e) => e.state === 'completed').map((e) => e.course));
  const visible = new Set(
    (
      await at.courses.getCourses(
        learner,
        path.steps.flatMap(({ course }) => course.prerequisites.map((need) => need.course)),
      )
    ).map(({ id }) => id),
  );
  const have = new Map(path.situation.have);
  const goals = path.situation.goalSkills;
  const before = totalGap(goals, have);
  let day = Date.parse(request.startOn ?? '2027-01-04');
  let price = 0;
  expect(path.steps.length).toBeLessThanOrEqual(request.maxSteps ?? 6);
  for (const step of path.steps) {
    const { course } = step;
    expect(done.has(course.id)).toBe(false);
    for (const need of course.prerequisites) {
      if (need.kind === 'hard' && visible.has(need.course)) expect(done).toContain(need.course);
    }
    expect(Date.parse(step.starts)).toBe(day);
    const days = (Date.parse(step.ends) - day) / DAY_MS + 1;
    expect(days * (path.weeklyHours / 7)).toBeGreaterThanOrEqual(step.minutes / 60 - 1e-6);
    if (course.weeks !== undefined && !step.isUnderWay) {
      expect(days).toBeGreaterThanOrEqual(course.weeks * 7);
    }
    day = Date.parse(step.ends) + DAY_MS;
    price += step.priceMinor;
    expect(step.evidence.length).toBeGreaterThan(0);
    for (const item of step.evidence) {
      if (item.kind === 'prereq') {
        for (const id of item.unlocks) {
          const opened = path.steps.find((later) => later.course.id === id)?.course;
          expect(opened?.prerequisites.map((need) => need.course)).toContain(course.id);
        }
      } else if (item.kind === 'goal') {
        let closed = 0;
        for (const { skill, from, to } of item.closes) {
          const goal = goals.find((wanted) => wanted.skill === skill);
          const taught = course.teaches.find((entry) => entry.skill === skill)?.level ?? 0;
          expect(from).toBe(have.get(skill) ?? 0);
          expect(to).toBe(Math.min(taught, goal?.target ?? 0));
          closed += (goal?.weight ?? 0) * (to - from);
        }
        expect(item.share).toBeCloseTo(closed / before, 3);
      } else throw new Error(`a step has evidence of kind ${item.kind}`);
    }
    for (const { skill, level } of course.teaches) {
      have.set(skill, Math.max(have.get(skill) ?? 0, level));
    }
    done.add(course.id);
  }
  if (request.budgetMinor !== undefined) expect(price).toBeLessThanOrEqual(request.budgetMinor);
  if (path.gap !== undefined) expect(path.gap.after).toBeCloseTo(totalGap(goals, have), 9);
  for (const { skill, have: reached, target } of path.uncovered) {
    expect(have.get(skill) ?? 0).toBe(reached);
    expect(reached).toBeLessThan(target);
  }
}

describe('a learning path', () => {
  it('takes a nurse to data analyst: first things first, dated, with what is under way at the front', async () => {
    const request = { maxSteps: 12, weeklyHours: 4, language: 'en', goal: 'data analyst' };
    const path = await plan(nora, request);
    await checkPromises(path, nora, request);
    expect(path.gap?.after).toBeLessThan(path.gap?.before ?? 0);
    expect(idsOf(path)).not.toContain('spreadsheet-basics');
    expect(path.steps.every(({ course }) => course.language === 'en')).toBe(true);
  });

  it.each([1, 2, 3, 6])('of at most %i steps keeps every promise', async (maxSteps) => {
    for (const goal of ['data analyst', 'cloud engineer', 'project manager', 'SQL and Python']) {
      const request = { goal, maxSteps, weeklyHours: 6 };
      await checkPromises(await plan(stranger, request), stranger, request);
    }
  });

  it('stays within the budget, and says which courses it could not pay', async () => {
    const request = { goal: 'data analyst', maxSteps: 12, weeklyHours: 6 };
    const rich = await plan(stranger, request);
    const cost = rich.steps.reduce((sum, { priceMinor }) => sum + priceMinor, 0);
    expect(cost).toBeGreaterThan(0);
    const budgetMinor = Math.floor(cost / 3);
    const poor = await plan(stranger, { ...request, budgetMinor });
    await checkPromises(poor, stranger, { ...request, budgetMinor });
    expect(poor.leftOut.map(({ reason }) => reason)).toContain('budget');
    const free = await plan(stranger, { ...request, budgetMinor: 0 });
    expect(free.steps.every(({ priceMinor }) => priceMinor === 0)).toBe(true);
  });

  it('is the same at every call', async () => {
    const request = { goal: 'data analyst' };
    expect(idsOf(await plan(stranger, request))).toEqual(idsOf(await plan(stranger, request)));
  });

  it('follows a chain of prerequisites longer than one look at the catalog reaches', async () => {
    const { store: own } = emptyStore();
    const scope: LearnerScope = { tenant: 'deep', issuer: 'local', subject: 'ann' };
    const chain = Array.from({ length: 12 }, (_, index) =>
      courseRecord({
        id: `c${index}`,
        title: `Part ${index}`,
        enrol_count: index,
        ...(index > 0 && { prerequisites: [`c${index - 1}`] }),
        ...(index === 11 && { teaches: { juggling: 3 } }),
      }),
    );
    await own.courses.importCourses(scope, chain, { at: 1 });
    const request = { goal: 'juggling', maxSteps: 12 };
    const path = await plan(scope, request, own);
    expect(idsOf(path)).toEqual(chain.map(({ id }) => id));
    const short = await plan(scope, { ...request, maxSteps: 11 }, own);
    expect(short.steps).toEqual([]);
    expect(short.leftOut).toMatchObject([{ course: { id: 'c11' }, reason: 'max_steps' }]);
  });

  it('plans through prerequisites that go in a circle', async () => {
    const { store: own } = emptyStore();
    const scope: LearnerScope = { tenant: 'farm', issuer: 'local', subject: 'ann' };
    await own.courses.importCourses(
      scope,
      [
        courseRecord({ id: 'hen', prerequisites: ['egg'], teaches: { poultry: 2 } }),
        courseRecord({ id: 'egg', prerequisites: ['hen'], teaches: { poultry: 3 } }),
      ],
      { at: 1 },
    );
    expect(idsOf(await plan(scope, { goal: 'poultry' }, own))).toEqual(['egg']);
  });

  it('counts what is under way by the work left, without its price', async () => {
    const { store: own } = emptyStore();
    const scope: LearnerScope = { tenant: 'one', issuer: 'local', subject: 'ann' };
    const course = courseRecord({
      id: 'knots',
      price: 50,
      duration_min: 600,
      teaches: { knots: 3 },
    });
    await own.courses.importCourses(scope, [course], { at: 1 });
    await own.learners.recordActivities(scope, [
      { verb: 'progressed', course: course.id, at: 1, progress: 0.7, statementId: 's' },
    ]);
    const path = await plan(scope, { goal: 'knots', weeklyHours: 3, budgetMinor: 0 }, own);
    expect(path.steps).toMatchObject([
      { isUnderWay: true, minutes: 180, priceMinor: 0, ends: '2027-01-10' },
    ]);
  });

  it('keeps every promise in any small catalog', async () => {
    const skills = ['alpha', 'beta', 'gamma', 'delta'] as SkillId[];
    const arbitraryCourse = fc.record({
      minutes: fc.integer({ min: 30, max: 3000 }),
      price: fc.integer({ min: 0, max: 3 }),
      teaches: fc.dictionary(fc.constantFrom(...skills), fc.integer({ min: 1, max: 4 }), {
        maxKeys: 3,
      }),
      needs: fc.array(fc.nat({ max: 7 }), { maxLength: 2 }),
      isSpanish: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryCourse, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
        async (courses, maxSteps, budgetMinor) => {
          const { store: own, database } = emptyStore();
          const scope: LearnerScope = { tenant: 'tiny', issuer: 'local', subject: 'ann' };
          await own.courses.importCourses(
            scope,
            courses.map((course, index) =>
              courseRecord({
                id: `c${index}`,
                title: `Course ${index}`,
                duration_min: course.minutes,
                price: course.price,
                language: course.isSpanish ? 'es' : 'en',
                teaches: course.teaches,
                prerequisites: [...new Set(course.needs)]
                  .filter((need) => need < index)
                  .map((need) => `c${need}`),
              }),
            ),
            { at: 1 },
          );
          await own.learners.save(
            scope,
            {
              goals: skills.map((skill) => ({
                kind: 'skill',
                ref: skill,
                text: skill,
                targetLevel: 3,
                due: undefined,
              })),
            },
            1,
          );
          const request = { maxSteps, budgetMinor, language: 'en', weeklyHours: 5 };
          const path = await plan(scope, request, own);
          await checkPromises(path, scope, request, own);
          expect(path.steps.every(({ course }) => course.language === 'en')).toBe(true);
          if (path.gap?.after === 0) {
            expect(path.leftOut.map(({ reason }) => reason)).not.toContain('max_steps');
          }
          database.close();
        },
      ),
      { numRuns: 40, seed: 20261121 },
    );
  });
});

describe('plan_learning_path', () => {
  it('answers with steps, totals and what was left out', async () => {
    const tools = catalogOver(store);
    const result = await tools.ask('plan_learning_path', {
      goal: 'I want to become a data analyst',
      weekly_hours: 5,
      start: '2027-01-04',
    });
    const steps = result['steps'] as Record<string, unknown>[];
    expect(steps[0]).toMatchObject({ starts: '2027-01-04' });
    expect(result['ends']).toBe(steps.at(-1)?.['ends']);
    expect(result['message']).toContain(String(result['ends']));
    expect(result['total_hours']).toBeCloseTo(
      steps.reduce((sum, step) => sum + Number(step['hours']), 0),
      0,
    );
    expect((result['left_out'] as unknown[]).length).toBeGreaterThan(0);
  });

  it('starts today and assumes hours, and says so, when nobody gives any', async () => {
    const tools = catalogOver(store);
    const fresh = principalOf({ subject: 'fresh' });
    const result = await tools.ask('plan_learning_path', { goal: 'SQL' }, fresh);
    expect(result['message']).toContain('(assumed: give weekly_hours)');
    expect((result['steps'] as { starts: string }[])[0]?.starts).toBe('2026-11-20');
  });

  it.each(['2027-02-30', 'tomorrow', '9999-12-31'])('refuses %j as a start', async (start) => {
    const text = await catalogOver(store).fail('plan_learning_path', { goal: 'SQL', start });
    expect(text).toContain(`start is ${JSON.stringify(start)}`);
  });

  it('says what to do without a goal, with words for a goal, and at the goal', async () => {
    const tools = catalogOver(store);
    const fresh = principalOf({ subject: 'fresh' });
    expect(await tools.fail('plan_learning_path', {}, fresh)).toContain('There is no goal');
    const words = await tools.ask('plan_learning_path', { goal: 'be happy' }, fresh);
    expect(words['message']).toContain('names no role and no skill');
    await tools.ask('set_goals', { skills: [{ skill: 'SQL', level: 5 }] }, fresh);
    const there = await tools.ask('plan_learning_path', { goal: 'SQL' }, fresh);
    expect(there).toMatchObject({ steps: [], gap_closed: 1 });
  });

  it('has a prompt that calls it', async () => {
    const prompt = catalogOver(store).catalog.prompts.find(
      ({ name }) => name === 'plan-career-change',
    );
    const { messages } = (await prompt?.render(
      { role: 'data "analyst"', weekly_hours: '4', budget: 'much' },
      { principal: principalOf() } as never,
    )) ?? { messages: [] };
    expect(messages[0]?.content['text']).toContain(
      'plan_learning_path with {"goal":"data \\"analyst\\"","weekly_hours":4}',
    );
  });
});
