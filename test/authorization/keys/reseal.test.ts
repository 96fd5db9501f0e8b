import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resealAll } from '../../../src/authorization/index.js';
import { createUpstreamTokenVault } from '../../../src/authorization/federation/upstream-tokens.js';
import { systemClock } from '../../../src/shared/clock.js';
import { silentLogger } from '../../../src/shared/logger.js';
import { type SealingSecret, createSealer, deriveKeys } from '../../../src/shared/sealing.js';
import { type SqliteDatabase, openSqlite } from '../../../src/storage/sqlite/database.js';
import { ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import {
  type Fixture,
  MASTER_SECRET,
  authorizationUrl,
  logIn,
  newVerifier,
  redeem,
  refresh,
  registerClient,
  startFixture,
} from '../fixture.js';

const OLD = MASTER_SECRET;
const NEW = Buffer.from('the-secret-that-comes-after-the-first-one');
let database: SqliteDatabase;
const open: Fixture[] = [];

beforeEach(() => {
  database = openSqlite(':memory:');
});
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
  database.close();
});

/** A server of the same issuer, as after a restart with other secrets. */
async function start(masterSecret: SealingSecret, own?: string): Promise<Fixture> {
  const issuer = 'http://localhost:4999';
  const fixture = await startFixture({
    database,
    ...(own === undefined ? {} : { issuer: own }),
    options: {
      masterSecret,
      resources: [{ resource: `${issuer}/mcp`, scopes: { 'catalog:read': 'Read' } }],
    },
  });
  open.push(fixture);
  return { ...fixture, resource: `${issuer}/mcp` };
}

const scope = { changes: { scope: 'catalog:read' } };

describe('a sealer with several secrets', () => {
  test('seals under the first and opens with all', () => {
    const old = createSealer(OLD, 'test');
    const both = createSealer([NEW, OLD], 'test');

    expect(both.open(old.seal('value', 'here'), 'here')).toBe('value');
    expect(both.open(old.seal('value', 'here'), 'there')).toBeUndefined();
    expect(old.open(both.seal('value', 'here'), 'here')).toBeUndefined();
    expect(createSealer(NEW, 'test').open(both.seal('value', 'here'), 'here')).toBe('value');
    expect(deriveKeys([NEW, OLD], 'test')).toEqual([
      ...deriveKeys(NEW, 'test'),
      ...deriveKeys(OLD, 'test'),
    ]);
  });
});

describe('a new master secret', () => {
  test('keeps logins, clients and keys of the old one, before, while and after everything is sealed anew', async () => {
    const before = await start(OLD);
    const client = await registerClient(before, {
      token_endpoint_auth_method: 'client_secret_post',
    });
    const secret = { client_secret: client.clientSecret };
    const login = await logIn(before, scope);
    const jwks = before.as.jwks();

    const during = await start([NEW, OLD]);
    expect(during.as.jwks()).toEqual(jwks);
    const second = await refresh(during, login.client, login.refreshToken);
    expect(second.status).toBe(200);

    const report = await resealAll(during.stores.sealedValues, [NEW, OLD]);
    expect(report['signing-key']).toEqual({ total: 1, resealed: 1, unreadable: 0 });
    expect(report.client).toEqual({ total: 2, resealed: 2, unreadable: 0 });
    expect(report.artifact.resealed).toBeGreaterThan(3);
    expect(report.artifact.unreadable).toBe(0);

    const after = await start(NEW);
    expect(after.as.jwks()).toEqual(jwks);
    const third = await refresh(after, login.client, String(second.json['refresh_token']));
    expect(third.status).toBe(200);
    const wrong = await redeem(after, { client, code: 'x', verifier: 'y' }, secret);
    expect(wrong.json['error']).toBe('invalid_grant');
  });

  test('takes a page and its cookies from before the change', async () => {
    const before = await start(OLD);
    const client = await registerClient(before);
    const browser = new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
    const page = await browser.open(authorizationUrl(before, client, newVerifier(), scope.changes));
    const form = readForm(page);
    const ada = form.buttons.find(({ name, value }) => name === 'person' && value === 'ada');
    const cookie = browser.cookiesFor(page.url);
    // The same issuer at another port, as behind a balancer.
    const send = async (masterSecret: SealingSecret) => {
      const { origin } = await start(masterSecret, before.issuer);
      return fetch(new URL(form.action, origin), {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: before.issuer,
          cookie,
        },
        body: new URLSearchParams({ ...form.fields, person: ada?.value ?? '' }),
      });
    };

    expect((await send(OLD)).status).toBe(303);
    expect((await send([NEW, OLD])).status).toBe(303);
    await resealAll(before.stores.sealedValues, [NEW, OLD]);
    expect((await send(NEW)).status).toBe(400);
  });

  test('cannot open what it was not told the old one of, and says which variable takes it', async () => {
    await start(OLD);

    await expect(start(NEW)).rejects.toThrow('CATALOG_MASTER_SECRET_PREVIOUS');
  });
});

describe('sealing anew', () => {
  test('changes nothing the second time, and leaves what nobody can open', async () => {
    const fixture = await start(OLD);
    await logIn(fixture, scope);
    await resealAll(fixture.stores.sealedValues, [NEW, OLD]);
    database.run("UPDATE as_client SET metadata = 'broken'");
    const text = JSON.stringify(database.all('SELECT * FROM as_artifact'));
    const report = await resealAll(fixture.stores.sealedValues, [NEW, OLD]);

    expect(report.artifact.resealed).toBe(0);
    expect(report.client).toEqual({ total: 1, resealed: 0, unreadable: 1 });
    expect(JSON.stringify(database.all('SELECT * FROM as_artifact'))).toBe(text);
  });

  test('goes through more rows than one batch has', async () => {
    const fixture = await start(OLD);
    const sealer = createSealer(OLD, 'authorization:artifact');
    for (let index = 0; index < 450; index++) {
      database.run(
        `INSERT INTO as_client (client_id, metadata, source, created_at) VALUES (?, ?, 'registered', 1)`,
        `client-${index}`,
        sealer.seal('{}', `client-${index}`),
      );
    }
    const report = await resealAll(fixture.stores.sealedValues, [NEW, OLD]);

    expect(report.client).toEqual({ total: 450, resealed: 450, unreadable: 0 });
  });

  test('leaves a value alone that a server has written meanwhile', async () => {
    const fixture = await start(OLD);
    await logIn(fixture, scope);
    const { sealedValues } = fixture.stores;
    const report = await resealAll(
      {
        ...sealedValues,
        async list(place, after, limit) {
          const values = await sealedValues.list(place, after, limit);
          if (place === 'client') database.run("UPDATE as_client SET metadata = 'newer'");
          return values;
        },
      },
      [NEW, OLD],
    );

    expect(report.client.resealed).toBe(0);
    expect(database.get('SELECT metadata FROM as_client')).toEqual({ metadata: 'newer' });
  });

  test('covers the tokens of identity providers', async () => {
    const fixture = await start(OLD);
    const { upstreamTokens, sealedValues } = fixture.stores;
    const vaultOf = (masterSecret: SealingSecret) =>
      createUpstreamTokenVault({
        store: upstreamTokens,
        masterSecret,
        clock: systemClock,
        logger: silentLogger,
      });
    const issuer = 'https://idp.example';
    const client = { provider: { issuer, id: 'idp' } } as never;
    await vaultOf(OLD).keep('ada', issuer, {
      accessToken: 'the-upstream-token',
      refreshToken: undefined,
      idToken: undefined,
      scope: undefined,
      expiresAt: undefined,
    });
    const report = await resealAll(sealedValues, [NEW, OLD]);

    expect(report['upstream-token']).toEqual({ total: 1, resealed: 1, unreadable: 0 });
    const found = await vaultOf(NEW).fresh('ada', client);
    expect(found).toMatchObject({ ok: true, value: { accessToken: 'the-upstream-token' } });
  });
});
