import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CatalogUnderTest,
  catalogOver,
  courseRecord,
  emptyStore,
  principalOf,
} from './support.js';

/** Two tenants with the same words, plus one word each that only they have. Whatever one asks, the other's stays away. */
const COURSES = (tenant: string, secret: string): ReturnType<typeof courseRecord>[] => [
  courseRecord({
    id: 'onboarding',
    title: 'Onboarding for new colleagues',
    provider: `${tenant} academy`,
    subject: `${tenant} internal`,
    summary: `Only for ${tenant}.`,
    teaches: { onboarding: 2, [`${secret} handling`]: 3 },
    enrol_count: tenant === 'red' ? 10 : 9999,
  }),
  courseRecord({
    id: `${tenant}-${secret}`,
    title: `Project ${secret}`,
    provider: `${tenant} academy`,
    subject: `${tenant} internal`,
    teaches: { [`${secret} handling`]: 4 },
    prerequisites: ['onboarding'],
  }),
];

let tools: CatalogUnderTest;
const red = principalOf({ tenant: 'red', subject: 'ann' });
const blue = principalOf({ tenant: 'blue', subject: 'ann' });

beforeAll(async () => {
  const { store } = emptyStore();
  await store.courses.importCourses({ tenant: 'red' }, COURSES('red', 'crimsonfalcon'), { at: 1 });
  await store.courses.importCourses({ tenant: 'blue' }, COURSES('blue', 'azurewhale'), { at: 1 });
  await store.courses.importCourses(
    { tenant: '@shared' },
    [
      courseRecord({ id: 'common', title: 'Onboarding basics for everyone', teaches: ['sql'] }),
      courseRecord({ id: 'onboarding', title: 'The shared onboarding', provider: 'Shared School' }),
    ],
    { at: 1 },
  );
  tools = catalogOver(store);
  for (const id of ['onboarding', 'common']) await tools.ask('enroll', { id }, blue);
  await tools.ask('set_goals', { goals: ['azurewhale handling'] }, blue);
});

const CALLS: readonly (readonly [string, object])[] = [
  ['search_courses', {}],
  ['search_courses', { query: 'onboarding' }],
  ['search_courses', { query: 'azurewhale' }],
  ['search_courses', { query: 'azurewhal project' }],
  ['search_courses', { query: 'azurew' }],
  ['search_courses', { provider: 'blue academy' }],
  ['search_courses', { skill: 'azurewhale handling' }],
  ['search_courses', { skill: 'azurewhal handling' }],
  ['search_courses', { query: 'onboarding', level: 'expert' }],
  ['get_course', { id: 'blue-azurewhale' }],
  ['get_course', { id: 'onboarding' }],
  ['get_course', { id: 'blue' }],
  ['recommend_courses', {}],
  ['recommend_courses', { goal: 'azurewhale handling' }],
  ['get_learner', {}],
  ['set_goals', { goals: ['azurewhale handling'] }],
  ['set_goals', { skills: [{ skill: 'azurewhale handling', level: 1 }] }],
  ['enroll', { id: 'blue-azurewhale' }],
];

describe('two tenants with the same words', () => {
  it.each(CALLS)('%s %j shows red nothing of blue', async (name, args) => {
    const result = await tools.call(name, args, red);
    const { text } = withoutEcho(JSON.stringify(result), JSON.stringify(args));
    for (const leak of [
      'azure',
      'blue-',
      'blue academy',
      'blue internal',
      'Only for blue',
      '9999',
    ]) {
      expect(text, `${name} ${JSON.stringify(args)}`).not.toContain(leak);
    }
  });

  it('counts only what the caller can see, in totals and facets', async () => {
    const mine = await tools.ask('search_courses', { query: 'onboarding' }, red);
    expect(mine['total']).toBe(2);
    expect(mine['facets']).toMatchObject({
      subject: [
        { value: 'red internal', count: 1 },
        { value: 'tests', count: 1 },
      ],
    });
  });

  it('gives each its own course of the same id, in place of the shared one', async () => {
    const mine = await tools.ask('get_course', { id: 'onboarding' }, red);
    const theirs = await tools.ask('get_course', { id: 'onboarding' }, blue);
    expect([mine['provider'], theirs['provider']]).toEqual(['red academy', 'blue academy']);
    const found = await tools.ask('search_courses', { query: 'shared' }, red);
    expect(found['total']).toBe(0);
  });

  it('ranks red the same whatever blue adds', async () => {
    const { store } = emptyStore();
    await store.courses.importCourses({ tenant: 'red' }, COURSES('red', 'crimsonfalcon'), {
      at: 1,
    });
    const alone = catalogOver(store);
    const before = await alone.ask('search_courses', { query: 'onboarding project' }, red);
    await store.courses.importCourses(
      { tenant: 'blue' },
      Array.from({ length: 30 }, (_, index) =>
        courseRecord({ id: `b${index}`, title: `Onboarding project ${index}` }),
      ),
      { at: 1 },
    );
    expect(await alone.ask('search_courses', { query: 'onboarding project' }, red)).toEqual(before);
  });

  it('completes only own and shared ids', async () => {
    const complete = tools.catalog.resourceTemplates[0]?.complete?.['id'];
    expect(await complete?.('', { arguments: {}, principal: red })).toEqual([
      'common',
      'onboarding',
      'red-crimsonfalcon',
    ]);
  });

  it('gives the same subject in two tenants two profiles', async () => {
    const mine = await tools.ask('get_learner', {}, red);
    const theirs = await tools.ask('get_learner', {}, blue);
    expect(mine['id']).not.toBe(theirs['id']);
    expect(mine['history_total']).toBe(0);
    expect(theirs['history_total']).toBe(2);
  });
});

/** What the caller typed may come back; it is nothing that the server told. */
function withoutEcho(text: string, args: string): { text: string } {
  let rest = text;
  for (const [typed] of args.matchAll(/[a-z][a-z -]{3,}[a-z]/g)) {
    rest = rest.replaceAll(typed, '').replaceAll(typed.split(' ')[0] ?? typed, '');
  }
  return { text: rest };
}
