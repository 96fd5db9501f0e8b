import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientDirectory, parseClients } from '../../src/authorization/index.js';
import type { ClientDirectory } from '../../src/authorization/index.js';
import {
  type Fixture,
  MASTER_SECRET,
  getCode,
  logIn,
  post,
  redeem,
  refresh,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
let directory: ClientDirectory;
beforeAll(async () => {
  fixture = await startFixture();
  const { clients, artifacts } = fixture.stores;
  const { clock } = fixture;
  directory = createClientDirectory({ clients, artifacts, masterSecret: MASTER_SECRET, clock });
});
afterAll(() => fixture.close());

const SECRET = 'operator-client-secret-1';
const basic = (clientId: string) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${SECRET}`).toString('base64')}`,
});

describe('the clients of the operator', () => {
  test('work at once, prove themselves and never expire', async () => {
    await directory.add({
      clientId: 'importer',
      clientName: 'Importer',
      clientSecret: SECRET,
      grantTypes: ['client_credentials'],
      tenant: 'north',
    });
    const ask = () =>
      post(`${fixture.issuer}/token`, { grant_type: 'client_credentials' }, basic('importer'));
    const first = await ask();
    fixture.clock.advanceSeconds(200 * 86_400);
    const later = await ask();

    expect([first.status, later.status]).toEqual([200, 200]);
    expect(await directory.find('importer')).toMatchObject({
      source: 'operator',
      lastUsedAt: expect.any(Number) as number,
      expiresAt: undefined,
    });
  });

  test('keep their secret to themselves: sealed in the database, never shown again', async () => {
    await directory.add({
      clientId: 'sealed',
      clientName: 'Sealed',
      clientSecret: SECRET,
      redirectUris: ['https://app.example/cb'],
    });
    const rows = JSON.stringify(fixture.database.all('SELECT * FROM as_client'));

    expect(rows).not.toContain(SECRET);
    expect(JSON.stringify(await directory.find('sealed'))).not.toContain(SECRET);
    expect(JSON.stringify(await directory.list({ limit: 100 }))).not.toContain(SECRET);
  });

  test('are never overwritten, and an unusable one is refused', async () => {
    const client = { clientId: 'once', clientName: 'Once', redirectUris: ['https://a.example/cb'] };

    expect(await directory.add(client)).toBe(true);
    expect(await directory.add({ ...client, clientName: 'Twice' })).toBe(false);
    await expect(
      directory.add({ ...client, clientId: 'bad', redirectUris: ['http://evil.example'] }),
    ).rejects.toThrow(TypeError);
  });

  test('lose everything that they hold when they are revoked', async () => {
    await directory.add({
      clientId: 'doomed',
      clientName: 'Doomed',
      redirectUris: ['http://127.0.0.1:9696/cb'],
    });
    const client = { clientId: 'doomed', redirectUri: 'http://127.0.0.1:9696/cb' };
    const tokens = await logIn(fixture, { client });
    const pending = await getCode(fixture, { client });
    const other = await logIn(fixture);
    const wasThere = await directory.revoke('doomed');
    const again = await directory.revoke('doomed');
    const left = fixture.database.all("SELECT 1 FROM as_artifact WHERE client_id = 'doomed'");

    expect([wasThere, again]).toEqual([true, false]);
    expect(left).toEqual([]);
    expect((await refresh(fixture, client, tokens.refreshToken)).status).toBe(401);
    expect((await redeem(fixture, pending)).status).toBe(401);
    expect((await refresh(fixture, other.client, other.refreshToken)).status).toBe(200);
  });

  test('are listed apart from those that registered themselves', async () => {
    await logIn(fixture);
    const registered = await directory.list({ source: 'registered', limit: 100 });
    const operator = await directory.list({ source: 'operator', limit: 100 });
    const all = await directory.list({ limit: 100 });

    expect(registered.every(({ source }) => source === 'registered')).toBe(true);
    expect(operator.every(({ source }) => source === 'operator')).toBe(true);
    expect(all).toHaveLength(registered.length + operator.length);
    expect(await directory.list({ limit: 1 })).toHaveLength(1);
  });
});

describe('the file about clients', () => {
  const read = (value: unknown) => parseClients(value, () => SECRET);

  test('says who the clients are and whose word counts for them', async () => {
    const parsed = read({
      clients: [
        {
          clientId: 'm',
          clientName: 'M',
          clientSecretEnv: 'M_SECRET',
          grantTypes: ['client_credentials'],
          tenant: 'north',
        },
      ],
      enterpriseIssuers: [
        { issuer: 'https://idp.example', admit: { tenant: 'north', scopes: ['catalog:read'] } },
      ],
      workloadIssuers: [
        { issuer: 'https://k8s.example', workloads: [{ subject: 's', clientId: 'm' }] },
      ],
    });
    if (!parsed.ok) throw new Error(parsed.error);

    expect(parsed.value.clients[0]).toMatchObject({ clientId: 'm', clientSecret: SECRET });
    expect(parsed.value.clients[0]).not.toHaveProperty('clientSecretEnv');
    expect(await parsed.value.enterpriseIssuers[0]?.admit?.({ sub: 'x', name: 'X' })).toEqual({
      displayName: 'X',
      tenant: 'north',
      scopes: ['catalog:read'],
    });
    expect(parsed.value.workloadIssuers[0]?.workloads).toHaveLength(1);
    expect(read({})).toMatchObject({ ok: true });
  });

  const client = { clientId: 'a', clientName: 'A', redirectUris: ['https://a.example/cb'] };
  const wrong: readonly { name: string; value: unknown; says: RegExp }[] = [
    { name: 'a list', value: [], says: /document/ },
    { name: 'an unknown member', value: { client: [] }, says: /client/ },
    {
      name: 'a client without a name',
      value: { clients: [{ clientId: 'a' }] },
      says: /clients.0.clientName/,
    },
    {
      name: 'the same client twice',
      value: { clients: [client, client] },
      says: /"a" is there twice/,
    },
    {
      name: 'two places for one secret',
      value: { clients: [{ ...client, clientSecretEnv: 'A', clientSecretFile: 'b' }] },
      says: /clients.0.*both/,
    },
    {
      name: 'a secret in the clear',
      value: { clients: [{ ...client, clientSecret: 'x'.repeat(20) }] },
      says: /clientSecret/,
    },
    {
      name: 'an unknown grant',
      value: { clients: [{ ...client, grantTypes: ['password'] }] },
      says: /grantTypes/,
    },
    {
      name: 'a machine without a tenant',
      value: { clients: [{ ...client, clientSecretEnv: 'A', grantTypes: ['client_credentials'] }] },
      says: /tenant/,
    },
    {
      name: 'plain http',
      value: { enterpriseIssuers: [{ issuer: 'http://idp.example' }] },
      says: /https/,
    },
    {
      name: 'a platform without workloads',
      value: { workloadIssuers: [{ issuer: 'https://k.example', workloads: [] }] },
      says: /workloads/,
    },
  ];
  test.each(wrong)('is refused with $name, and says where', ({ value, says }) => {
    const parsed = read(value);

    expect(parsed.ok ? '' : parsed.error).toMatch(says);
  });

  test('says which secret cannot be had', () => {
    const parsed = parseClients({ clients: [{ ...client, clientSecretEnv: 'NOPE' }] }, () => {
      throw new Error('NOPE is not set');
    });

    expect(parsed).toEqual({ ok: false, error: 'NOPE is not set' });
  });
});
