import { afterEach } from 'vitest';
import { createPermitStore } from '../../src/storage/stores/permit-store.js';
import { createResultStore } from '../../src/storage/stores/result-store.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { createSqliteEngine } from '../../src/storage/sqlite/engine.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { describePermitStore } from './contract/permit-store.js';
import { describeResultStore } from './contract/result-store.js';

const databases: SqliteDatabase[] = [];
afterEach(() => {
  for (const database of databases.splice(0)) database.close();
});

function open(): SqliteDatabase {
  const database = openSqlite(':memory:');
  migrate(database);
  databases.push(database);
  return database;
}

describePermitStore('SQLite', async () => createPermitStore(createSqliteEngine(open())));
describeResultStore('SQLite', async () => {
  const database = open();
  return {
    results: createResultStore(createSqliteEngine(database)),
    dump: async () => JSON.stringify(database.all('SELECT * FROM kept_result')),
  };
});
