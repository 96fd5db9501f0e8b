import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RecommendRequest } from '../../src/catalog/domain/candidates.js';
import { sentenceOf } from '../../src/catalog/domain/evidence.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import { type Recommendations, recommendCourses } from '../../src/catalog/domain/recommend.js';
import type { CourseId, LearnerScope } from '../../src/catalog/domain/scope.js';
import { countTransitions } from '../../src/catalog/domain/transitions.js';
import type { SqliteDatabase } from '../../src/storage/sqlite/database.js';
import { DATA_FOLDER, courseRecord, emptyStore, sampleStore } from './support.js';

let store: CatalogStore;
let database: SqliteDatabase;

beforeAll(async () => {
  ({ store, database } = await sampleStore());
});

const PEOPLE: readonly LearnerScope[] = [
  ['alderbrook', 'demo-nora'],
  ['alderbrook', 'demo-milan'],
  ['alderbrook', 'demo-aiko'],
  ['tessera', 'demo-jonas'],
  ['tessera', 'demo-lucia'],
  ['tessera', 'demo-sam'],
  ['tessera', 'nobody-yet'],
].map(([tenant = '', subject = '']) => ({ tenant, issuer: 'local', subject }));

const recommend = (
  learner: LearnerScope,
  request: Partial<RecommendRequest> = {},
): Promise<Recommendations> => recommendCourses(store, learner, learner, { limit: 10, ...request });
const idsOf = (found: Recommendations): string[] => found.items.map((item) => item.course.id);
const nora = PEOPLE[0] as LearnerScope;
const stranger = PEOPLE[6] as LearnerScope;

describe('recommendations', () => {
  it.each(PEOPLE)(
    'for $subject respect prerequisites, language, hours and what is settled',
    async (learner) => {
      const found = await recommend(learner);
      const profile = await store.learners.find(learner);
      const history = await store.learners.history(learner);
      const completed = history.filter(({ state }) => state === 'completed').map((e) => e.course);
      const settled = history.filter(({ state }) => state !== 'dropped').map((e) => e.course);
      expect(found.items.length).toBeGreaterThan(0);
      for (const { course, evidence } of found.items) {
        const hard = course.prerequisites.filter((need) => need.kind === 'hard');
        for (const need of hard) expect(completed).toContain(need.course);
        expect(settled).not.toContain(course.id);
        if (profile !== undefined && profile.languages.length > 0) {
          expect(profile.languages).toContain(course.language);
        }
        if (profile?.weeklyHours !== undefined && course.weeks !== undefined) {
          expect(course.durationMinutes / 60 / course.weeks).toBeLessThanOrEqual(
            profile.weeklyHours,
          );
        }
        expect(evidence.length).toBeGreaterThan(0);
      }
    },
  );

  it.each(PEOPLE)(
    'for $subject carry numbers that can be computed again from the tables',
    async (learner) => {
      const found = await recommend(learner);
      const published = readFileSync(join(DATA_FOLDER, 'histories.ndjson'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { courses: CourseId[] }).courses);
      // Each demo tenant has three people, none of whom share an edge: only the published histories may be quoted.
      const { edges, reach } = countTransitions(published);
      for (const { course, evidence, score } of found.items) {
        expect(Number.isFinite(score)).toBe(true);
        for (const item of evidence) {
          if (item.kind === 'next') {
            const learners = edges.get(item.because)?.get(course.id)?.learners ?? 0;
            expect(item.learners).toBe(learners);
            expect(item.learners).toBeGreaterThanOrEqual(3);
            expect(item.of).toBe(reach.get(item.because));
            expect(item.share).toBe(Math.round((learners / item.of) * 1000) / 1000);
          }
          if (item.kind === 'popular') expect(item.learners).toBe(course.enrollmentCount);
          if (item.kind === 'goal') {
            const wanted = found.situation.goalSkills;
            const gap = wanted.reduce(
              (sum, { skill, target, weight }) =>
                sum + weight * Math.max(0, target - (found.situation.have.get(skill) ?? 0)),
              0,
            );
            let closed = 0;
            for (const step of item.closes) {
              const goal = wanted.find(({ skill }) => skill === step.skill);
              const taught = course.teaches.find(({ skill }) => skill === step.skill)?.level ?? 0;
              expect(step.from).toBe(found.situation.have.get(step.skill) ?? 0);
              expect(step.to).toBe(Math.min(taught, goal?.target ?? 0));
              closed += (goal?.weight ?? 0) * (step.to - step.from);
            }
            expect(item.share).toBeCloseTo(closed / gap, 3);
          }
          if (item.kind === 'prereq') {
            for (const id of item.unlocks) {
              expect(found.situation.known.get(id)).toBeDefined();
            }
          }
        }
        expect(sentenceOf(evidence, (id) => id).length).toBeGreaterThan(5);
      }
    },
  );

  it('are the same at every call', async () => {
    const [first, second] = [await recommend(nora), await recommend(nora)];
    expect(first.items).toEqual(second.items);
  });

  it('take a nurse towards data analyst: the free first steps, none that is blocked', async () => {
    const found = await recommend(stranger, {
      goal: 'I am a nurse and I want to become a data analyst, 4 hours a week',
      weeklyHours: 4,
      language: 'en',
      limit: 5,
    });
    expect(found.situation.goals).toMatchObject([{ kind: 'role', ref: 'data-analyst' }]);
    expect(idsOf(found)).toEqual(
      expect.arrayContaining(['spreadsheet-basics', 'sql-basics', 'python-basics']),
    );
    expect(idsOf(found)).not.toContain('data-analyst-capstone');
    expect(found.items[0]?.weeks).toBeCloseTo(
      Math.round((found.items[0]?.course.durationMinutes ?? 0) / 24) / 10,
    );
    const blocked = found.refused.find((item) => item.course.id === 'sql-analytics');
    expect(blocked).toMatchObject({ reason: 'prerequisites', steps: ['sql-basics'] });
  });

  it('lead the nurse to the capstone when each recommendation is completed', async () => {
    const { store: own } = await sampleStore();
    const learner: LearnerScope = { tenant: 'tessera', issuer: 'local', subject: 'walker' };
    const request = { goal: 'data analyst', weeklyHours: 4, language: 'en', limit: 10 };
    let reached = false;
    for (let step = 0; step < 30 && !reached; step += 1) {
      const found = await recommendCourses(own, learner, learner, request);
      const ids = idsOf(found);
      reached = ids.includes('data-analyst-capstone');
      const next = found.items[0]?.course.id;
      if (next === undefined) break;
      const at = Date.parse('2026-01-01') + step * 86_400_000;
      await own.learners.recordActivities(learner, [
        { verb: 'completed', course: next, at, statementId: `walk:${step}` },
      ]);
    }
    const history = await own.learners.history(learner);
    const known = history.map((entry) => entry.course);
    expect(reached || known.includes('data-analyst-capstone' as CourseId), known.join()).toBe(true);
  });

  it('say plainly when nothing is about the goal', async () => {
    const found = await recommend(stranger, { goal: 'underwater basket weaving' });
    expect(found.items).toEqual([]);
    expect(found.refusedCounts).toEqual({});
  });

  it('say why when every course that would serve is shut out', async () => {
    const found = await recommend(stranger, { goal: 'data analyst', language: 'fr' });
    expect(found.items).toEqual([]);
    expect(found.refusedCounts.language).toBeGreaterThan(3);
  });

  it('have nothing for a goal that is reached', async () => {
    const learner: LearnerScope = { tenant: 'tessera', issuer: 'local', subject: 'expert' };
    await store.learners.save(
      learner,
      { skills: [{ skill: 'sql' as never, level: 5, confidence: 1 }] },
      1,
    );
    const found = await recommend(learner, { goal: 'SQL' });
    expect(found).toMatchObject({ items: [], gap: 0 });
  });

  it('never quote or use a step that fewer than three learners of a tenant took', async () => {
    const { store: own } = emptyStore();
    const scope = { tenant: 'small' };
    await own.courses.importCourses(
      scope,
      ['a', 'b', 'c'].map((id) => courseRecord({ id, title: `Course ${id}` })),
      { at: 1 },
    );
    const take = async (subject: string, ...ids: string[]): Promise<void> => {
      for (const id of ids) {
        await own.learners.enroll(
          { ...scope, issuer: 'local', subject },
          { course: id as CourseId, mustHaveCompleted: [], at: 1 },
        );
      }
    };
    await take('one', 'a', 'b');
    await take('two', 'a', 'b');
    await take('me', 'a');
    const me: LearnerScope = { ...scope, issuer: 'local', subject: 'me' };
    const kinds = async (): Promise<string[]> => {
      const found = await recommendCourses(own, scope, me, { limit: 10 });
      return found.items.flatMap((item) => item.evidence.map((evidence) => evidence.kind));
    };
    expect(await kinds()).not.toContain('next');
    await take('three', 'a', 'b');
    expect(await kinds()).toContain('next');
  });

  it('name no learner anywhere in the evidence', async () => {
    const found = await recommend(nora);
    const subjects = database
      .all<{ subject: string }>('SELECT subject FROM learner')
      .map((row) => row.subject);
    const text = JSON.stringify(found.items);
    for (const subject of subjects) expect(text).not.toContain(subject);
  });
});
