import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ArtifactRecord, AuthorizationUser } from '../../../src/authorization/ports.js';
import type { AuthorizationStoresHarness } from './authorization-stores.js';

const profile = { displayName: 'Ines Duarte', tenant: 'north', scopes: ['catalog:read'] };
const identity = { issuer: 'https://id.example', subject: 's-1' };
const backOff = {
  freeAttempts: 3,
  firstWaitSeconds: 2,
  maxWaitSeconds: 10,
  forgetAfterSeconds: 100,
};

function artifact(changes: Partial<ArtifactRecord>): ArtifactRecord {
  return {
    model: 'Grant',
    idHash: 'g-1',
    payload: 'sealed',
    grantHash: undefined,
    uidHash: undefined,
    userCodeHash: undefined,
    clientId: 'client-1',
    accountId: 'ines',
    consumedAt: undefined,
    expiresAt: 2000,
    createdAt: 1000,
    ...changes,
  };
}

/** Identities, upstream tokens, passwords and back-off: what every engine has to do. */
export function authorizationPeopleContract(open: () => Promise<AuthorizationStoresHarness>): void {
  let harness: AuthorizationStoresHarness;
  beforeEach(async () => {
    harness = await open();
  });
  afterEach(() => harness.close());

  describe('identities', () => {
    test('make a person once, and bring them up to date after', async () => {
      const { identities, users } = harness.stores;
      expect(await identities.find(identity)).toBeUndefined();
      const first = await identities.signIn(identity, profile, 'new-1', 1000);
      expect(first).toEqual({ ...profile, id: 'new-1', isDisabled: false });
      const changed = { ...profile, displayName: 'Ines D.', tenant: 'south' };
      expect(await identities.signIn(identity, changed, 'new-2', 1100)).toMatchObject({
        id: 'new-1',
        tenant: 'south',
      });
      expect(await users.find('new-2')).toBeUndefined();
      expect(await identities.find(identity)).toEqual({
        ...identity,
        userId: 'new-1',
        createdAt: 1000,
        lastUsedAt: 1100,
      });
      expect(await identities.listOf('new-1')).toHaveLength(1);
    });

    test('leave a disabled person disabled', async () => {
      const { identities, users } = harness.stores;
      const user = await identities.signIn(identity, profile, 'new-1', 1000);
      await users.upsert({ ...user, isDisabled: true });
      expect(await identities.signIn(identity, profile, 'new-2', 1100)).toMatchObject({
        isDisabled: true,
      });
    });

    test('make one person when two processes see them first at the same time', async () => {
      const { stores, otherConnection } = harness;
      const made = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          (n % 2 === 0 ? stores : otherConnection).identities.signIn(
            identity,
            profile,
            `new-${n}`,
            1000,
          ),
        ),
      );
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      expect(await stores.users.list(10)).toHaveLength(1);
    });

    test('of another issuer are another person', async () => {
      const { identities } = harness.stores;
      await identities.signIn(identity, profile, 'new-1', 1000);
      const other = { ...identity, issuer: 'https://other.example' };
      expect(await identities.signIn(other, profile, 'new-2', 1000)).toMatchObject({ id: 'new-2' });
    });
  });

  describe('upstream tokens', () => {
    const record = { userId: 'ines', issuer: identity.issuer, tokens: 'sealed-1', expiresAt: 1000 };

    test('are leased to one process at a time, for one version', async () => {
      const { stores, otherConnection } = harness;
      await stores.upstreamTokens.save(record);
      const kept = await stores.upstreamTokens.find('ines', identity.issuer);
      if (kept === undefined) throw new Error('not kept');
      expect(kept).toEqual({ ...record, version: 1 });
      const leases = await Promise.all(
        [stores, otherConnection, stores, otherConnection].map(({ upstreamTokens }, n) =>
          upstreamTokens.lease(kept, { id: `lease-${n}`, nowSeconds: 1000, until: 1030 }),
        ),
      );
      expect(leases.filter(Boolean)).toHaveLength(1);
      const id = `lease-${leases.indexOf(true)}`;
      const renewed = { ...kept, tokens: 'sealed-2', expiresAt: undefined };
      expect(await otherConnection.upstreamTokens.replace(renewed, 'another')).toBe(false);
      expect(await otherConnection.upstreamTokens.replace(renewed, id)).toBe(true);
      expect(await stores.upstreamTokens.find('ines', identity.issuer)).toEqual({
        ...renewed,
        version: 2,
      });
      const late = { id: 'late', nowSeconds: 1001, until: 1031 };
      expect(await stores.upstreamTokens.lease(kept, late)).toBe(false);
    });

    test('can be leased again when the holder has died or given up', async () => {
      const { upstreamTokens } = harness.stores;
      await upstreamTokens.save(record);
      const kept = await upstreamTokens.find('ines', identity.issuer);
      if (kept === undefined) throw new Error('not kept');
      const lease = (id: string, now: number) =>
        upstreamTokens.lease(kept, { id, nowSeconds: now, until: now + 30 });
      expect(await lease('a', 1000)).toBe(true);
      expect(await lease('b', 1029)).toBe(false);
      expect(await lease('b', 1030)).toBe(true);
      expect(await upstreamTokens.replace(kept, 'a')).toBe(false);
      await upstreamTokens.release('ines', identity.issuer, 'b');
      expect(await lease('c', 1031)).toBe(true);
    });

    test('of a new sign-in win over a refresh that is under way', async () => {
      const { upstreamTokens } = harness.stores;
      await upstreamTokens.save(record);
      const kept = await upstreamTokens.find('ines', identity.issuer);
      if (kept === undefined) throw new Error('not kept');
      await upstreamTokens.lease(kept, { id: 'a', nowSeconds: 1000, until: 1030 });
      await upstreamTokens.save({ ...record, tokens: 'sealed-new' });
      expect(await upstreamTokens.replace({ ...kept, tokens: 'sealed-old' }, 'a')).toBe(false);
      expect(await upstreamTokens.find('ines', identity.issuer)).toMatchObject({
        tokens: 'sealed-new',
        version: 2,
      });
      expect(await upstreamTokens.delete('ines', identity.issuer)).toBe(true);
      expect(await upstreamTokens.delete('ines', identity.issuer)).toBe(false);
    });
  });

  describe('passwords', () => {
    const anna: AuthorizationUser = { ...profile, id: 'local-1', isDisabled: false };
    const record = { userName: 'anna', userId: 'local-1', passwordHash: 'hash-1', changedAt: 1000 };

    test('belong to one person with one name', async () => {
      const { passwords, users } = harness.stores;
      expect(await passwords.create(anna, record)).toBe(true);
      expect(
        await passwords.create({ ...anna, id: 'local-2' }, { ...record, userId: 'local-2' }),
      ).toBe(false);
      expect(await users.find('local-2')).toBeUndefined();
      expect(await passwords.find('anna')).toEqual(record);
      expect(
        await passwords.change({ userName: 'anna', passwordHash: 'hash-2', changedAt: 1100 }),
      ).toBe(true);
      expect(await passwords.change({ userName: 'otto', passwordHash: 'x', changedAt: 1 })).toBe(
        false,
      );
      expect(await passwords.list(10)).toEqual([
        { ...record, passwordHash: 'hash-2', changedAt: 1100 },
      ]);
    });
  });

  describe('sign-in attempts', () => {
    test('are free, then cost more and more, up to a limit', async () => {
      const { signInAttempts } = harness.stores;
      const begin = (now: number) => signInAttempts.begin('key', backOff, now);
      expect([await begin(1000), await begin(1000), await begin(1000)]).toEqual([0, 0, 0]);
      expect(await begin(1000)).toBe(2);
      expect(await begin(1001)).toBe(1);
      expect(await begin(1002)).toBe(0);
      expect(await begin(1002)).toBe(4);
      expect(await begin(1006)).toBe(0);
      expect(await begin(1006)).toBe(8);
      expect(await begin(1014)).toBe(0);
      expect(await begin(1014)).toBe(10);
      await signInAttempts.reset('key');
      expect(await begin(1014)).toBe(0);
    });

    test('are counted one by one when they come together on two connections', async () => {
      const { stores, otherConnection } = harness;
      const waits = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          (n % 2 === 0 ? stores : otherConnection).signInAttempts.begin('key', backOff, 1000),
        ),
      );
      expect(waits.filter((wait) => wait === 0)).toHaveLength(3);
    });

    test('are forgotten after a while, and taken back when they turned out well', async () => {
      const { signInAttempts } = harness.stores;
      const begin = (now: number) => signInAttempts.begin('key', backOff, now);
      for (let n = 0; n < 20; n++) {
        expect(await begin(1000)).toBe(0);
        await signInAttempts.forgive('key');
      }
      for (let n = 0; n < 3; n++) await begin(1000);
      expect(await begin(1000)).toBe(2);
      expect(await begin(1100)).toBe(0);
      expect(await begin(1100)).toBe(0);
      expect(await signInAttempts.deleteExpired(1100)).toBe(0);
      expect(await signInAttempts.deleteExpired(1200)).toBe(1);
    });
  });

  describe('a person', () => {
    test('has their grants listed, newest first, and nobody else’s', async () => {
      const { artifacts } = harness.stores;
      await artifacts.commit([
        { kind: 'upsert', record: artifact({ idHash: 'g-1', createdAt: 1000 }) },
        { kind: 'upsert', record: artifact({ idHash: 'g-2', createdAt: 1001 }) },
        { kind: 'upsert', record: artifact({ idHash: 'g-3', accountId: 'otto' }) },
        { kind: 'upsert', record: artifact({ idHash: 's-1', model: 'Session' }) },
      ]);
      const list = (limit: number) => artifacts.listByAccount('Grant', 'ines', limit);
      expect((await list(10)).map(({ idHash }) => idHash)).toEqual(['g-2', 'g-1']);
      expect(await list(1)).toHaveLength(1);
    });

    test('loses browser sessions without losing grants', async () => {
      const { artifacts, users } = harness.stores;
      await artifacts.commit([
        { kind: 'upsert', record: artifact({ idHash: 's-1', model: 'Session' }) },
        { kind: 'upsert', record: artifact({ idHash: 's-2', model: 'AccountSession' }) },
        {
          kind: 'upsert',
          record: artifact({ idHash: 's-3', model: 'Session', accountId: 'otto' }),
        },
        { kind: 'upsert', record: artifact({ idHash: 'g-1' }) },
      ]);
      await users.endSessions('ines');
      expect(await artifacts.find('Session', 's-1')).toBeUndefined();
      expect(await artifacts.find('AccountSession', 's-2')).toBeUndefined();
      expect(await artifacts.find('Session', 's-3')).toBeDefined();
      expect(await artifacts.find('Grant', 'g-1')).toBeDefined();
    });

    test('is removed with everything that is theirs', async () => {
      const { artifacts, users, identities, upstreamTokens, passwords, consents } = harness.stores;
      const user = await identities.signIn(identity, profile, 'ines', 1000);
      await upstreamTokens.save({
        userId: user.id,
        issuer: identity.issuer,
        tokens: 's',
        expiresAt: 1,
      });
      await passwords.create(
        { ...profile, id: 'otto', isDisabled: false },
        { userName: 'otto', userId: 'otto', passwordHash: 'h', changedAt: 1 },
      );
      const consent = {
        userId: 'ines',
        clientId: 'client-1',
        resource: 'r',
        scopes: [],
        clientFingerprint: 'f',
        grantedAt: 1,
      };
      await consents.save(consent);
      await artifacts.commit([
        { kind: 'upsert', record: artifact({ idHash: 'g-1' }) },
        {
          kind: 'upsert',
          record: artifact({ idHash: 't-1', model: 'AccessToken', grantHash: 'g-1' }),
        },
        { kind: 'upsert', record: artifact({ idHash: 'g-9', accountId: 'otto' }) },
      ]);
      expect(await users.remove('ines')).toBe(true);
      expect(await users.remove('ines')).toBe(false);
      expect(await users.find('ines')).toBeUndefined();
      expect(await identities.find(identity)).toBeUndefined();
      expect(await upstreamTokens.find('ines', identity.issuer)).toBeUndefined();
      expect(await consents.find('ines', 'client-1', 'r')).toBeUndefined();
      expect(await artifacts.find('AccessToken', 't-1')).toBeUndefined();
      expect(await artifacts.find('Grant', 'g-9')).toBeDefined();
      expect(await passwords.find('otto')).toBeDefined();
    });

    test('takes back all that a client was allowed', async () => {
      const { consents } = harness.stores;
      const consent = {
        userId: 'ines',
        clientId: 'client-1',
        scopes: [],
        clientFingerprint: 'f',
        grantedAt: 1,
      };
      await consents.save({ ...consent, resource: 'one' });
      await consents.save({ ...consent, resource: 'two' });
      await consents.save({ ...consent, resource: 'one', clientId: 'client-2' });
      await consents.deleteAllOf('ines', 'client-1');
      expect(await consents.find('ines', 'client-1', 'two')).toBeUndefined();
      expect(await consents.find('ines', 'client-2', 'one')).toBeDefined();
    });
  });
}
