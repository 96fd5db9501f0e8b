import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { type TestPostgres, startPostgres } from '../support/postgres.js';
import { temporaryFolder } from '../support/processes.js';
import { openPostgresStorage } from '../../src/storage/index.js';
import { postgresFamily, sqliteFamily, survives } from './refresh-crash.js';

describe('kill -9 of the server in a refresh, and a client that repeats its request', () => {
  test('leaves one live family at 30 seeded points (SQLite)', async () => {
    const database = join(temporaryFolder(), 'as.db');
    await survives({ points: 30, seed: 20_261_121, database, look: sqliteFamily(database) });
  });

  describe('on PostgreSQL', () => {
    let postgres: TestPostgres;
    beforeAll(async () => {
      postgres = await startPostgres();
    });
    afterAll(() => postgres.stop());

    test('leaves one live family at 8 seeded points', async () => {
      const database = await postgres.createDatabase();
      await (await openPostgresStorage(database)).close();
      await survives({ points: 8, seed: 7, database, look: postgresFamily(database) });
    });
  });
});
