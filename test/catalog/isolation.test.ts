import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CatalogUnderTest,
  catalogOver,
  courseRecord,
  emptyStore,
  fakeToolContext,
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

/** A catalog in which people of these tenants did things, `ann` of blue the most. */
async function furnished(tenants: readonly string[]): Promise<CatalogUnderTest> {
  const { store } = emptyStore();
  const secrets: Readonly<Record<string, string>> = { red: 'crimsonfalcon', blue: 'azurewhale' };
  for (const tenant of tenants) {
    const courses = COURSES(tenant, secrets[tenant] ?? '');
    await store.courses.importCourses({ tenant }, courses, { at: 1 });
  }
  await store.courses.importCourses(
    { tenant: '@shared' },
    [
      courseRecord({ id: 'common', title: 'Onboarding basics for everyone', teaches: ['sql'] }),
      courseRecord({ id: 'onboarding', title: 'The shared onboarding', provider: 'Shared School' }),
    ],
    { at: 1 },
  );
  const made = catalogOver(store);
  if (!tenants.includes('blue')) return made;
  for (const subject of ['ann', 'bob', 'cid', 'dora']) {
    const person = { ...blue, subject };
    for (const id of ['onboarding', 'common']) await made.ask('enroll', { id }, person);
  }
  await made.ask('set_goals', { goals: ['azurewhale handling'] }, blue);
  await made.ask('give_feedback', { id: 'common', rating: 1 }, blue);
  await made.ask('give_feedback', { id: 'blue-azurewhale', dismiss: true }, blue);
  return made;
}

beforeAll(async () => {
  tools = await furnished(['red', 'blue']);
});

/** What to try with each tool; a tool without an entry fails the test below. */
const CALLS: Readonly<Record<string, readonly object[]>> = {
  search_courses: [
    {},
    { query: 'onboarding' },
    { query: 'azurewhale' },
    { query: 'azurewhal project' },
    { query: 'azurew' },
    { provider: 'blue academy' },
    { provider: 'blue acadmy' },
    { skill: 'azurewhale handling' },
    { skill: 'azurewhal handling' },
    { query: 'onboarding', level: 'expert' },
    { language: 'zz' },
  ],
  get_course: [{ id: 'blue-azurewhale' }, { id: 'onboarding' }, { id: 'blue' }],
  compare_courses: [
    { ids: ['onboarding', 'common'] },
    { ids: ['onboarding', 'blue-azurewhale'] },
    { ids: ['blue-azurewhal', 'common'] },
  ],
  recommend_courses: [{}, { goal: 'azurewhale handling' }, { goal: 'onboarding', limit: 10 }],
  plan_learning_path: [
    { goal: 'azurewhale handling' },
    { goal: 'onboarding' },
    { goal: 'crimsonfalcon handling', max_steps: 12 },
    {},
  ],
  get_learner: [{}, { history: 50 }],
  set_goals: [
    { goals: ['azurewhale handling'] },
    { skills: [{ skill: 'azurewhale handling', level: 1 }] },
    { skills: [{ skill: 'azurewhal handling', level: 1 }] },
  ],
  enroll: [{ id: 'blue-azurewhale' }, { id: 'blue' }],
  withdraw: [{ id: 'blue-azurewhale' }, { id: 'onboarding' }, { id: 'common' }, { id: 'blue' }],
  give_feedback: [
    { id: 'blue-azurewhale', rating: 1 },
    { id: 'blue-azurewhale', dismiss: true },
    { id: 'common', rating: 5 },
    { id: 'blue', dismiss: true },
  ],
  search: [{ query: 'azurewhale' }, { query: 'onboarding' }, { query: 'azurew' }, { query: '' }],
  fetch: [{ id: 'blue-azurewhale' }, { id: 'onboarding' }, { id: 'blue' }],
};
const EACH = Object.entries(CALLS).flatMap(([name, list]) =>
  list.map((args) => [name, args] as const),
);
const OF_BLUE = ['azure', 'blue-', 'blue academy', 'blue internal', 'Only for blue', '9999'];

describe('two tenants with the same words', () => {
  it('are tried with every tool there is', () => {
    expect(Object.keys(CALLS).sort()).toEqual(tools.catalog.tools.map(({ name }) => name).sort());
  });

  it.each(EACH)('%s %j shows red nothing of blue', async (name, args) => {
    const result = await tools.call(name, args, red);
    const { text } = withoutEcho(JSON.stringify(result), JSON.stringify(args));
    for (const leak of OF_BLUE) expect(text, `${name} ${JSON.stringify(args)}`).not.toContain(leak);
  });

  it.each(EACH)('%s %j answers red the same whether blue is there or not', async (name, args) => {
    const answerIn = async (tenants: readonly string[]): Promise<unknown> =>
      (await furnished(tenants)).call(name, args, red);
    expect(await answerIn(['red', 'blue'])).toEqual(await answerIn(['red']));
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

  it('shows each the counts of its own catalog as a resource, whoever else is there', async () => {
    const countsIn = async (tenants: readonly string[]): Promise<unknown> => {
      const [facets] = (await furnished(tenants)).catalog.resources;
      const [contents] = (await facets?.read(fakeToolContext(red))) ?? [];
      return JSON.parse(contents?.text ?? '');
    };
    expect(await countsIn(['red', 'blue'])).toEqual(await countsIn(['red']));
    expect(await countsIn(['red', 'blue'])).toMatchObject({
      total: 3,
      language: [{ value: 'en', count: 3 }],
      subject: [
        { value: 'red internal', count: 2 },
        { value: 'tests', count: 1 },
      ],
    });
  });

  it('completes only own and shared ids', async () => {
    const complete = tools.catalog.resourceTemplates[0]?.complete?.['id'];
    expect(await complete?.('', { arguments: {}, principal: red })).toEqual([
      'common',
      'onboarding',
      'red-crimsonfalcon',
    ]);
  });

  it('keeps two people of one tenant apart in every tool', async () => {
    const own = await furnished(['blue']);
    const eve = { ...blue, subject: 'eve' };
    for (const [name, list] of Object.entries(CALLS)) {
      for (const args of list) {
        const { text } = withoutEcho(
          JSON.stringify(await own.call(name, args, eve)),
          JSON.stringify(args),
        );
        for (const other of ['ann', 'bob', 'cid', 'dora']) {
          expect(text, `${name} ${JSON.stringify(args)}`).not.toMatch(new RegExp(`\\b${other}\\b`));
        }
      }
    }
    const fresh = { ...blue, subject: 'fay' };
    expect(await own.ask('get_learner', {}, fresh)).toMatchObject({ history_total: 0, goals: [] });
    expect(await own.fail('withdraw', { id: 'common' }, fresh)).toContain('in no course now');
    expect(await own.fail('give_feedback', { id: 'common', rating: 3 }, fresh)).toContain('never');
    const mine = await own.ask('get_learner', {}, blue);
    expect(mine['history_total']).toBe(3);
  });

  it('gives the same subject in two tenants two profiles', async () => {
    const mine = await tools.ask('get_learner', {}, red);
    const theirs = await tools.ask('get_learner', {}, blue);
    expect(mine['id']).not.toBe(theirs['id']);
    expect(mine['history_total']).toBe(0);
    expect(theirs['history_total']).toBe(3);
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
