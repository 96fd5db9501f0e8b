import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  ArtifactRecord,
  ArtifactWrite,
  AuthorizationStores,
  ClientRecord,
  SigningKeyRecord,
} from '../../../src/authorization/ports.js';

/** What the suite needs of an engine: fresh stores, and a second connection to the same data. */
export interface AuthorizationStoresHarness {
  readonly stores: AuthorizationStores;
  readonly otherConnection: AuthorizationStores;
  close(): Promise<void>;
}

function artifact(changes: Partial<ArtifactRecord> = {}): ArtifactRecord {
  return {
    model: 'RefreshToken',
    idHash: 'id-1',
    payload: 'sealed',
    grantHash: 'grant-1',
    uidHash: undefined,
    userCodeHash: undefined,
    clientId: 'client-1',
    accountId: 'ada',
    consumedAt: undefined,
    expiresAt: 2000,
    createdAt: 1000,
    ...changes,
  };
}

const upsert = (changes: Partial<ArtifactRecord> = {}): ArtifactWrite => ({
  kind: 'upsert',
  record: artifact(changes),
});
const consume = (idHash = 'id-1', consumedAt = 1500): ArtifactWrite => ({
  kind: 'consume',
  model: 'RefreshToken',
  idHash,
  consumedAt,
});

function client(changes: Partial<ClientRecord> = {}): ClientRecord {
  return {
    clientId: 'client-1',
    metadata: 'sealed',
    source: 'registered',
    registeredFrom: undefined,
    createdAt: 1000,
    lastUsedAt: undefined,
    expiresAt: 2000,
    ...changes,
  };
}

/** The contract of {@link AuthorizationStores}, for every engine. */
export function authorizationStoresContract(open: () => Promise<AuthorizationStoresHarness>): void {
  let harness: AuthorizationStoresHarness;
  let stores: AuthorizationStores;
  beforeEach(async () => {
    harness = await open();
    stores = harness.stores;
  });
  afterEach(() => harness.close());

  describe('artifacts', () => {
    test('are found by id, uid and user code within their model', async () => {
      const record = artifact({ model: 'Session', uidHash: 'uid-1', userCodeHash: 'code-1' });
      await stores.artifacts.commit([{ kind: 'upsert', record }]);

      expect(await stores.artifacts.find('Session', 'id-1')).toEqual(record);
      expect(await stores.artifacts.findByUid('Session', 'uid-1')).toEqual(record);
      expect(await stores.artifacts.findByUserCode('Session', 'code-1')).toEqual(record);
      expect(await stores.artifacts.find('Interaction', 'id-1')).toBeUndefined();
      expect(await stores.artifacts.findByUid('Session', 'id-1')).toBeUndefined();
    });

    test('are replaced by an upsert, which never brings a spent one back', async () => {
      await stores.artifacts.commit([upsert(), consume()]);
      await stores.artifacts.commit([upsert({ payload: 'newer' })]);

      expect(await stores.artifacts.find('RefreshToken', 'id-1')).toMatchObject({
        payload: 'newer',
        consumedAt: 1500,
      });
    });

    test('are consumed once: the second attempt conflicts and changes nothing', async () => {
      await stores.artifacts.commit([upsert()]);
      const first = await stores.artifacts.commit([consume('id-1', 1500)]);
      const second = await harness.otherConnection.artifacts.commit([consume('id-1', 1600)]);

      expect(first).toEqual({ ok: true, value: undefined });
      expect(second).toEqual({
        ok: false,
        error: { kind: 'consume', model: 'RefreshToken', idHash: 'id-1' },
      });
      expect((await stores.artifacts.find('RefreshToken', 'id-1'))?.consumedAt).toBe(1500);
    });

    test('that are gone cannot be consumed', async () => {
      expect((await stores.artifacts.commit([consume()])).ok).toBe(false);
    });

    test('are inserted once', async () => {
      const insert: ArtifactWrite = {
        kind: 'insert',
        record: artifact({ model: 'ReplayDetection' }),
      };

      expect((await stores.artifacts.commit([insert])).ok).toBe(true);
      expect(await stores.artifacts.commit([insert])).toEqual({
        ok: false,
        error: { kind: 'insert', model: 'ReplayDetection', idHash: 'id-1' },
      });
    });

    test('are written all or none: a conflict undoes what came before it', async () => {
      await stores.artifacts.commit([upsert(), consume()]);
      const outcome = await stores.artifacts.commit([
        upsert({ idHash: 'id-2' }),
        { kind: 'destroy', model: 'RefreshToken', idHash: 'id-1' },
        upsert({ idHash: 'id-1', consumedAt: undefined }),
        { kind: 'destroy', model: 'RefreshToken', idHash: 'id-1' },
        consume(),
      ]);

      expect(outcome.ok).toBe(false);
      expect(await stores.artifacts.find('RefreshToken', 'id-2')).toBeUndefined();
      expect(await stores.artifacts.find('RefreshToken', 'id-1')).toBeDefined();
    });

    test('die with their grant, and nothing else does', async () => {
      await stores.artifacts.commit([
        upsert(),
        upsert({ model: 'AuthorizationCode', idHash: 'id-2' }),
        upsert({ model: 'Grant', idHash: 'grant-1', grantHash: undefined }),
        upsert({ model: 'Session', idHash: 'grant-1', grantHash: undefined }),
        upsert({ idHash: 'id-3', grantHash: 'grant-2' }),
        replay('id-1', 'grant-1'),
        replay('id-3', 'grant-2'),
      ]);
      await stores.artifacts.commit([{ kind: 'revokeGrant', grantHash: 'grant-1' }]);

      expect(await stores.artifacts.find('RefreshToken', 'id-1')).toBeUndefined();
      expect(await stores.artifacts.find('AuthorizationCode', 'id-2')).toBeUndefined();
      expect(await stores.artifacts.find('Grant', 'grant-1')).toBeUndefined();
      expect(await stores.artifacts.findReplay('id-1')).toBeUndefined();
      expect(await stores.artifacts.find('Session', 'grant-1')).toBeDefined();
      expect(await stores.artifacts.find('RefreshToken', 'id-3')).toBeDefined();
      expect(await stores.artifacts.findReplay('id-3')).toBeDefined();
    });

    test('that expired are swept, with the kept answers', async () => {
      await stores.artifacts.commit([
        upsert({ expiresAt: 999 }),
        upsert({ idHash: 'id-2', expiresAt: 1000 }),
        upsert({ idHash: 'id-3', expiresAt: undefined }),
        replay('id-1', 'grant-1', 999),
        replay('id-2', 'grant-1', 1000),
      ]);

      expect(await stores.artifacts.deleteExpired(1000)).toBe(1);
      expect(await stores.artifacts.find('RefreshToken', 'id-1')).toBeUndefined();
      expect(await stores.artifacts.find('RefreshToken', 'id-2')).toBeDefined();
      expect(await stores.artifacts.find('RefreshToken', 'id-3')).toBeDefined();
      expect(await stores.artifacts.findReplay('id-1')).toBeUndefined();
      expect(await stores.artifacts.findReplay('id-2')).toBeDefined();
    });
  });

  describe('clients', () => {
    const limits = { maxRegistered: 2, nowSeconds: 1500 };

    test('are found until they expire', async () => {
      await stores.clients.save(client(), limits);

      expect(await stores.clients.find('client-1', 2000)).toEqual(client());
      expect(await stores.clients.find('client-1', 2001)).toBeUndefined();
      expect(await stores.clients.find('client-2', 1500)).toBeUndefined();
    });

    test('make room: expired ones first, then the oldest that was never used', async () => {
      await stores.clients.save(client({ clientId: 'old', createdAt: 1 }), limits);
      await stores.clients.save(
        client({ clientId: 'gone', createdAt: 2, expiresAt: 1499 }),
        limits,
      );
      await stores.clients.save(client({ clientId: 'third' }), limits);
      expect(await stores.clients.find('old', 1500)).toBeDefined();
      await stores.clients.save(client({ clientId: 'fourth' }), limits);

      expect(await stores.clients.find('old', 1500)).toBeUndefined();
      expect(await stores.clients.find('third', 1500)).toBeDefined();
      expect(await stores.clients.count()).toBe(2);
    });

    test('are refused when all that are there have been used, except the operator’s', async () => {
      const used = { lastUsedAt: 1400 };
      await stores.clients.save(client({ clientId: 'a', ...used }), limits);
      await stores.clients.save(client({ clientId: 'b', ...used }), limits);

      expect(await stores.clients.save(client({ clientId: 'c' }), limits)).toBe(false);
      expect(await stores.clients.save(client({ clientId: 'a', metadata: 'new' }), limits)).toBe(
        true,
      );
      expect(await stores.clients.save(client({ clientId: 'd', source: 'operator' }), limits)).toBe(
        true,
      );
    });

    test('live longer when they are used, except those that never expire', async () => {
      await stores.clients.save(client(), limits);
      await stores.clients.save(client({ clientId: 'c2', expiresAt: undefined }), limits);
      await stores.artifacts.commit([touch('client-1'), touch('c2'), touch('unknown')]);

      expect(await stores.clients.find('client-1', 8999)).toMatchObject({
        lastUsedAt: 1600,
        expiresAt: 9000,
      });
      expect((await stores.clients.find('c2', 99_999))?.expiresAt).toBeUndefined();
    });

    test('can be deleted, one by one or when expired', async () => {
      await stores.clients.save(client(), limits);
      await stores.clients.save(client({ clientId: 'client-2', expiresAt: 10 }), limits);

      expect(await stores.clients.deleteExpired(1500)).toBe(1);
      expect(await stores.clients.delete('client-1')).toBe(true);
      expect(await stores.clients.delete('client-1')).toBe(false);
    });
  });

  describe('signing keys', () => {
    test('are made once by whoever is first, per algorithm', async () => {
      const outcomes = await Promise.all([
        stores.signingKeys.insert(key('a'), []),
        harness.otherConnection.signingKeys.insert(key('b'), []),
      ]);

      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await stores.signingKeys.list()).toHaveLength(1);
      expect(await stores.signingKeys.insert(key('c', 'RS256'), [])).toBe(true);
      expect(await stores.signingKeys.list()).toHaveLength(2);
    });

    test('are made only by who knows all there are', async () => {
      await stores.signingKeys.insert(key('a'), []);

      expect(await stores.signingKeys.insert(key('b'), ['other'])).toBe(false);
      expect(await stores.signingKeys.insert(key('b'), ['a', 'other'])).toBe(false);
      expect(await stores.signingKeys.insert(key('b'), ['a'])).toBe(true);
    });

    test('lose their private part when they are removed, once', async () => {
      await stores.signingKeys.insert(key('a'), []);
      const times = { nowSeconds: 500, refusedUntil: 900 };

      expect(await stores.signingKeys.remove('b', times)).toBe(false);
      expect(await stores.signingKeys.remove('a', times)).toBe(true);
      expect(await stores.signingKeys.remove('a', times)).toBe(false);
      expect(await stores.signingKeys.list()).toMatchObject([
        { kid: 'a', privateJwk: '', removeAt: 500 },
      ]);
    });

    test('are tidied up when their time is over', async () => {
      await stores.signingKeys.insert({ ...key('a'), removeAt: 100 }, []);
      await stores.signingKeys.insert({ ...key('b'), removeAt: 200 }, ['a']);
      await stores.signingKeys.insert(key('c'), ['a', 'b']);
      await stores.signingKeys.tidy({ endedBefore: 300, deleteBefore: 150 });

      const left = await stores.signingKeys.list();
      expect(left.map(({ kid, privateJwk }) => [kid, privateJwk])).toEqual([
        ['b', ''],
        ['c', key('c').privateJwk],
      ]);
    });
  });

  describe('sealed values', () => {
    test('come in pages, and are replaced unless they have changed', async () => {
      const { sealedValues, signingKeys, upstreamTokens } = stores;
      for (const [index, kid] of ['a', 'b', 'c'].entries()) {
        await signingKeys.insert(key(kid), ['a', 'b', 'c'].slice(0, index));
      }
      const first = await sealedValues.list('signing-key', undefined, 2);
      const second = await sealedValues.list('signing-key', first[1]?.key, 2);
      expect([...first, ...second].map(({ key: [kid] }) => kid)).toEqual(['a', 'b', 'c']);
      const changes = first.map((value) => ({ ...value, resealed: 'anew' }));
      expect(await sealedValues.replace('signing-key', changes)).toBe(2);
      expect(await sealedValues.replace('signing-key', changes)).toBe(0);

      const tokens = { tokens: 'sealed', expiresAt: undefined };
      for (const issuer of ['https://x.example', 'https://y.example']) {
        for (const userId of ['ada', 'ben'])
          await upstreamTokens.save({ userId, issuer, ...tokens });
      }
      const pairs = await sealedValues.list('upstream-token', ['ada', 'https://x.example'], 10);
      expect(pairs.map((value) => value.key)).toEqual([
        ['ada', 'https://y.example'],
        ['ben', 'https://x.example'],
        ['ben', 'https://y.example'],
      ]);
      const [one] = pairs;
      if (one === undefined) throw new Error('nothing there');
      await sealedValues.replace('upstream-token', [{ ...one, resealed: 'anew' }]);
      expect(await upstreamTokens.find('ada', 'https://y.example')).toMatchObject({
        tokens: 'anew',
      });
      expect(await upstreamTokens.find('ada', 'https://x.example')).toMatchObject({
        tokens: 'sealed',
      });
    });
  });

  describe('people and consents', () => {
    const ada = {
      id: 'ada',
      displayName: 'Ada',
      tenant: 'north',
      scopes: ['a', 'b'],
      isDisabled: false,
    };

    test('keep what was last said of them', async () => {
      await stores.users.upsert(ada);
      await stores.users.upsert({ ...ada, id: 'ab', displayName: 'Abel' });
      await stores.users.upsert({ ...ada, isDisabled: true, scopes: [] });

      expect(await stores.users.find('ada')).toEqual({ ...ada, isDisabled: true, scopes: [] });
      expect(await stores.users.find('nobody')).toBeUndefined();
      expect((await stores.users.list(10)).map(({ id }) => id)).toEqual(['ab', 'ada']);
      expect(await stores.users.list(1)).toHaveLength(1);
    });

    test('remember a consent for one person, client and resource', async () => {
      const consent = {
        userId: 'ada',
        clientId: 'client-1',
        resource: 'https://x.example/mcp',
        scopes: ['a'],
        clientFingerprint: 'f',
        grantedAt: 1000,
      };
      await stores.consents.save(consent);
      await stores.consents.save({ ...consent, scopes: ['b'], grantedAt: 1100 });
      const find = (userId: string, clientId = 'client-1', resource = consent.resource) =>
        stores.consents.find(userId, clientId, resource);

      expect(await find('ada')).toEqual({ ...consent, scopes: ['b'], grantedAt: 1100 });
      expect(await find('ben')).toBeUndefined();
      expect(await find('ada', 'client-2')).toBeUndefined();
      expect(await find('ada', 'client-1', 'https://y.example')).toBeUndefined();
      expect(await stores.consents.delete('ada', 'client-1', consent.resource)).toBe(true);
      expect(await find('ada')).toBeUndefined();
    });
  });

  describe('counters', () => {
    test('count within a window and start again after it', async () => {
      const count = async (name: string, now: number) => stores.counters.increment(name, 60, now);

      expect(await count('a', 1000)).toEqual({ count: 1, resetsAt: 1060 });
      expect(await count('a', 1059)).toEqual({ count: 2, resetsAt: 1060 });
      expect(await count('b', 1059)).toEqual({ count: 1, resetsAt: 1119 });
      expect(await count('a', 1060)).toEqual({ count: 1, resetsAt: 1120 });
      expect(await stores.counters.deleteExpired(1119)).toBe(1);
    });
  });
}

function replay(idHash: string, grantHash: string, expiresAt = 1560): ArtifactWrite {
  return {
    kind: 'keepReplay',
    replay: { idHash, grantHash, successorHash: 'next', response: 'sealed', expiresAt },
  };
}

function touch(clientId: string): ArtifactWrite {
  return { kind: 'touchClient', clientId, lastUsedAt: 1600, expiresAt: 9000 };
}

function key(kid: string, algorithm = 'ES256'): SigningKeyRecord {
  return {
    kid,
    algorithm,
    privateJwk: 'sealed',
    createdAt: 1000,
    activateAt: 1000,
    retireAt: undefined,
    removeAt: undefined,
  };
}
