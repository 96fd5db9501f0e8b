import { beforeAll, describe, expect, it } from 'vitest';
import { parseCourseId } from '../../src/catalog/domain/scope.js';
import { DEFAULT_CALL_LIMITS } from '../../src/server/core/limits.js';
import { type CatalogUnderTest, catalogOver, courseRecord, emptyStore } from './support.js';

const WIDE = '漢';
const TENANT = { tenant: 'alderbrook' };
const COURSES = 60;
let tools: CatalogUnderTest;

/** A person who has taken sixty of the widest courses that an import takes. */
beforeAll(async () => {
  const { store } = emptyStore();
  const ids = Array.from({ length: COURSES }, (_, index) => `wide-${index}`);
  await store.courses.importCourses(
    TENANT,
    ids.map((id, index) =>
      courseRecord({
        id,
        title: WIDE.repeat(200),
        summary: WIDE.repeat(400),
        description: WIDE.repeat(20_000),
        provider: WIDE.repeat(120),
        subject: WIDE.repeat(80),
        url: `https://example.com/${'x'.repeat(1900)}`,
        teaches: Array.from(
          { length: 40 },
          (_skill, at) => `skill ${index} ${at} ${WIDE.repeat(60)}`,
        ),
        requires: Array.from({ length: 40 }, (_skill, at) => `need ${at} ${WIDE.repeat(60)}`),
        prerequisites: ids.slice(0, Math.min(20, index)),
      }),
    ),
    { at: 1 },
  );
  const scope = { ...TENANT, issuer: 'local', subject: 'demo-nora' };
  await store.learners.recordActivities(
    scope,
    ids.flatMap((id, at) => {
      const course = parseCourseId(id);
      if (course === undefined) throw new Error(id);
      const event = { course, at: at + 1 };
      return (['enrolled', 'completed'] as const).map((verb) => ({
        ...event,
        verb,
        statementId: `${verb} ${id}`,
      }));
    }),
  );
  tools = catalogOver(store);
});

describe('what a tool of the catalog answers', () => {
  it.each([
    ['search_courses', { limit: 20, detail: 'full' }],
    ['get_course', { id: `wide-${COURSES - 1}` }],
    ['get_learner', { history: 50 }],
    ['recommend_courses', { limit: 10 }],
  ])('is below the limit on results whatever the data: %s', async (name, args) => {
    const { structured } = await tools.call(name, args);
    expect(structured).toBeDefined();
    expect(Buffer.byteLength(JSON.stringify(structured))).toBeLessThan(
      DEFAULT_CALL_LIMITS.maxResultBytes ?? 0,
    );
  });
});
