import { afterAll, afterEach, beforeAll } from 'vitest';
import { type PlainRoleServer, startPlainRoleServer } from '../support/postgres.js';
import { describeRevocationFeed } from './contract/revocation-feed.js';

let plain: PlainRoleServer;

beforeAll(async () => {
  plain = await startPlainRoleServer();
});
afterEach(() => plain.closeAll());
afterAll(() => plain.server.stop());

describeRevocationFeed('PostgreSQL', async () => {
  const url = await plain.createDatabase();
  return { stores: await plain.open(url), other: await plain.open(url) };
});
