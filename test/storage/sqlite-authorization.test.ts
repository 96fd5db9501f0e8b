import { rm } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { createSqliteAuthorizationStores } from '../../src/storage/sqlite/authorization-stores.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { authorizationClientsContract } from './contract/authorization-clients.js';
import { authorizationPeopleContract } from './contract/authorization-people.js';
import {
  type AuthorizationStoresHarness,
  authorizationStoresContract,
} from './contract/authorization-stores.js';

describe('authorization stores on SQLite', () => {
  authorizationStoresContract(open);
  authorizationClientsContract(open);
  authorizationPeopleContract(open);
});

async function open(): Promise<AuthorizationStoresHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'catalog-as-stores-'));
  const databases = [openSqlite(join(folder, 'a.db')), openSqlite(join(folder, 'a.db'))] as const;
  migrate(databases[0]);
  return {
    stores: createSqliteAuthorizationStores(databases[0]),
    otherConnection: createSqliteAuthorizationStores(databases[1]),
    async close() {
      for (const database of databases) database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
