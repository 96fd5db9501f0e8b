import { describe, expect, it } from 'vitest';
import type { ArtifactRecord, ArtifactWrite } from '../../../src/authorization/ports.js';
import type { ApiKeyRecord } from '../../../src/server/core/ports.js';
import type { Revocation } from '../../../src/server/core/revocations.js';
import type { Stores } from '../../../src/storage/index.js';

const NOW = 1000;

const token = (idHash: string, grantHash: string | undefined): ArtifactRecord => ({
  model: 'AccessToken',
  idHash,
  payload: 'sealed',
  grantHash,
  uidHash: undefined,
  userCodeHash: undefined,
  clientId: 'client',
  accountId: 'ada',
  consumedAt: undefined,
  expiresAt: 2000,
  createdAt: NOW,
});

const insert = (record: ArtifactRecord): ArtifactWrite => ({ kind: 'insert', record });

const key = (id: string, name = 'demo'): ApiKeyRecord => ({
  id,
  name,
  issuer: 'local',
  subject: 'ada',
  tenant: 'acme',
  scopes: [],
  createdAt: NOW,
  expiresAt: undefined,
  revokedAt: undefined,
  lastUsedAt: undefined,
});

type FeedStores = Pick<Stores, 'revocations' | 'apiKeys' | 'authorization'>;

/** What every revocation feed has to do. `make` opens an empty database, twice. */
export function describeRevocationFeed(
  engine: string,
  make: () => Promise<{ readonly stores: FeedStores; readonly other: FeedStores }>,
): void {
  describe(`revocation feed on ${engine}`, () => {
    const ids = async ({ revocations }: FeedStores): Promise<string[]> =>
      (await revocations.after(0, 100)).map(({ credentialId }) => credentialId);

    it('gets every access token of a grant that is revoked, and no other', async () => {
      const { stores, other } = await make();
      const { artifacts } = stores.authorization;
      await artifacts.commit([
        insert(token('one', 'grant')),
        insert(token('two', 'grant')),
        insert(token('three', 'other')),
        insert({ ...token('four', 'grant'), model: 'RefreshToken' }),
      ]);
      expect(await ids(stores)).toEqual([]);
      await artifacts.commit([{ kind: 'revokeGrant', grantHash: 'grant' }]);
      expect((await ids(other)).toSorted()).toEqual(['token:one', 'token:two']);
      const [first] = await other.revocations.after(0, 1);
      // The token's own end, and longer than any tolerance for clocks.
      expect(first?.expiresAt).toBeGreaterThanOrEqual(2300);
    });

    it('gets an access token that is revoked alone, and those of a client that is ended', async () => {
      const { stores } = await make();
      const { artifacts } = stores.authorization;
      await artifacts.commit([insert(token('one', undefined)), insert(token('two', undefined))]);
      await artifacts.commit([{ kind: 'destroy', model: 'AccessToken', idHash: 'one' }]);
      await artifacts.commit([{ kind: 'destroy', model: 'AccessToken', idHash: 'unknown' }]);
      expect(await ids(stores)).toEqual(['token:one']);
      await artifacts.commit([{ kind: 'revokeClient', clientId: 'client' }]);
      expect(await ids(stores)).toEqual(['token:one', 'token:two']);
    });

    it('gets nothing of a transaction that was not kept', async () => {
      const { stores } = await make();
      const { artifacts } = stores.authorization;
      await artifacts.commit([insert(token('one', 'grant'))]);
      const outcome = await artifacts.commit([
        { kind: 'revokeGrant', grantHash: 'grant' },
        { kind: 'consume', model: 'RefreshToken', idHash: 'gone', consumedAt: NOW },
      ]);
      expect(outcome.ok).toBe(false);
      expect(await ids(stores)).toEqual([]);
    });

    it('gets API keys that are revoked, by id and by name, each once', async () => {
      const { stores } = await make();
      const { apiKeys } = stores;
      for (const [id, name] of [
        ['a', 'x'],
        ['b', 'x'],
        ['c', 'y'],
      ] as const) {
        await apiKeys.create(key(id, name), `hash-${id}`);
      }
      expect(await apiKeys.revoke('c', NOW)).toBe(true);
      expect(await apiKeys.revoke('c', NOW)).toBe(false);
      expect(await apiKeys.revokeByName('x', NOW)).toBe(2);
      const found = await ids(stores);
      expect(found[0]).toBe('api-key:c');
      expect(found.slice(1).toSorted()).toEqual(['api-key:a', 'api-key:b']);
    });

    it('is read on from a position, in pages, and swept when its rows are of no more use', async () => {
      const { stores } = await make();
      for (const id of ['a', 'b', 'c']) {
        await stores.apiKeys.create(key(id), `hash-${id}`);
        await stores.apiKeys.revoke(id, NOW);
      }
      const first = await stores.revocations.after(0, 2);
      expect(first.map(({ credentialId }) => credentialId)).toEqual(['api-key:a', 'api-key:b']);
      const rest = await stores.revocations.after(first.at(-1)?.position ?? 0, 2);
      expect(rest.map(({ credentialId }) => credentialId)).toEqual(['api-key:c']);
      expect(await stores.revocations.deleteExpired(NOW + 60)).toBe(0);
      expect(await stores.revocations.deleteExpired(NOW + 86_400)).toBe(3);
      // A number is never used again: who has read the last row misses none that comes.
      await stores.apiKeys.create(key('d'), 'hash-d');
      await stores.apiKeys.revoke('d', NOW);
      const later = await stores.revocations.after(rest[0]?.position ?? 0, 10);
      expect(later.map(({ credentialId }) => credentialId)).toEqual(['api-key:d']);
    });

    it('shows a reader that goes on from its last position everything that many writers add', async () => {
      const { stores, other } = await make();
      const all = Array.from({ length: 40 }, (_, at) => `key-${at}`);
      for (const id of all) await stores.apiKeys.create(key(id), `hash-${id}`);
      const seen: Revocation[] = [];
      const readOn = async (): Promise<void> => {
        seen.push(...(await stores.revocations.after(seen.at(-1)?.position ?? 0, 100)));
      };
      const writing = Promise.all(
        all.map((id, at) => (at % 2 === 0 ? stores : other).apiKeys.revoke(id, NOW)),
      );
      const state = { isWriting: true };
      void writing.finally(() => {
        state.isWriting = false;
      });
      while (state.isWriting) {
        await readOn();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await readOn();
      expect(seen.map(({ credentialId }) => credentialId).toSorted()).toEqual(
        all.map((id) => `api-key:${id}`).toSorted(),
      );
    });
  });
}
