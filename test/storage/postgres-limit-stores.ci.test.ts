import { afterAll, afterEach, beforeAll } from 'vitest';
import { type PlainRoleServer, queryPostgres, startPlainRoleServer } from '../support/postgres.js';
import { describePermitStore } from './contract/permit-store.js';
import { describeResultStore } from './contract/result-store.js';

let plain: PlainRoleServer;

beforeAll(async () => {
  plain = await startPlainRoleServer();
});
afterEach(() => plain.closeAll());
afterAll(() => plain.server.stop());

describePermitStore('PostgreSQL', async () => (await plain.open()).permits);
describeResultStore('PostgreSQL', async () => {
  const url = await plain.createDatabase();
  const { results } = await plain.open(url);
  return {
    results,
    dump: async () => JSON.stringify(await queryPostgres(url, 'SELECT * FROM kept_result')),
  };
});
