import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalog } from '../../src/catalog/index.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import { createRegistry } from '../../src/server/core/registry.js';
import {
  type CatalogUnderTest,
  catalogOver,
  clock,
  courseRecord,
  emptyStore,
  fakeToolContext,
  idsOf,
  principalOf,
  sampleStore,
} from './support.js';

let store: CatalogStore;
let tools: CatalogUnderTest;

beforeAll(async () => {
  ({ store } = await sampleStore());
});
beforeEach(() => {
  tools = catalogOver(store);
});

describe('the list of tools', () => {
  it('stays within 6,000 bytes: names, descriptions and input schemas', () => {
    const { tools: list } = createRegistry(tools.catalog);
    const sizes = [...list.values()].map((tool) => {
      const schema = tool.input?.['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
      return Buffer.byteLength(tool.name + tool.description + JSON.stringify(schema));
    });
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(6000);
    for (const tool of list.values()) expect(tool.description.length).toBeGreaterThanOrEqual(40);
  });

  it.each(['input', 'output'] as const)(
    'has %s schemas that every model vendor takes',
    (direction) => {
      for (const tool of tools.catalog.tools) {
        const schema = tool[direction]?.['~standard'].jsonSchema[direction]({
          target: 'draft-2020-12',
        });
        expect(schema?.['type'], tool.name).toBe('object');
        const text = JSON.stringify(schema);
        for (const word of [
          '$ref',
          'patternProperties',
          'prefixItems',
          'oneOf',
          'allOf',
          'anyOf',
        ]) {
          expect(text, tool.name).not.toContain(`"${word}"`);
        }
      }
    },
  );

  it('asks for the scopes of what each tool touches', () => {
    const scopes = Object.fromEntries(tools.catalog.tools.map((tool) => [tool.name, tool.scopes]));
    expect(scopes).toEqual({
      search_courses: ['catalog:read'],
      get_course: ['catalog:read'],
      recommend_courses: ['catalog:read', 'learner:read'],
      get_learner: ['learner:read'],
      set_goals: ['learner:write'],
      enroll: ['enrollment:write'],
      compare_courses: ['catalog:read'],
      withdraw: ['enrollment:write'],
      give_feedback: ['learner:write'],
      plan_learning_path: ['catalog:read', 'learner:read'],
      search: ['catalog:read'],
      fetch: ['catalog:read'],
    });
  });

  it('takes no learner and no tenant as an argument', () => {
    for (const tool of tools.catalog.tools) {
      const schema = JSON.stringify(
        tool.input?.['~standard'].jsonSchema.input({ target: 'draft-2020-12' }),
      );
      expect(schema).not.toMatch(/"(tenant|learner|learner_id|subject|user)"/);
    }
  });
});

describe('search_courses', () => {
  it('answers with cards, reasons, facets and a cursor', async () => {
    const result = await tools.ask('search_courses', { query: 'sql', limit: 2 });
    expect(result.courses).toHaveLength(2);
    expect(result.courses[0]).toMatchObject({ id: expect.any(String), hours: 10, currency: 'EUR' });
    expect(result.courses[0]?.['why']).toContain('sql: title');
    expect(result['facets']).toBeDefined();
    const next = await tools.ask('search_courses', {
      query: 'sql',
      limit: 2,
      cursor: result['next_cursor'],
    });
    expect(idsOf(next)).not.toEqual(idsOf(result));
    expect(next['facets']).toBeUndefined();
  });

  it('takes a skill by any of its names, and offers the nearest of an unknown one', async () => {
    const byAlias = await tools.ask('search_courses', { skill: 'docker' });
    expect(idsOf(byAlias)).toEqual(['containers-in-practice']);
    const text = await tools.fail('search_courses', { skill: 'statistcs' });
    expect(text).toContain('"Statistics"');
  });

  it('says what would be there without a filter', async () => {
    const result = await tools.ask('search_courses', { query: 'kubernetes', language: 'de' });
    expect(result['hint']).toMatch(/There would be \d+ without language/);
  });

  it('answers a cursor of another search with what to do', async () => {
    const { next_cursor: cursor } = await tools.ask('search_courses', { query: 'data', limit: 1 });
    expect(await tools.fail('search_courses', { query: 'sql', cursor })).toContain(
      'belongs to another search',
    );
  });

  it('stays under 32 kB with twenty of the widest courses', async () => {
    const { store: wide } = emptyStore();
    await wide.courses.importCourses(
      { tenant: 'alderbrook' },
      Array.from({ length: 20 }, (_, index) =>
        courseRecord({
          id: `wide-${index}`,
          title: '漢'.repeat(200),
          summary: '漢'.repeat(400),
          provider: '漢'.repeat(120),
          teaches: Array.from({ length: 40 }, (__, skill) => `skill ${skill} ${'漢'.repeat(60)}`),
        }),
      ),
      { at: 1 },
    );
    const result = await catalogOver(wide).ask('search_courses', { limit: 20, detail: 'full' });
    expect(result.courses).toHaveLength(20);
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(32_000);
  });
});

describe('get_course', () => {
  it('shows levels of skills and titles of prerequisites', async () => {
    const course = await tools.ask('get_course', { id: 'course://sql-analytics' });
    expect(course).toMatchObject({
      id: 'sql-analytics',
      teaches: [{ skill: 'sql', level: 4 }],
      prerequisites: [{ id: 'sql-basics', title: 'SQL Basics', kind: 'hard' }],
      uri: 'course://sql-analytics',
    });
    expect(course['description']).toContain('window functions');
    const brief = await tools.ask('get_course', { id: 'sql-analytics', detail: 'brief' });
    expect(brief['description']).toBeUndefined();
  });

  it('answers an unknown id with the nearest ones', async () => {
    expect(await tools.fail('get_course', { id: 'py-101' })).toMatch(
      /^Unknown course "py-101"\. Nearest are .*"python-basics"/,
    );
    expect(await tools.fail('get_course', { id: 'sql-basic' })).toContain('"sql-basics"');
    expect(await tools.fail('get_course', { id: '!?' })).toContain('Unknown course');
  });
});

describe('recommend_courses', () => {
  it('gives each course its reason, made from the evidence beside it', async () => {
    const result = await tools.ask('recommend_courses', {});
    expect(result['message']).toBe('Based on the goal "data analyst" and 5 courses taken.');
    expect(result.courses.length).toBe(5);
    for (const course of result.courses) {
      const evidence = course['evidence'] as { kind: string; learners?: number }[];
      expect(evidence.length).toBeGreaterThan(0);
      for (const item of evidence) {
        if (item.learners !== undefined) expect(course['why']).toContain(String(item.learners));
      }
    }
    expect(result['in_progress']).toEqual([
      { id: 'health-informatics', title: 'Introduction to Health Informatics', progress: 0.4 },
    ]);
    expect(JSON.stringify(result['not_now'])).toContain('"complete_first":["sql-basics"]');
  });

  it('says plainly that nothing fits, and why', async () => {
    const nothing = await tools.ask('recommend_courses', { goal: 'basket weaving' });
    expect(nothing.courses).toEqual([]);
    expect(nothing['message']).toMatch(/^Nothing fits "basket weaving": no course/);
    const shut = await tools.ask('recommend_courses', { goal: 'data analyst', language: 'fr' });
    expect(shut['message']).toMatch(/^Nothing fits "data analyst" now\. .*\d+ are not in fr/);
  });

  it('answers a client without a person from the request alone', async () => {
    const machine = principalOf({ method: 'machine' });
    const result = await tools.ask('recommend_courses', { goal: 'SQL' }, machine);
    expect(idsOf(result)).toContain('sql-basics');
    expect(result['in_progress']).toEqual([]);
  });

  it('stays under 32 kB with ten courses', async () => {
    const result = await tools.ask('recommend_courses', { limit: 10 });
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(32_000);
  });
});

describe('get_learner, set_goals and enroll', () => {
  const fresh = principalOf({ subject: 'fresh', tenant: 'tessera' });

  it('give an empty profile to a person nobody has seen, and write nothing', async () => {
    const { store: own, database } = await sampleStore();
    const result = await catalogOver(own).ask('get_learner', {}, fresh);
    expect(result).toMatchObject({ goals: [], skills: [], history: [], history_total: 0 });
    expect(result['hint']).toContain('set_goals');
    const rows = database.all(`SELECT * FROM learner WHERE subject = 'fresh'`);
    expect(rows).toEqual([]);
  });

  it('save goals as they were understood, and keep what was left out', async () => {
    const own = catalogOver((await sampleStore()).store);
    const saved = await own.ask(
      'set_goals',
      {
        goals: ['I want to become a data analyst', 'learn some Spanish', 'be kinder'],
        weekly_hours: 4,
        languages: ['en-GB', 'de'],
        skills: [{ skill: 'Excel', level: 2 }],
      },
      fresh,
    );
    expect(saved['goals']).toMatchObject([
      { understood_as: 'role: data analyst' },
      { understood_as: 'skill: Spanish' },
      { understood_as: 'words' },
    ]);
    expect(saved['hint']).toContain('role');
    await own.ask('set_goals', { weekly_hours: 6 }, fresh);
    const profile = await own.ask('get_learner', {}, fresh);
    expect(profile).toMatchObject({
      weekly_hours: 6,
      languages: ['en', 'de'],
      skills: [{ skill: 'spreadsheets', level: 2 }],
    });
    expect(profile['goals']).toHaveLength(3);
  });

  it('refuse what cannot be saved, and say what can', async () => {
    expect(await tools.fail('set_goals', {}, fresh)).toContain('"goals"');
    expect(await tools.fail('set_goals', { languages: ['english please'] }, fresh)).toContain(
      'pt-BR',
    );
    expect(
      await tools.fail('set_goals', { skills: [{ skill: 'pyton', level: 1 }] }, fresh),
    ).toContain('"Python"');
  });

  it('enroll once: the second call says so and changes nothing', async () => {
    const own = catalogOver((await sampleStore()).store);
    const first = await own.ask('enroll', { id: 'sql-basics' }, fresh);
    expect(first).toMatchObject({ status: 'enrolled', state: 'enrolled' });
    const second = await own.ask('enroll', { id: 'sql-basics' }, fresh);
    expect(second).toMatchObject({
      status: 'already_enrolled',
      enrolled_at: first['enrolled_at'],
    });
    expect((await own.ask('get_learner', {}, fresh))['history_total']).toBe(1);
  });

  it('refuse a course with an open hard prerequisite, and name the order that works', async () => {
    const text = await tools.fail('enroll', { id: 'sql-analytics' }, fresh);
    expect(text).toContain('complete "SQL Basics" (sql-basics) first');
    const far = await tools.fail('enroll', { id: 'statistics-inference' }, fresh);
    expect(far).toContain(
      '"spreadsheet-basics", "statistics-foundations" and "statistics-inference"',
    );
    expect(far).toContain('start by enrolling in "spreadsheet-basics"');
  });

  it('let nobody be locked out by prerequisites that go in a circle or lead nowhere', async () => {
    const { store: own } = emptyStore();
    await own.courses.importCourses(
      { tenant: 'tessera' },
      [
        courseRecord({ id: 'hen', prerequisites: ['egg'] }),
        courseRecord({ id: 'egg', prerequisites: ['hen', 'gone'] }),
      ],
      { at: 1 },
    );
    const farm = catalogOver(own);
    expect(await farm.ask('enroll', { id: 'hen' }, fresh)).toMatchObject({ status: 'enrolled' });
    expect(await farm.ask('enroll', { id: 'egg' }, fresh)).toMatchObject({ status: 'enrolled' });
  });

  it('answer an unknown course with the nearest ones', async () => {
    expect(await tools.fail('enroll', { id: 'sql-basix' }, fresh)).toContain('"sql-basics"');
  });

  it.each(['get_learner', 'set_goals', 'enroll'])(
    '%s refuses a client that is no person',
    async (name) => {
      const args =
        name === 'enroll' ? { id: 'sql-basics' } : name === 'set_goals' ? { goals: [] } : {};
      const machine = principalOf({ method: 'machine' });
      expect(await tools.fail(name, args, machine)).toContain('not of a person');
    },
  );

  it.each(['', '@shared'])('refuse the tenant %j, which has no people', async (tenant) => {
    const text = await tools.fail('get_learner', {}, principalOf({ tenant }));
    expect(text).toContain('belongs to no tenant');
    expect(await tools.fail('search_courses', {}, principalOf({ tenant }))).toContain('no tenant');
  });

  it('keep two people of one tenant, and two issuers of one subject, apart', async () => {
    const own = catalogOver((await sampleStore()).store);
    await own.ask('set_goals', { goals: ['SQL'] }, fresh);
    const other = principalOf({ subject: 'fresh', tenant: 'tessera', issuer: 'https://idp.test' });
    expect((await own.ask('get_learner', {}, other))['goals']).toEqual([]);
  });
});

describe('the course resource and the prompt', () => {
  const context = fakeToolContext(principalOf());

  it('reads a course as JSON, and nothing that is not there', async () => {
    const [template] = tools.catalog.resourceTemplates;
    const contents = await template?.read({ id: 'sql-basics' }, context);
    expect(JSON.parse(contents?.[0]?.text ?? '')).toMatchObject({ title: 'SQL Basics' });
    expect(await template?.read({ id: 'tessera-line-data' }, context)).toBeUndefined();
    expect(await template?.read({ id: '../etc' }, context)).toBeUndefined();
  });

  it('completes ids that the caller can see, and none without a caller', async () => {
    const complete = tools.catalog.resourceTemplates[0]?.complete?.['id'];
    const asked = { arguments: {}, principal: principalOf() };
    expect(await complete?.('sql', asked)).toEqual(['sql-analytics', 'sql-basics', 'sql-im-beruf']);
    expect(await complete?.('tessera', asked)).toEqual([]);
    expect(await complete?.('sql', { arguments: {} })).toEqual([]);
  });

  it('renders the prompt with the goal quoted, and completes goals', async () => {
    const [prompt] = tools.catalog.prompts;
    const { messages } = (await prompt?.render(
      { goal: 'data "analyst"', weekly_hours: '4' },
      context,
    )) ?? { messages: [] };
    expect(messages[0]?.content['text']).toContain(
      '{"goal":"data \\"analyst\\"","weekly_hours":4}',
    );
    const complete = prompt?.arguments?.[0]?.complete;
    expect(await complete?.('Data an', { arguments: {}, principal: principalOf() })).toContain(
      'data analyst',
    );
  });

  it('refuses a cursor secret that is too short', () => {
    const short = { store, clock, cursorSecret: new Uint8Array(16) };
    expect(() => createCatalog(short)).toThrow(TypeError);
  });
});
