import { afterEach } from 'vitest';
import { createSqliteApiKeyStore } from '../../src/storage/sqlite/api-key-store.js';
import { createSqliteAuditLog } from '../../src/storage/sqlite/audit-log.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { createSqliteEventLog } from '../../src/storage/sqlite/event-log.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { createSqliteSessionStore } from '../../src/storage/sqlite/session-store.js';
import { describe, expect, it } from 'vitest';
import { describeApiKeyStore } from './contract/api-key-store.js';
import { describeAuditLog } from './contract/audit-log.js';
import { describeSessionStores, sessionRecord } from './contract/session-store.js';

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

describeSessionStores('SQLite', async () => {
  const database = open();
  return {
    sessions: createSqliteSessionStore(database),
    events: createSqliteEventLog(database),
    dump: async () => JSON.stringify(database.all('SELECT * FROM mcp_session')),
  };
});
describeApiKeyStore('SQLite', async () => createSqliteApiKeyStore(open()));
describeAuditLog('SQLite', async () => createSqliteAuditLog(open()));

describe('the event log on SQLite', () => {
  it('keeps a bounded number of events per session: the oldest go first', async () => {
    const database = open();
    const sessions = createSqliteSessionStore(database);
    await sessions.create(sessionRecord);
    const events = createSqliteEventLog(database, { maxEventsPerSession: 3 });
    for (let n = 1; n <= 5; n++) await events.append(sessionRecord.id, 'a', { n });
    expect(await events.streamOf(sessionRecord.id, '2')).toBeUndefined();
    expect(await events.streamOf(sessionRecord.id, '3')).toBe('a');
    expect(await events.append(sessionRecord.id, 'a', {})).toBe('6');
  });
});
