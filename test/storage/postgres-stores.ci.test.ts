import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRecord, ArtifactWrite } from '../../src/authorization/ports.js';
import type { PostgresStorage } from '../../src/storage/index.js';
import { type PlainRoleServer, queryPostgres, startPlainRoleServer } from '../support/postgres.js';
import { describeApiKeyStore } from './contract/api-key-store.js';
import { describeAuditLog } from './contract/audit-log.js';
import { authorizationClientsContract } from './contract/authorization-clients.js';
import { authorizationPeopleContract } from './contract/authorization-people.js';
import { authorizationStoresContract } from './contract/authorization-stores.js';
import { describeTaskStore } from './contract/task-store.js';
import { describeMessageBus } from './contract/message-bus.js';
import { describeSessionStores, sessionRecord } from './contract/session-store.js';

let plain: PlainRoleServer;

beforeAll(async () => {
  plain = await startPlainRoleServer();
});
afterEach(() => plain.closeAll());
afterAll(() => plain.server.stop());

describeSessionStores('PostgreSQL', async () => {
  const url = await plain.createDatabase();
  const { sessions, events } = await plain.open(url);
  return {
    sessions,
    events,
    dump: async () => JSON.stringify(await queryPostgres(url, 'SELECT * FROM mcp_session')),
  };
});
describeApiKeyStore('PostgreSQL', async () => (await plain.open()).apiKeys);
describeMessageBus('PostgreSQL', async () => {
  const url = await plain.createDatabase();
  const [one, two] = [await plain.open(url), await plain.open(url)];
  return {
    buses: [one.bus, two.bus],
    another: async () => (await plain.open(url)).bus,
    run: (sql) => queryPostgres(url, sql),
  };
});

describe('the message bus on PostgreSQL', () => {
  it('catches up when the connection that listens breaks, and listens again', async () => {
    const url = await plain.createDatabase();
    const [one, two] = [await plain.open(url), await plain.open(url)];
    const heard: unknown[] = [];
    const end = two.bus.subscribe(({ body }) => heard.push(body['n']));
    await one.bus.publish('t', { n: 1 });
    await expect.poll(() => heard).toEqual([1]);
    const listeners =
      "FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    await queryPostgres(url, `SELECT pg_terminate_backend(pid) ${listeners}`);
    await one.bus.publish('t', { n: 2 });
    await expect.poll(() => heard, { timeout: 2000 }).toEqual([1, 2]);
    await expect
      .poll(() => queryPostgres(url, `SELECT count(*)::int AS n ${listeners}`), { timeout: 5000 })
      .toEqual([{ n: 1 }]);
    await one.bus.publish('t', { n: 3 });
    await expect.poll(() => heard, { timeout: 900 }).toEqual([1, 2, 3]);
    end();
    await expect
      .poll(() => queryPostgres(url, `SELECT count(*)::int AS n ${listeners}`))
      .toEqual([{ n: 0 }]);
  });
});

describeAuditLog('PostgreSQL', async () => (await plain.open()).audit);
describeTaskStore('PostgreSQL', async () => {
  const url = await plain.createDatabase();
  const { tasks } = await plain.open(url);
  return {
    tasks,
    dump: async () => JSON.stringify(await queryPostgres(url, 'SELECT * FROM mcp_task')),
  };
});
describe('authorization stores on PostgreSQL', () => {
  const open = async () => {
    const url = await plain.createDatabase();
    const storages = [await plain.open(url), await plain.open(url)] as const;
    return {
      stores: storages[0].authorization,
      otherConnection: storages[1].authorization,
      close: () => Promise.resolve(),
    };
  };
  authorizationStoresContract(open);
  authorizationClientsContract(open);
  authorizationPeopleContract(open);
});

describe('writers at the same time on PostgreSQL', () => {
  const token = (idHash: string): ArtifactRecord => ({
    model: 'RefreshToken',
    idHash,
    payload: 'sealed',
    grantHash: 'grant',
    uidHash: undefined,
    userCodeHash: undefined,
    clientId: 'client',
    accountId: 'ada',
    consumedAt: undefined,
    expiresAt: 2000,
    createdAt: 1000,
  });
  const insert = (idHash: string): ArtifactWrite => ({ kind: 'insert', record: token(idHash) });
  const spend = (idHash: string): ArtifactWrite => ({
    kind: 'consume',
    model: 'RefreshToken',
    idHash,
    consumedAt: 1,
  });

  async function twoProcesses(): Promise<readonly [PostgresStorage, PostgresStorage]> {
    const url = await plain.createDatabase();
    return [await plain.open(url), await plain.open(url)];
  }

  it('spend a token once, whoever tries at the same time', async () => {
    const [one, two] = await twoProcesses();
    const artifacts = [one.authorization.artifacts, two.authorization.artifacts] as const;
    await artifacts[0].commit([insert('spent')]);
    const attempts = Array.from({ length: 12 }, (_, index) =>
      artifacts[index % 2 === 0 ? 0 : 1].commit([spend('spent'), insert(`next-${index}`)]),
    );
    const results = await Promise.all(attempts);
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    const successors = await Promise.all(
      results.map((_, index) => artifacts[0].find('RefreshToken', `next-${index}`)),
    );
    expect(successors.map((found) => found !== undefined)).toEqual(results.map(({ ok }) => ok));
  });

  it('leave no token of a revoked grant, however a rotation and the revocation meet', async () => {
    const [one, two] = await twoProcesses();
    const { artifacts } = one.authorization;
    for (let round = 0; round < 25; round += 1) {
      await artifacts.commit([insert(`token-${round}`)]);
      const [rotation] = await Promise.all([
        artifacts.commit([spend(`token-${round}`), insert(`successor-${round}`)]),
        two.authorization.artifacts.commit([{ kind: 'revokeGrant', grantHash: 'grant' }]),
      ]);
      // A rotation that came after the revocation found its token gone; one before it was revoked with the rest.
      expect(rotation.ok || rotation.error.kind === 'consume').toBe(true);
      expect(await artifacts.find('RefreshToken', `successor-${round}`)).toBeUndefined();
    }
  });

  it('that meet crosswise both succeed', async () => {
    const [one, two] = await twoProcesses();
    const ids = Array.from({ length: 20 }, (_, index) => `row-${index}`);
    const upsert = (idHash: string): ArtifactWrite => ({
      kind: 'upsert',
      record: { ...token(idHash), grantHash: undefined },
    });
    for (let round = 0; round < 10; round += 1) {
      const results = await Promise.all([
        one.authorization.artifacts.commit(ids.map(upsert)),
        two.authorization.artifacts.commit(ids.toReversed().map(upsert)),
      ]);
      expect(results.every((result) => result.ok)).toBe(true);
    }
  });

  it('count every call', async () => {
    const [one, two] = await twoProcesses();
    const counts = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : two).authorization.counters.increment('calls', 60, 1000),
      ),
    );
    expect(counts.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
  });

  it('number the events of a session without gap or repeat', async () => {
    const [one, two] = await twoProcesses();
    await one.sessions.create(sessionRecord);
    const ids = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? one : two).events.append(sessionRecord.id, 'stream', { n }),
      ),
    );
    expect(ids.map(Number).sort((a, b) => a - b)).toEqual(ids.map((_, index) => index + 1));
  });

  it('make one signing key', async () => {
    const [one, two] = await twoProcesses();
    const stored = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? one : two).authorization.signingKeys.insert(
          {
            kid: `key-${index}`,
            algorithm: 'ES256',
            privateJwk: 'sealed',
            createdAt: 1,
            activateAt: 1,
            retireAt: undefined,
            removeAt: undefined,
          },
          [],
        ),
      ),
    );
    expect(stored.filter(Boolean)).toHaveLength(1);
    expect(await two.authorization.signingKeys.list()).toHaveLength(1);
  });
});

describe('text on PostgreSQL', () => {
  it('keeps what it can of a text that the engine has no room for: U+0000, half a surrogate pair', async () => {
    const { authorization } = await plain.open();
    const user = { tenant: 'acme', scopes: ['a\u0000'], isDisabled: false };
    await authorization.users.upsert({ ...user, id: 'x', displayName: 'a\u0000b\uD800c' });
    expect((await authorization.users.find('x'))?.displayName).toBe('a\u{FFFD}b\u{FFFD}c');
    expect(await authorization.users.find('nobody\u0000')).toBeUndefined();
  });
});
