import { describe, expect, test } from 'vitest';
import { sourceKey } from '../../src/authorization/clients/request-source.js';
import {
  type Fixture,
  getCode,
  logIn,
  redeem,
  register,
  registerClient,
  startFixture,
} from './fixture.js';

const LOOPBACK = 'http://127.0.0.1:9696/cb';

describe('limits', () => {
  test('answers 429 with Retry-After when one source registers too often, until the hour is over', async () => {
    const limited = await startFixture({ options: { registration: { maxPerHour: 2 } } });
    const attempt = () => register(limited, { redirect_uris: [LOOPBACK] });
    const statuses = [(await attempt()).status, (await attempt()).status];
    const third = await attempt();
    limited.clock.advanceSeconds(3601);
    const later = await attempt();
    await limited.close();

    expect(statuses).toEqual([201, 201]);
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(later.status).toBe(201);
  });

  test('keeps the number of clients bounded and those that are used', async () => {
    const bounded = await startFixture({ options: { registration: { maxClients: 3 } } });
    const used = await logIn(bounded);
    for (let i = 0; i < 6; i++) await registerClient(bounded);
    const count = await bounded.stores.clients.count();
    const again = await logIn(bounded, { client: used.client });
    await bounded.close();

    expect(count).toBe(3);
    expect(again.accessToken).not.toBe('');
  });

  test('forgets a client that was never used after 30 days, and keeps one that was', async () => {
    const own = await startFixture();
    const unused = await registerClient(own);
    const used = await logIn(own);
    own.clock.advanceSeconds(31 * 86_400);
    const find = async (clientId: string) =>
      own.stores.clients.find(clientId, Math.floor(own.clock.nowMs() / 1000));

    expect(await find(unused.clientId)).toBeUndefined();
    expect(await find(used.client.clientId)).toBeDefined();
    await own.close();
  });
});

describe('sources', () => {
  const addresses = [
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unknown', 'unknown'],
  ] as const;
  test.each(addresses)('count %s as %s', (address, expected) => {
    expect(sourceKey(address)).toBe(expected);
  });

  test('are limited together by all processes on one database', async () => {
    const options = { registration: { maxPerHour: 3 } };
    const one = await startFixture({ options });
    const two = await startFixture({ options, database: one.database, clock: one.clock });
    const statuses: number[] = [];
    for (const at of [one, two, one, two, one]) {
      statuses.push((await register(at, { redirect_uris: [LOOPBACK] })).status);
    }
    await two.close();
    await one.close();

    expect(statuses).toEqual([201, 201, 201, 429, 429]);
  });

  test('that register most lose their unused clients first', async () => {
    let address = '198.51.100.1';
    const own = await startFixture({
      options: { registration: { maxClients: 4 }, clientAddress: () => address },
    });
    const mine = await registerClient(own);
    address = '198.51.100.66';
    for (let i = 0; i < 20; i++) await registerClient(own);
    const login = await getCode(own, { client: mine });
    for (let i = 0; i < 20; i++) await registerClient(own);
    const answer = await redeem(own, login);
    const count = await own.stores.clients.count();
    await own.close();

    expect(answer.status).toBe(200);
    expect(count).toBe(4);
  });

  test('are stored as a keyed hash, not as an address', async () => {
    const own = await startFixture({ options: { clientAddress: () => '198.51.100.23' } });
    await registerClient(own);
    const [row] = own.database.all<{ registered_from: string }>(
      'SELECT registered_from FROM as_client',
    );
    await own.close();

    expect(row?.registered_from).toMatch(/^[\w-]{22}$/);
  });
});

describe('the same app on another port', () => {
  const app = (port: number, more: Record<string, unknown> = {}) => ({
    client_name: 'Coding agent',
    redirect_uris: [`http://127.0.0.1:${port}/cb`, 'cursor://agent/cb'],
    token_endpoint_auth_method: 'none',
    ...more,
  });
  const idOf = async (fixture: Fixture, metadata: Record<string, unknown>) => {
    const response = await register(fixture, metadata);
    return ((await response.json()) as { client_id: string }).client_id;
  };

  test('gets its own client again: one record, which lives on', async () => {
    const own = await startFixture();
    const ids = new Set<string>();
    for (let i = 0; i < 8; i++) ids.add(await idOf(own, app(50_000 + i)));
    const [clientId = ''] = ids;
    const used = await logIn(own, { client: { clientId, redirectUri: 'http://127.0.0.1:1/cb' } });
    own.clock.advanceSeconds(80 * 86_400);
    await idOf(own, app(40_000));
    own.clock.advanceSeconds(20 * 86_400);
    const record = await own.stores.clients.find(clientId, Math.floor(own.clock.nowMs() / 1000));
    const count = await own.stores.clients.count();
    await own.close();

    expect(ids.size).toBe(1);
    expect(used.accessToken).not.toBe('');
    expect(count).toBe(1);
    expect(record?.lastUsedAt).toBeDefined();
  });

  test('is another client with another name, path, grant, host or key', async () => {
    const own = await startFixture();
    const variants = [
      app(1000),
      app(1000, { client_name: 'Other' }),
      app(1000, { redirect_uris: ['http://127.0.0.1:1000/other'] }),
      app(1000, { redirect_uris: ['http://localhost:1000/cb', 'cursor://agent/cb'] }),
      app(1000, { redirect_uris: ['http://127.0.0.1:1000/cb', 'cursor://agent:1/cb'] }),
      app(1000, { grant_types: ['authorization_code'] }),
      app(1000, { software_id: 'x' }),
    ];
    const ids = new Set<string>();
    for (const variant of variants) ids.add(await idOf(own, variant));
    await own.close();

    expect(ids.size).toBe(variants.length);
  });

  test('is a new client each time when it has a secret, or lives on the web', async () => {
    const own = await startFixture();
    const secret = app(1000, { token_endpoint_auth_method: 'client_secret_post' });
    const web = app(1000, { redirect_uris: ['https://app.example/cb'] });
    const ids = [await idOf(own, secret), await idOf(own, secret)];
    const webIds = [await idOf(own, web), await idOf(own, web)];
    await own.close();

    expect(new Set([...ids, ...webIds]).size).toBe(4);
  });

  test('has an id that differs from server to server', async () => {
    const one = await startFixture();
    const two = await startFixture({
      options: { masterSecret: Buffer.from('another-master-secret-of-enough-length') },
    });
    const ids = [await idOf(one, app(1)), await idOf(two, app(1))];
    await Promise.all([one.close(), two.close()]);

    expect(ids[0]).not.toBe(ids[1]);
    expect(ids[0]).toMatch(/^app-[\w-]{32}$/);
  });
});
