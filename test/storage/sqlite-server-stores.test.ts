import { afterEach } from 'vitest';
import { createSqliteApiKeyStore } from '../../src/storage/sqlite/api-key-store.js';
import { createSqliteAuditLog } from '../../src/storage/sqlite/audit-log.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { createSqliteEventLog } from '../../src/storage/sqlite/event-log.js';
import { createSqliteMessageBus } from '../../src/storage/sqlite/message-bus.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { createSqliteSessionStore } from '../../src/storage/sqlite/session-store.js';
import { describe, expect, it } from 'vitest';
import { describeApiKeyStore } from './contract/api-key-store.js';
import { auditRow, describeAuditLog } from './contract/audit-log.js';
import { createSqliteTaskStore } from '../../src/storage/sqlite/task-store.js';
import { describeTaskStore } from './contract/task-store.js';
import { describeMessageBus } from './contract/message-bus.js';
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
describeMessageBus('SQLite', async () => {
  const database = open();
  const bus = () => createSqliteMessageBus(database);
  return {
    buses: [bus(), bus()],
    another: async () => bus(),
    run: async (sql) => database.run(sql),
  };
});
describeAuditLog('SQLite', async () => createSqliteAuditLog(open()));

describeTaskStore('SQLite', async () => {
  const database = open();
  return {
    tasks: createSqliteTaskStore(database),
    dump: async () => JSON.stringify(database.all('SELECT * FROM mcp_task')),
  };
});

describe('the message bus on SQLite', () => {
  it('keeps the newest ten thousand messages', async () => {
    const database = open();
    database.run("INSERT INTO bus_message (message_no, topic, body) VALUES (10494, 't', '{}')");
    database.run("INSERT INTO bus_message (message_no, topic, body) VALUES (3, 't', '{}')");
    const bus = createSqliteMessageBus(database);
    await bus.publish('t', {});
    expect(database.all('SELECT count(*) AS n FROM bus_message')).toEqual([{ n: 3 }]);
    await bus.publish('t', {});
    expect(database.all('SELECT min(message_no) AS n FROM bus_message')).toEqual([{ n: 10_494 }]);
  });
});

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

describe('the audit log on SQLite', () => {
  it.each([
    ["UPDATE audit_row SET outcome = 'ok'", 'audit_row is append-only'],
    ['DELETE FROM audit_row', 'only a recorded sweep deletes'],
    ['DELETE FROM audit_row WHERE at >= 0', 'only a recorded sweep deletes'],
    ['UPDATE audit_sweep SET deleted = 0', 'audit_sweep is append-only'],
    ['DELETE FROM audit_sweep', 'audit_sweep is append-only'],
    [
      'INSERT INTO audit_sweep (at, delete_before, deleted) VALUES (10, 11, 0)',
      'CHECK constraint failed',
    ],
  ])('refuses %s, whoever asks', async (sql, reason) => {
    const database = open();
    const log = createSqliteAuditLog(database);
    await log.appendAll([1, 2].map((at) => ({ ...auditRow, at })));
    await log.sweep(2, 3, 10);
    expect(() => database.exec(sql)).toThrow(reason);
    expect(await log.recent(10)).toHaveLength(1);
    expect(await log.sweeps(10)).toHaveLength(1);
  });
});
