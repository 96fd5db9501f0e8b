import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  ArtifactRecord,
  AuthorizationStores,
  ClientDocumentRecord,
  ClientRecord,
} from '../../../src/authorization/ports.js';
import type { AuthorizationStoresHarness } from './authorization-stores.js';

function client(clientId: string, changes: Partial<ClientRecord> = {}): ClientRecord {
  return {
    clientId,
    metadata: 'sealed',
    source: 'registered',
    registeredFrom: 'here',
    createdAt: 1000,
    lastUsedAt: undefined,
    expiresAt: 2000,
    ...changes,
  };
}

function documentOf(
  clientId: string,
  changes: Partial<ClientDocumentRecord> = {},
): ClientDocumentRecord {
  return {
    clientId,
    document: '{}',
    fetchedAt: 1000,
    freshUntil: 1100,
    problem: undefined,
    expiresAt: 5000,
    ...changes,
  };
}

function artifact(model: string, idHash: string, changes: Partial<ArtifactRecord>): ArtifactRecord {
  return {
    model,
    idHash,
    payload: 'sealed',
    grantHash: undefined,
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

/** What {@link AuthorizationStores} keep of clients, for every engine. */
export function authorizationClientsContract(
  open: () => Promise<AuthorizationStoresHarness>,
): void {
  let harness: AuthorizationStoresHarness;
  let stores: AuthorizationStores;
  beforeEach(async () => {
    harness = await open();
    stores = harness.stores;
  });
  afterEach(() => harness.close());

  describe('clients that come back', () => {
    const limits = { maxRegistered: 10, nowSeconds: 1500 };

    test('keep their dates, and the later end of life', async () => {
      await stores.clients.save(client('a', { expiresAt: 9000 }), limits);
      await stores.artifacts.commit([
        { kind: 'touchClient', clientId: 'a', lastUsedAt: 1200, expiresAt: 9500 },
      ]);
      await stores.clients.save(client('a', { metadata: 'new', createdAt: 1400 }), limits);

      expect(await stores.clients.find('a', 1500)).toEqual(
        client('a', { metadata: 'new', lastUsedAt: 1200, expiresAt: 9500 }),
      );
    });

    test('are listed newest first, by where they come from, without those that are over', async () => {
      await stores.clients.save(client('a', { createdAt: 1 }), limits);
      await stores.clients.save(client('b', { createdAt: 2 }), limits);
      await stores.clients.save(client('over', { expiresAt: 1499 }), limits);
      await stores.clients.save(
        client('mine', { createdAt: 3, source: 'operator', expiresAt: undefined }),
        limits,
      );
      const list = async (source?: ClientRecord['source'], limit = 10) =>
        (
          await stores.clients.list({
            nowSeconds: 1500,
            limit,
            ...(source === undefined ? {} : { source }),
          })
        ).map(({ clientId }) => clientId);

      expect(await list()).toEqual(['mine', 'b', 'a']);
      expect(await list('registered')).toEqual(['b', 'a']);
      expect(await list('operator')).toEqual(['mine']);
      expect(await list(undefined, 1)).toEqual(['mine']);
    });

    test('make room at the cost of the source that has most of them', async () => {
      const few = { maxRegistered: 4, nowSeconds: 1500 };
      await stores.clients.save(client('quiet', { createdAt: 1, registeredFrom: 'q' }), few);
      for (const [at, id] of ['l1', 'l2', 'l3', 'l4', 'l5'].entries()) {
        await stores.clients.save(client(id, { createdAt: 10 + at, registeredFrom: 'loud' }), few);
      }
      const left = (await stores.clients.list({ nowSeconds: 1500, limit: 10 })).map(
        ({ clientId }) => clientId,
      );

      expect(left).toEqual(['l5', 'l4', 'l3', 'quiet']);
    });

    test('keep to the limit when two processes register at once', async () => {
      const few = { maxRegistered: 3, nowSeconds: 1500 };
      await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (i % 2 === 0 ? stores : harness.otherConnection).clients.save(client(`c${i}`), few),
        ),
      );

      expect(await stores.clients.count()).toBe(3);
    });
  });

  describe('a client that is ended', () => {
    test('loses its grants, tokens and kept answers, and nobody else loses theirs', async () => {
      const other = { clientId: 'client-2' };
      await stores.artifacts.commit([
        { kind: 'upsert', record: artifact('Grant', 'g1', {}) },
        { kind: 'upsert', record: artifact('RefreshToken', 'r1', { grantHash: 'g1' }) },
        { kind: 'upsert', record: artifact('RefreshToken', 'r2', { grantHash: 'g2', ...other }) },
        {
          kind: 'keepReplay',
          replay: {
            idHash: 'spent',
            grantHash: 'g1',
            successorHash: 'r1',
            response: 'sealed',
            expiresAt: 2000,
          },
        },
      ]);
      await stores.artifacts.commit([{ kind: 'revokeClient', clientId: 'client-1' }]);

      expect(await stores.artifacts.find('Grant', 'g1')).toBeUndefined();
      expect(await stores.artifacts.find('RefreshToken', 'r1')).toBeUndefined();
      expect(await stores.artifacts.findReplay('spent')).toBeUndefined();
      expect(await stores.artifacts.find('RefreshToken', 'r2')).toBeDefined();
    });
  });

  describe('client documents', () => {
    test('are found as they were last stored, with or without a problem', async () => {
      const good = documentOf('https://a.example/c');
      const bad = documentOf('https://b.example/c', {
        document: undefined,
        fetchedAt: undefined,
        problem: 'it is not JSON',
      });
      await stores.clientDocuments.save(good, 10);
      await stores.clientDocuments.save(bad, 10);
      await stores.clientDocuments.save({ ...good, freshUntil: 1200 }, 10);

      expect(await harness.otherConnection.clientDocuments.find(good.clientId)).toEqual({
        ...good,
        freshUntil: 1200,
      });
      expect(await stores.clientDocuments.find(bad.clientId)).toEqual(bad);
      expect(await stores.clientDocuments.find('https://c.example/c')).toBeUndefined();
    });

    test('are bounded in number: those that expire first go, never the new one', async () => {
      for (const [at, expiresAt] of [5003, 5001, 5002].entries()) {
        await stores.clientDocuments.save(documentOf(`https://${at}.example/c`, { expiresAt }), 3);
      }
      await stores.clientDocuments.save(documentOf('https://new.example/c', { expiresAt: 1 }), 3);
      const has = async (name: string) =>
        (await stores.clientDocuments.find(`https://${name}.example/c`)) !== undefined;

      expect(await Promise.all(['0', '1', '2', 'new'].map(has))).toEqual([true, false, true, true]);
      expect(await stores.clientDocuments.deleteExpired(5003)).toBe(2);
    });
  });

  describe('counters', () => {
    test('can be read without counting', async () => {
      const { counters } = stores;
      await counters.increment('a', 60, 1000);
      await counters.increment('a', 60, 1001);

      expect(await harness.otherConnection.counters.read('a', 1059)).toBe(2);
      expect(await counters.read('a', 1060)).toBe(0);
      expect(await counters.read('b', 1000)).toBe(0);
    });
  });
}
