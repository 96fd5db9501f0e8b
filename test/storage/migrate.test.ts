import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../src/storage/migrations/index.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { UnknownMigrationError, migrate } from '../../src/storage/sqlite/migrate.js';
import { runNode, temporaryFolder } from '../support/processes.js';

describe('migrate', () => {
  let path: string;
  let database: SqliteDatabase;

  beforeEach(() => {
    path = join(temporaryFolder(), 'test.sqlite');
    database = openSqlite(path);
  });

  afterEach(() => database.close());

  it('applies every migration once and keeps the data at the second call', () => {
    migrate(database);
    database.run("INSERT INTO api_key VALUES ('i','h','n','i','s','t','[]',1,NULL,NULL,NULL)");
    migrate(database);
    expect(database.all('SELECT id FROM api_key')).toHaveLength(1);
    expect(database.all('SELECT id FROM schema_migration')).toHaveLength(migrations.length);
  });

  it('refuses a file that a newer version wrote, and names the migration', () => {
    migrate(database);
    database.run("INSERT INTO schema_migration VALUES ('999-future', 1)");
    expect(() => migrate(database)).toThrow(UnknownMigrationError);
    expect(() => migrate(database)).toThrow(/999-future/);
  });

  it('lets several processes start on a new file at once', async () => {
    const script = `
      import { openSqlite } from './src/storage/sqlite/database.ts';
      import { migrate } from './src/storage/sqlite/migrate.ts';
      migrate(openSqlite(${JSON.stringify(path)}));
    `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const runs = await Promise.all([runNode(args), runNode(args), runNode(args)]);
    expect(runs.map((run) => `${run.code}${run.stderr}`)).toEqual(['0', '0', '0']);
    expect(database.all('SELECT id FROM schema_migration')).toHaveLength(migrations.length);
  });
});

describe('transaction', () => {
  it('keeps nothing when the work throws, nested calls included', () => {
    const database = openSqlite(':memory:');
    database.exec('CREATE TABLE t (n INTEGER)');
    expect(() =>
      database.transaction(() => {
        database.run('INSERT INTO t VALUES (1)');
        database.transaction(() => database.run('INSERT INTO t VALUES (2)'));
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(database.all('SELECT n FROM t')).toEqual([]);
    database.close();
  });
});
