import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/processes.js';
import { sqliteFamily, survives } from './refresh-crash.js';

test('300 random points of kill -9 in a refresh all end with one live family and no person involved', async () => {
  const database = join(temporaryFolder(), 'as.db');
  const look = sqliteFamily(database);
  const killed = await survives({ points: 300, seed: Date.now() % 1_000_000_007, database, look });
  // The rest were timing kills and statements that came too late: nothing to survive.
  expect(killed).toBeGreaterThan(250);
});
