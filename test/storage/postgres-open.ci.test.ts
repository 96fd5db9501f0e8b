import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../../src/storage/migrations/index.js';
import {
  StorageUnavailableError,
  UnknownMigrationError,
  openPostgresStorage,
} from '../../src/storage/index.js';
import { toPostgresSql, toPostgresValue } from '../../src/storage/postgres/dialect.js';
import { createPostgresEngine } from '../../src/storage/postgres/engine.js';
import { actAsTenant, all, run } from '../../src/storage/sql.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { RANKED_PAGE } from '../../src/storage/stores/catalog-search.js';
import { type PlainRoleServer, queryPostgres, startPlainRoleServer } from '../support/postgres.js';
import { runNode } from '../support/processes.js';

let plain: PlainRoleServer;
beforeAll(async () => {
  plain = await startPlainRoleServer();
});
afterAll(() => plain.server.stop());

function poolOf(connectionString: string, max = 4): pg.Pool {
  return new pg.Pool({ connectionString, max, pipeline: true } as pg.PoolConfig);
}

/** The error that opening ends with, and everything that can be read off it. */
async function failure(url: string): Promise<{ error: Error; text: string }> {
  const error = await openPostgresStorage(url, { connectTimeoutMs: 1500 }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error)) throw new Error('expected it to fail');
  const texts: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    texts.push(cause.message, cause.stack ?? '', JSON.stringify(cause));
  }
  return { error, text: texts.join('\n') };
}

describe('opening a PostgreSQL database', () => {
  it('builds the schema once, keeps the data at the second time, and says whether rows are walled', async () => {
    const url = await plain.server.createDatabase();
    const first = await openPostgresStorage(url);
    await first.authorization.counters.increment('kept', 60, 1000);
    await first.close();
    const second = await openPostgresStorage(url);
    expect(await second.authorization.counters.increment('kept', 60, 1000)).toMatchObject({
      count: 2,
    });
    expect(second.hasRowSecurity).toBe(false);
    await second.close();
    expect(await queryPostgres(url, 'SELECT id FROM schema_migration')).toHaveLength(
      migrations.length,
    );
  });

  it('lets several processes start on a new database at once', async () => {
    const url = await plain.server.createDatabase();
    const script = `
      import { openPostgresStorage } from './src/storage/index.ts';
      const storage = await openPostgresStorage(process.env.TEST_DATABASE);
      await storage.catalog.courses.languages({ tenant: 'acme' });
      await storage.close();
    `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const start = (): ReturnType<typeof runNode> => runNode(args, { env: { TEST_DATABASE: url } });
    const runs = await Promise.all([start(), start(), start()]);
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      runs.map(() => ({ code: 0, stderr: '' })),
    );
    expect(await queryPostgres(url, 'SELECT id FROM schema_migration')).toHaveLength(
      migrations.length,
    );
    expect(await queryPostgres(url, "SELECT 1 FROM tenant WHERE slug = 'acme'")).toHaveLength(1);
  });

  it('refuses a database that a newer version wrote, and names the migration', async () => {
    const url = await plain.server.createDatabase();
    await (await openPostgresStorage(url)).close();
    await queryPostgres(url, "INSERT INTO schema_migration VALUES ('999-future', 1)");
    const { error } = await failure(url);
    expect(error).toBeInstanceOf(UnknownMigrationError);
    expect(error.message).toContain('999-future');
  });

  it('tells a role that may not build the schema what to do', async () => {
    const url = plain.server.urlAs(await plain.server.createDatabase(), plain.role);
    const { error } = await failure(url);
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error.message).toMatch(/001-server.*open it once as the role that owns it/);
  });

  it.each([
    'not a url',
    'mysql://ann:secret-word@127.0.0.1/x',
    'postgres://ann:secret-word@[bad/x',
    '/tmp/secret-word.sqlite',
  ])('says what a URL has to look like, without repeating it: %s', async (url) => {
    const { error, text } = await failure(url);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('postgres://user:password@host:5432/database');
    expect(text).not.toContain('secret-word');
  });

  it('names host and database, never the password, when it is the wrong one', async () => {
    const url = new URL(await plain.createDatabase());
    url.password = 'wrong-secret-word';
    const { error, text } = await failure(url.href);
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error.message).toContain(`postgres://${url.host}${url.pathname}`);
    expect(error.message).toContain('password authentication failed');
    expect(text).not.toContain('secret-word');
  });

  it('names host and database when nobody listens there', async () => {
    const { error, text } = await failure('postgres://ann:secret-word@127.0.0.1:1/shop');
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error.message).toMatch(/postgres:\/\/127\.0\.0\.1:1\/shop.*ECONNREFUSED/);
    expect(text).not.toContain('secret-word');
  });

  it('gives up on a server that accepts and then says nothing', async () => {
    const silent = createServer((socket) => {
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { error } = await failure(`postgres://ann:secret-word@127.0.0.1:${port}/shop`);
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error.message).toContain('timeout');
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('an open PostgreSQL database', () => {
  it('serves on after the server ended its connections', async () => {
    const url = await plain.createDatabase();
    const storage = await openPostgresStorage(url);
    const count = (): Promise<unknown> => storage.authorization.counters.increment('n', 60, 1000);
    await count();
    await queryPostgres(
      url,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user',
    );
    await expect.poll(() => count().then(Boolean, () => false), { timeout: 5000 }).toBe(true);
    await storage.close();
  });

  it('ends a statement that takes too long, and serves on', async () => {
    const url = await plain.createDatabase();
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query("INSERT INTO as_counter VALUES ('held', 1, 1)");
    const storage = await openPostgresStorage(url, { statementTimeoutMs: 300 });
    const held = storage.authorization.counters.increment('held', 60, 1000);
    await expect(held).rejects.toThrow('statement timeout');
    await storage.authorization.counters.increment('free', 60, 1000);
    await holder.end();
    await storage.close();
  });

  it('runs a transaction again that met another one crosswise', async () => {
    const url = await plain.createDatabase();
    const pool = poolOf(url);
    const engine = createPostgresEngine(pool, { unavailable: (cause) => cause });
    await queryPostgres(url, "INSERT INTO as_counter VALUES ('a', 0, 0), ('b', 0, 0)");
    let runs = 0;
    const addTo = (...names: readonly string[]): Promise<void> =>
      engine.write(function* () {
        runs += 1;
        for (const name of names) {
          yield* run('UPDATE as_counter SET count = count + 1 WHERE name = ?', name);
          yield* all('SELECT pg_sleep(0.2)');
        }
      });
    await Promise.all([addTo('a', 'b'), addTo('b', 'a')]);
    expect(runs).toBeGreaterThan(2);
    expect(await queryPostgres(url, 'SELECT count FROM as_counter')).toEqual([
      { count: '2' },
      { count: '2' },
    ]);
    await pool.end();
  });

  it('reports a connection that breaks inside a transaction, and takes another one', async () => {
    const pool = poolOf(await plain.createDatabase(), 1);
    const engine = createPostgresEngine(pool, {
      unavailable: (cause) => new StorageUnavailableError('postgres://here/x', { cause }),
    });
    const work = engine.write(function* () {
      yield* run("INSERT INTO as_counter VALUES ('x', 1, 1)");
      yield* all('SELECT pg_terminate_backend(pg_backend_pid())');
      yield* all('SELECT pg_sleep(5)');
    });
    await expect(work).rejects.toThrow(StorageUnavailableError);
    expect(await engine.run(() => all('SELECT name FROM as_counter'))).toEqual([]);
    await pool.end();
  });

  it('forgets the tenant with the transaction, kept or not', async () => {
    const pool = poolOf(await plain.createDatabase(), 1);
    const engine = createPostgresEngine(pool, { unavailable: (cause) => cause });
    const tenant = (): Promise<unknown> =>
      engine.run(() => all("SELECT current_setting('app.tenant', true) AS tenant"));
    await engine.write(() => actAsTenant(1));
    expect(await tenant()).toEqual([{ tenant: '' }]);
    const failing = engine.read(function* () {
      yield* actAsTenant(1);
      throw new Error('stop');
    });
    await expect(failing).rejects.toThrow('stop');
    expect(await tenant()).toEqual([{ tenant: '' }]);
    await pool.end();
  });

  it('keeps nothing of a transaction that fails late, and its connection can be used again', async () => {
    const url = await plain.createDatabase();
    const pool = poolOf(url, 1);
    const engine = createPostgresEngine(pool, { unavailable: (cause) => cause });
    const work = engine.write(function* () {
      yield* run("INSERT INTO as_counter VALUES ('x', 1, 1)");
      yield* run('INSERT INTO as_counter VALUES (NULL, 1, 1)');
    });
    await expect(work).rejects.toThrow('not-null');
    await expect(
      engine.write(function* () {
        yield* run("INSERT INTO as_counter VALUES ('x', 1, 1)");
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await engine.run(() => all('SELECT * FROM as_counter'))).toEqual([]);
    await pool.end();
  });
});

describe('the schema on both engines', () => {
  it('has the same tables and columns, and compares every text by bytes', async () => {
    const url = await plain.createDatabase();
    const database = openSqlite(':memory:');
    migrate(database);
    const sqlite = database.all<{ at: string }>(
      `SELECT t.name || '.' || c.name AS at FROM sqlite_schema t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'`,
    );
    const postgres = await queryPostgres(
      url,
      `SELECT table_name || '.' || column_name AS at, data_type, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'`,
    );
    const names = (rows: readonly { at?: unknown }[]): string[] =>
      rows.map((row) => String(row.at)).sort();
    expect(names(postgres)).toEqual(names(sqlite));
    const texts = postgres.filter((row) => row['data_type'] === 'text');
    const elsewhere = texts.filter((row) => row['collation_name'] !== 'C');
    expect(names(elsewhere)).toEqual(['schema_migration.id']);
    database.close();
  });

  it('finds postings by the index under row-level security, not by reading the tenant', async () => {
    const owner = await plain.server.createDatabase();
    await (await openPostgresStorage(owner, { grantTo: plain.role })).close();
    await queryPostgres(
      owner,
      `INSERT INTO posting SELECT 0, term, course, 1
        FROM generate_series(1, 1500) AS term, generate_series(1, 100) AS course;
      ANALYZE posting`,
    );
    const client = new pg.Client(plain.server.urlAs(owner, plain.role));
    await client.connect();
    await client.query("BEGIN; SELECT set_config('app.tenant', '1', true)");
    const filters = [null, null, null, null, null, null, null];
    const params = [...filters, '[[0, 5, 1.5]]', 0, 0, 0, 1, null, null, null, null, 10];
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN ${toPostgresSql(RANKED_PAGE)}`,
      params.map(toPostgresValue),
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(
      /using posting_pkey on posting p[^\n]*\n\s*Index Cond: \(\(tenant_id = 0\) AND \(term_id = q\.term_id\)\)/,
    );
    await client.end();
  });
});
