import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { searchCourses } from '../../src/catalog/domain/search.js';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import { planPath } from '../../src/catalog/domain/path.js';
import { recommendCourses } from '../../src/catalog/domain/recommend.js';
import type { CourseId, LearnerScope } from '../../src/catalog/domain/scope.js';
import { type SampleLearner, seedSampleCatalog } from '../../src/catalog/sample.js';
import { type PostgresStorage, openPostgresStorage } from '../../src/storage/index.js';
import {
  CURSOR_SECRET,
  DATA_FOLDER,
  clock,
  courseRecord,
  sampleStore,
} from '../catalog/support.js';
import { type PlainRoleServer, startPlainRoleServer } from '../support/postgres.js';
import { describeCourseStore } from './contract/catalog-courses.js';
import { describeLearnerStore } from './contract/catalog-learners.js';

let plain: PlainRoleServer;

beforeAll(async () => {
  plain = await startPlainRoleServer();
});
afterEach(() => plain.closeAll());
afterAll(() => plain.server.stop());

const make = async (): Promise<CatalogStore> => (await plain.open(undefined, 8)).catalog;

describeCourseStore('PostgreSQL, as a plain role', make);
describeLearnerStore('PostgreSQL, as a plain role', make);

describe('the sample catalog on both engines', () => {
  const alderbrook = { tenant: 'alderbrook' };
  let people: readonly SampleLearner[];
  let storage: PostgresStorage;
  let sqlite: CatalogStore;
  let postgres: CatalogStore;

  beforeAll(async () => {
    storage = await openPostgresStorage(await plain.createDatabase());
    postgres = storage.catalog;
    const seeded = await seedSampleCatalog(postgres, { dataFolder: DATA_FOLDER, clock });
    people = seeded.learners;
    ({ store: sqlite } = await sampleStore());
  });
  afterAll(() => storage.close());

  async function same<T>(ask: (store: CatalogStore) => Promise<T>): Promise<T> {
    const [expected, found] = await Promise.all([ask(sqlite), ask(postgres)]);
    expect(found).toEqual(expected);
    return found;
  }

  it.each([
    ['', {}],
    ['data', {}],
    ['sql basics', {}],
    ['pyhton basics', {}],
    ['pyth', {}],
    ['talking to patients', {}],
    ['I want to learn how to lead a small team', {}],
    ['programacion', {}],
    ['Tabellenkalkulation', {}],
    ['c++', {}],
    ['sql xqzzwv', {}],
    ['how to', {}],
    ['kubernetes', { level: 'beginner', maxPriceMinor: 1 }],
    ['', { language: 'de-AT' }],
    ['', { provider: 'studio SECHS' }],
    ['', { skill: 'sql' as never, maxMinutes: 900 }],
    ['data', { format: 'self-paced' as never, level: 'beginner' }],
  ] as const)('gives the same pages, facets and reasons for %j %j', async (query, filters) => {
    let cursor: string | undefined;
    let count = 0;
    do {
      const request = { query, filters, limit: 7, cursor };
      const page = await same(async (store) => {
        const found = await searchCourses(store.courses, CURSOR_SECRET, alderbrook, request);
        if (!found.ok) throw new Error(found.error);
        return found.value;
      });
      count += page.hits.length;
      cursor = page.nextCursor;
    } while (cursor !== undefined && count < 100);
  });

  it('gives everybody the same recommendations, profile and history', async () => {
    expect(people).toHaveLength(6);
    const stranger = { tenant: 'tessera', subject: 'nobody-yet' };
    for (const { tenant, subject } of [...people, stranger]) {
      const learner: LearnerScope = { tenant, issuer: 'local', subject };
      const found = await same((store) => recommendCourses(store, learner, learner, { limit: 10 }));
      expect(found.items.length, subject).toBeGreaterThan(0);
      const goal = subject === stranger.subject ? 'data analyst' : undefined;
      await same((store) =>
        planPath(store, learner, learner, { goal, startOn: '2027-01-04', maxSteps: 6 }),
      );
      await same((store) => store.learners.history(learner));
      await same((store) => store.learners.find(learner));
    }
  });

  it('counts the same transitions', async () => {
    const page = await sqlite.courses.searchIndex(alderbrook, {
      words: [],
      filters: {},
      limit: 200,
    });
    const courses = page.hits.map((hit) => hit.id);
    const counted = await same((store) =>
      store.transitions.transitionsFrom(alderbrook, courses, 1),
    );
    expect(counted.length).toBeGreaterThan(100);
    await same((store) => store.transitions.transitionsFrom(alderbrook, courses, 3));
  });

  it.each(['', 'd', 'da', 'data', 's', 'sql-', 'Ü', 'z'])(
    'suggests the same for %j',
    async (prefix) => {
      await same((store) => store.courses.courseIdsStartingWith(alderbrook, prefix, 20));
      await same((store) => store.courses.wordsStartingWith(alderbrook, prefix, 20));
      await same((store) => store.courses.labelsStartingWith(alderbrook, prefix, 20));
    },
  );

  it('has the same words and languages', async () => {
    const words = await same((store) => store.courses.wordsOfLength(alderbrook, 4, 6));
    expect(words.length).toBeGreaterThan(20);
    await same((store) => store.courses.languages(alderbrook));
    const skills = ['sql', 'python', 'nothing'] as never[];
    await same((store) => store.courses.coursesTeaching(alderbrook, skills, 20));
    await same((store) => store.courses.skillsNamed(alderbrook, ['sql', 'python']));
    await same((store) => store.courses.rolesNamed(alderbrook, ['data analyst']));
  });
});

describe('two processes on one catalog', () => {
  const acme = { tenant: 'acme' };
  const id = (text: string): CourseId => text as CourseId;
  const learner = (subject: string): LearnerScope => ({ ...acme, issuer: 'local', subject });

  async function two(): Promise<readonly [CatalogStore, CatalogStore]> {
    const url = await plain.createDatabase();
    return [(await plain.open(url)).catalog, (await plain.open(url)).catalog];
  }

  it('import the same courses at once: each is there once, and so is its index', async () => {
    const [one, other] = await two();
    const records = Array.from({ length: 60 }, (_, index) =>
      courseRecord({ id: `course-${index}`, title: `Title ${index} shared`, teaches: { sql: 2 } }),
    );
    const counts = await Promise.all([
      one.courses.importCourses(acme, records, { at: 1 }),
      other.courses.importCourses(acme, records, { at: 2 }),
    ]);
    expect(counts.map(({ created }) => created).sort((a, b) => a - b)).toEqual([0, 60]);
    expect(counts.map(({ unchanged }) => unchanged).sort((a, b) => a - b)).toEqual([0, 60]);
    const words = await one.courses.wordsStartingWith(acme, 'shared', 1);
    expect(words).toEqual([{ word: 'shared', courses: 60 }]);
  });

  it('meet new tenants and new people at once, and number each once', async () => {
    const [one, other] = await two();
    const names = Array.from({ length: 12 }, (_, index) => `person-${index}`);
    await Promise.all(
      [...names, ...names].map((name, index) =>
        (index % 2 === 0 ? one : other).learners.save(learner(name), { weeklyHours: index }, 1),
      ),
    );
    const found = await Promise.all(names.map((name) => other.learners.find(learner(name))));
    expect(new Set(found.map((profile) => profile?.id)).size).toBe(names.length);
  });

  it('count every step once while one of them counts all anew', async () => {
    const [one, other] = await two();
    const courses = ['a', 'b', 'c', 'd'].map(id);
    const take = async (store: CatalogStore, subject: string): Promise<void> => {
      for (const [index, course] of courses.entries()) {
        await store.learners.enroll(learner(subject), { course, mustHaveCompleted: [], at: index });
      }
    };
    const taking = { isDone: false };
    const recount = async (): Promise<void> => {
      while (!taking.isDone) await one.transitions.rebuildTransitions(acme, 1);
    };
    const takers = Array.from({ length: 12 }, (_, index) =>
      take(index % 2 === 0 ? one : other, `p${index}`),
    );
    const done = Promise.all(takers).finally(() => {
      taking.isDone = true;
    });
    await Promise.all([done, recount()]);
    const counted = await other.transitions.transitionsFrom(acme, courses, 1);
    await other.transitions.rebuildTransitions(acme, 2);
    const anew = await one.transitions.transitionsFrom(acme, courses, 1);
    expect(counted.map(({ from, to, learners }) => [from, to, learners])).toEqual(
      anew.map(({ from, to, learners }) => [from, to, learners]),
    );
    expect(anew).toHaveLength(6);
    expect(anew.every(({ learners }) => learners === 12)).toBe(true);
  });
});

describe('row-level security', () => {
  const TENANT_TABLES = `SELECT c.relname AS name, c.relrowsecurity AS is_on, c.relforcerowsecurity AS binds_owner
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
    WHERE c.relkind = 'r' AND c.relname <> 'tenant' AND c.relnamespace = 'public'::regnamespace`;
  const id = (text: string): CourseId => text as CourseId;
  let storage: PostgresStorage;
  let url: string;
  let client: pg.Client;

  beforeAll(async () => {
    url = await plain.createDatabase();
    storage = await openPostgresStorage(url);
    await seedSampleCatalog(storage.catalog, { dataFolder: DATA_FOLDER, clock });
    client = new pg.Client(url);
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await storage.close();
  });

  async function tables(): Promise<{ name: string; is_on: boolean; binds_owner: boolean }[]> {
    return (await client.query(TENANT_TABLES)).rows as never;
  }

  /** Runs statements in a transaction of the tenant and undoes it. */
  async function asTenant(tenant: string | undefined, sql: string): Promise<unknown[]> {
    const fresh = new pg.Client(url);
    await fresh.connect();
    try {
      await fresh.query('BEGIN');
      if (tenant !== undefined) {
        const number = `SELECT set_config('app.tenant', tenant_id::text, true) FROM tenant WHERE slug = $1`;
        await fresh.query(number, [tenant]);
      }
      return (await fresh.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await fresh.end();
    }
  }

  it('binds the role that the server runs as, and every table with tenants', async () => {
    expect(storage.hasRowSecurity).toBe(true);
    const found = await tables();
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter((table) => !table.is_on || !table.binds_owner)).toEqual([]);
  });

  it('shows nothing while no tenant is set', async () => {
    for (const { name } of await tables()) {
      expect(await asTenant(undefined, `SELECT 1 FROM ${name} LIMIT 1`), name).toEqual([]);
    }
  });

  it('fails on a connection that served a tenant before and serves none now', async () => {
    const fresh = new pg.Client(url);
    await fresh.connect();
    await fresh.query("BEGIN; SELECT set_config('app.tenant', '1', true); COMMIT");
    await expect(fresh.query('SELECT 1 FROM learner')).rejects.toThrow('invalid input syntax');
    await fresh.end();
  });

  it('shows a tenant its own rows, and of other tenants only the catalog that it was granted', async () => {
    for (const { name } of await tables()) {
      const rows = await asTenant('alderbrook', `SELECT DISTINCT tenant_id FROM ${name}`);
      const seen = rows.map((row) => (row as { tenant_id: number }).tenant_id);
      const isPrivate = /^(?:learner|activity|enrollment|catalog_grant)/.test(name);
      for (const tenant of seen) expect(isPrivate ? [1] : [0, 1], name).toContain(tenant);
    }
    expect(await asTenant('alderbrook', 'SELECT DISTINCT tenant_id FROM learner')).toHaveLength(1);
    expect(await asTenant('alderbrook', 'SELECT DISTINCT tenant_id FROM course')).toHaveLength(2);
  });

  it.each([
    "INSERT INTO enrollment VALUES (2, 1, 'x', 'enrolled', 0, NULL, 1, 1, 1)",
    "INSERT INTO skill (tenant_id, skill_id, label) VALUES (0, 'x', 'x')",
    'UPDATE enrollment SET tenant_id = 2',
  ])('refuses to write rows of another tenant: %s', async (sql) => {
    await expect(asTenant('alderbrook', sql)).rejects.toThrow('row-level security');
  });

  it.each(['UPDATE course SET title = $$mine$$', 'DELETE FROM course'])(
    'leaves the rows of a granted catalog as they are: %s',
    async (sql) => {
      const changed = await asTenant('alderbrook', `${sql} RETURNING tenant_id`);
      expect(changed.length).toBeGreaterThan(0);
      expect(changed.every((row) => (row as { tenant_id: number }).tenant_id === 1)).toBe(true);
    },
  );

  it('leaves the plain role no way around: no table, policy or audit row of its own to change', async () => {
    for (const sql of [
      'CREATE TABLE mine (n INT)',
      'ALTER TABLE learner DISABLE ROW LEVEL SECURITY',
      'DROP POLICY own_rows ON learner',
      'DELETE FROM audit_row',
      'UPDATE audit_row SET outcome = $$ok$$',
      'DELETE FROM schema_migration',
    ]) {
      await expect(client.query(sql), sql).rejects.toThrow(/permission denied|must be owner/);
    }
  });

  it('keeps tenants apart when their calls share the connections of a small pool', async () => {
    const small = await plain.open(url, 2);
    const scopes = ['alderbrook', 'tessera', '@shared'].map((tenant) => ({ tenant }));
    const ownCourses = async (scope: { tenant: string }): Promise<string> => {
      const { total } = await small.catalog.courses.searchIndex(scope, {
        words: [],
        filters: {},
        limit: 1,
      });
      return `${scope.tenant} ${total}`;
    };
    const alone = [];
    for (const scope of scopes) alone.push(await ownCourses(scope));
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, index) => ownCourses(scopes[index % 3] ?? { tenant: '' })),
    );
    expect(new Set(many)).toEqual(new Set(alone));
    expect(
      await small.catalog.courses.getCourses({ tenant: 'new' }, [id('sql-basics')]),
    ).toHaveLength(1);
  });
});
