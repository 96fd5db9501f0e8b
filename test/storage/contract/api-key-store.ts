import { describe, expect, it } from 'vitest';
import type { ApiKeyRecord, ApiKeyStore } from '../../../src/server/core/ports.js';

const record: ApiKeyRecord = {
  id: 'key-one',
  name: 'demo',
  issuer: 'local',
  subject: 'ada',
  tenant: 'acme',
  scopes: ['catalog:read', 'learner:read'],
  createdAt: 1000,
  expiresAt: undefined,
  revokedAt: undefined,
  lastUsedAt: undefined,
};

/** What every {@link ApiKeyStore} has to do. `make` opens one over an empty database. */
export function describeApiKeyStore(engine: string, make: () => Promise<ApiKeyStore>): void {
  describe(`API key store on ${engine}`, () => {
    it('finds a key by the hash of the whole, and by nothing else', async () => {
      const store = await make();
      await store.create(record, 'hash-one');
      expect(await store.findByHash('hash-one')).toEqual(record);
      expect(await store.findByHash('key-one')).toBeUndefined();
    });

    it('lists keys in the order they were made', async () => {
      const store = await make();
      await store.create({ ...record, id: 'b', createdAt: 2000, expiresAt: 9000 }, 'h2');
      await store.create(record, 'h1');
      expect((await store.list()).map((key) => key.id)).toEqual(['key-one', 'b']);
    });

    it('revokes once, and keeps the time of it', async () => {
      const store = await make();
      await store.create(record, 'h1');
      expect(await store.revoke('key-one', 1500)).toBe(true);
      expect(await store.revoke('key-one', 1600)).toBe(false);
      expect(await store.revoke('unknown', 1600)).toBe(false);
      expect((await store.findByHash('h1'))?.revokedAt).toBe(1500);
    });

    it('revokes every live key of a name', async () => {
      const store = await make();
      await store.create(record, 'h1');
      await store.create({ ...record, id: 'two' }, 'h2');
      await store.create({ ...record, id: 'three', name: 'other' }, 'h3');
      await store.revoke('two', 1400);
      expect(await store.revokeByName('demo', 1500)).toBe(1);
      expect((await store.findByHash('h3'))?.revokedAt).toBeUndefined();
    });

    it('notes when a key was used', async () => {
      const store = await make();
      await store.create(record, 'h1');
      await store.markUsed('key-one', 1234);
      expect((await store.findByHash('h1'))?.lastUsedAt).toBe(1234);
    });

    it('refuses a second key of the same id or hash', async () => {
      const store = await make();
      await store.create(record, 'h1');
      await expect(store.create(record, 'h2')).rejects.toThrow();
      await expect(store.create({ ...record, id: 'two' }, 'h1')).rejects.toThrow();
    });
  });
}
