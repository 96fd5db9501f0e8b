import { decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSigningKeyDirectory } from '../../../src/authorization/index.js';
import { DEFAULT_KEY_SCHEDULE } from '../../../src/authorization/keys/lifecycle.js';
import {
  type Fixture,
  MASTER_SECRET,
  logIn,
  post,
  readToken,
  refresh,
  startFixture,
} from '../fixture.js';

const DAY = 86_400;
let fixture: Fixture;

beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture.close());

const kidOf = (token: unknown): string => decodeProtectedHeader(String(token)).kid ?? '';
const publishedKids = (): string[] => fixture.as.jwks().keys.map(({ kid }) => kid ?? '');
const tokenOf = async (): Promise<string> => (await logIn(fixture)).accessToken;

async function passDays(days: number): Promise<void> {
  fixture.clock.advanceSeconds(days * DAY);
  await fixture.as.refreshKeys();
}

function directory() {
  return createSigningKeyDirectory({
    store: fixture.stores.signingKeys,
    masterSecret: MASTER_SECRET,
    clock: fixture.clock,
    schedule: DEFAULT_KEY_SCHEDULE,
    tokenTtlSeconds: 600,
  });
}

describe('rotation on schedule', () => {
  test('publishes the next key a day before it signs, and the last one 2 days after', async () => {
    const [first = ''] = publishedKids();
    await passDays(28.5);
    expect(publishedKids()).toEqual([first]);
    await passDays(0.5);
    const [, second = ''] = publishedKids();
    expect(publishedKids()).toEqual([first, second]);
    expect(second).not.toBe('');
    await passDays(1);
    expect(publishedKids()).toEqual([second, first]);
    await passDays(1.9);
    expect(publishedKids()).toEqual([second, first]);
    await passDays(0.1);
    expect(publishedKids()).toEqual([second]);
  });

  test('goes through a login without breaking it: tokens change their key, nobody signs in again', async () => {
    const tokens = await logIn(fixture);
    const kids = [kidOf(tokens.accessToken)];
    let current = tokens.refreshToken;
    for (let day = 0; day < 70; day += 5) {
      await passDays(5);
      const answer = await refresh(fixture, tokens.client, current);
      expect(answer.status).toBe(200);
      current = String(answer.json['refresh_token']);
      kids.push(kidOf(answer.json['access_token']));
    }

    expect(new Set(kids).size).toBe(3);
  });

  test('serves a request that was begun before the swap with the engine it was begun with', async () => {
    const tokens = await logIn(fixture);
    fixture.clock.advanceSeconds(1);
    const answers = await Promise.all([
      refresh(fixture, tokens.client, tokens.refreshToken),
      directory()
        .rotate('ES256', { isNow: true })
        .then(() => fixture.as.refreshKeys()),
      logIn(fixture),
    ]);

    expect(answers[0].status).toBe(200);
    expect(publishedKids()).toHaveLength(2);
    expect(kidOf(await tokenOf())).toBe(publishedKids()[0]);
  });

  test('destroys the private part of a key whose time is over', async () => {
    await passDays(29);
    await passDays(5);

    const [first, second] = await fixture.stores.signingKeys.list();
    expect(first?.privateJwk).toBe('');
    expect(second?.privateJwk).not.toBe('');
  });
});

describe('another process', () => {
  test('makes one key together with this one', async () => {
    const other = await startFixture({ database: fixture.database, clock: fixture.clock });
    fixture.clock.advanceSeconds(29 * DAY);
    await Promise.all([fixture.as.refreshKeys(), other.as.refreshKeys()]);
    await fixture.as.refreshKeys();

    expect(publishedKids()).toHaveLength(2);
    expect(other.as.jwks()).toEqual(fixture.as.jwks());
    await other.close();
  });

  test('knows a token of a brand-new key before its next look at the keys', async () => {
    const other = await startFixture({
      database: fixture.database,
      clock: fixture.clock,
      issuer: fixture.issuer,
    });
    fixture.clock.advanceSeconds(1);
    await directory().rotate('ES256', { isNow: true });
    await fixture.as.refreshKeys();
    const { client, accessToken } = await logIn(fixture);
    expect(other.as.jwks().keys).toHaveLength(1);
    expect(kidOf(accessToken)).not.toBe(other.as.jwks().keys[0]?.kid);

    await expect(
      other.as.findKey({ alg: 'ES256', kid: kidOf(accessToken) }, { payload: '', signature: '' }),
    ).resolves.toBeDefined();
    expect(other.as.jwks().keys).toHaveLength(2);
    const answer = await post(`${fixture.issuer}/introspect`, {
      token: accessToken,
      client_id: client.clientId,
    });
    expect(answer.status).toBe(200);
    await other.close();
  });

  test('asks the store once a second at most for made-up key ids', async () => {
    let lists = 0;
    const counting = await startFixture({
      wrapStores: (stores) => ({
        ...stores,
        signingKeys: {
          ...stores.signingKeys,
          list: () => {
            lists += 1;
            return stores.signingKeys.list();
          },
        },
      }),
    });
    const before = lists;
    for (let index = 0; index < 20; index++) {
      const made = { alg: 'ES256', kid: `made-up-${index}` };
      const finding = counting.as.findKey(made, { payload: '', signature: '' });
      await expect(finding).rejects.toThrow('no applicable key');
    }

    expect(lists - before).toBe(1);
    counting.clock.advanceSeconds(1);
    const later = counting.as.findKey({ alg: 'ES256', kid: 'x' }, { payload: '', signature: '' });
    await expect(later).rejects.toThrow('no applicable key');
    expect(lists - before).toBe(2);
    await counting.close();
  });
});

describe('rotation out of turn', () => {
  test('publishes a key that signs after the lead, once', async () => {
    const { key, isNew } = await directory().rotate('ES256', { isNow: false });
    await fixture.as.refreshKeys();
    expect(isNew).toBe(true);
    expect(key.phase).toBe('published');
    expect(kidOf(await tokenOf())).not.toBe(key.kid);
    expect((await directory().rotate('ES256', { isNow: false })).isNew).toBe(false);

    await passDays(1);
    expect(kidOf(await tokenOf())).toBe(key.kid);
  });
});

describe('removal in an emergency', () => {
  test('refuses what the key signed, and lets another one sign at once; nobody is logged out', async () => {
    const tokens = await logIn(fixture);
    const kid = kidOf(tokens.accessToken);
    const removal = await directory().remove(kid);
    await fixture.as.refreshKeys();

    expect(removal).toMatchObject({ kind: 'removed', successor: { phase: 'signs' } });
    expect(publishedKids()).not.toContain(kid);
    await expect(readToken(fixture, tokens.accessToken)).rejects.toThrow('no applicable key');
    const answer = await refresh(fixture, tokens.client, tokens.refreshToken);
    expect(answer.status).toBe(200);
    await expect(readToken(fixture, String(answer.json['access_token']))).resolves.toBeDefined();
  });

  test('destroys the private key, and tells the feed which key it was', async () => {
    const [kid = ''] = publishedKids();
    await directory().remove(kid);

    const keys = await fixture.stores.signingKeys.list();
    expect(keys.find((key) => key.kid === kid)).toMatchObject({ privateJwk: '' });
    const feed = fixture.database.all<{ credential_id: string }>('SELECT * FROM revocation');
    expect(feed.map(({ credential_id: id }) => id)).toEqual([`signing-key:${kid}`]);
  });

  test('does nothing twice, nor for a key that is not there', async () => {
    const [kid = ''] = publishedKids();
    await directory().remove(kid);

    expect(await directory().remove(kid)).toEqual({ kind: 'unknown' });
    expect(await directory().remove('nobody')).toEqual({ kind: 'unknown' });
  });

  test('lets the key that is waiting sign, and makes no other', async () => {
    const [kid = ''] = publishedKids();
    const { key } = await directory().rotate('ES256', { isNow: false });
    const removal = await directory().remove(kid);
    await fixture.as.refreshKeys();

    expect(removal).toMatchObject({ successor: { kid: key.kid } });
    expect(publishedKids()).toEqual([key.kid]);
  });
});
