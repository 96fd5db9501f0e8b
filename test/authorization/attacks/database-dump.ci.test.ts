import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AuthorizationStores,
  createClientDirectory,
  hashPassword,
} from '../../../src/authorization/index.js';
import { randomId } from '../../../src/shared/ids.js';
import { openSqlite } from '../../../src/storage/sqlite/database.js';
import {
  type PlainRoleServer,
  queryPostgres,
  startPlainRoleServer,
} from '../../support/postgres.js';
import { temporaryFolder } from '../../support/processes.js';
import { ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import { type AssertionIssuer, createAssertionIssuer } from '../assertion-issuer.js';
import { allowDevice, poll, startDevice } from '../device-fixture.js';
import { EmulatedNet } from '../federation/support/emulated-net.js';
import { EmulatedOpenId } from '../federation/support/emulated-openid.js';
import {
  type Fixture,
  type FixtureOptions,
  MASTER_SECRET,
  PEOPLE,
  authorizationUrl,
  getCode,
  newVerifier,
  post,
  redeem,
  refresh,
  registerClient,
  startFixture,
} from '../fixture.js';
import { WireTap } from './wire-tap.js';

const SECRET = 'secret-of-the-operators-clients';
const PASSWORD = 'correct horse battery staple';
const GRANT = 'urn:ietf:params:oauth:grant-type:';
const basic = (clientId: string) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${SECRET}`).toString('base64')}`,
});

interface World {
  readonly fixture: Fixture;
  readonly upstream: EmulatedOpenId;
  readonly idp: AssertionIssuer;
  close(): Promise<void>;
}

/** A server with everything switched on. */
async function startWorld(tap: WireTap, options: FixtureOptions): Promise<World> {
  const net = new EmulatedNet();
  const idp = await createAssertionIssuer('https://idp.enterprise.example');
  const upstream = await EmulatedOpenId.start(
    'https://id.example.com',
    {
      refreshToken: () => true,
      authMethod: 'client_secret_basic',
      userInfoClaims: { name: 'Ines Duarte', email: 'ines@north.example', email_verified: true },
    },
    net,
  );
  const fixture = await startFixture({
    ...options,
    options: {
      signIn: {
        kind: 'any-of',
        methods: [
          { kind: 'demo' },
          { kind: 'local-users' },
          {
            kind: 'identity-providers',
            fetch: tap.wrap(net.fetch),
            providers: [
              {
                id: 'upstream',
                profile: 'openid',
                issuer: upstream.issuer,
                clientId: upstream.clientId,
                clientSecret: upstream.clientSecret,
                keepTokens: true,
                allow: [{ domain: 'north.example', tenant: 'north' }],
              },
            ],
          },
        ],
      },
      grants: { identityAssertions: { issuers: [{ issuer: idp.issuer, keys: idp.keys }] } },
    },
  });
  await addPeopleAndClients(fixture, idp);
  return {
    fixture,
    upstream,
    idp,
    async close() {
      await fixture.close();
      await upstream.close();
    },
  };
}

async function addPeopleAndClients(fixture: Fixture, idp: AssertionIssuer): Promise<void> {
  const { stores, clock, resource } = fixture;
  const { clients, artifacts } = stores;
  const [ada] = PEOPLE;
  if (ada === undefined) throw new Error('nobody');
  for (const person of PEOPLE) await stores.users.upsert(person);
  await stores.identities.signIn({ issuer: idp.issuer, subject: 'emp-1' }, ada, 'person-1', 1);
  const anna = { id: 'anna', displayName: 'Anna', tenant: 'north', scopes: ['catalog:read'] };
  const passwordHash = await hashPassword(PASSWORD);
  await stores.passwords.create(
    { ...anna, isDisabled: false },
    { userName: 'anna', userId: 'anna', passwordHash, changedAt: 1 },
  );
  const directory = createClientDirectory({
    clients,
    artifacts,
    masterSecret: MASTER_SECRET,
    clock,
  });
  for (const [clientId, more] of [
    ['machine', { grantTypes: ['client_credentials'], tenant: 'north' }],
    ['resource-server', { grantTypes: [`${GRANT}token-exchange`], introspects: [resource] }],
    ['enterprise-app', { grantTypes: [`${GRANT}jwt-bearer`] }],
  ] as const) {
    await directory.add({ clientId, clientName: clientId, clientSecret: SECRET, ...more });
  }
}

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: ({ port }) => port === '9696' });
}

/** Every flow, ended and not ended. @returns what was got where it could have been refused */
async function runEveryFlow({ fixture, upstream, idp }: World): Promise<Record<string, number>> {
  const { issuer } = fixture;
  const statuses: Record<string, number> = {};
  const state = () => ({
    state: randomId(),
    scope: 'openid catalog:read offline_access',
    nonce: randomId(),
  });

  const secretClient = await registerClient(fixture, {
    token_endpoint_auth_method: 'client_secret_post',
  });
  const auth = { client_secret: secretClient.clientSecret };
  await getCode(fixture, { client: secretClient, changes: state() });
  const login = await getCode(fixture, { client: secretClient, changes: state() });
  const first = await redeem(fixture, login, auth);
  const second = await refresh(fixture, secretClient, String(first.json['refresh_token']), auth);
  const spent = await refresh(fixture, secretClient, String(first.json['refresh_token']), auth);
  const third = await refresh(fixture, secretClient, String(second.json['refresh_token']), auth);
  const form = { client_id: secretClient.clientId, ...auth };
  await post(`${issuer}/introspect`, { ...form, token: String(third.json['access_token']) });
  Object.assign(statuses, { code: first.status, spent: spent.status, refresh: third.status });

  const open = newBrowser();
  const client = await registerClient(fixture);
  await open.open(authorizationUrl(fixture, client, newVerifier(), state()));
  const revoked = await redeem(fixture, await getCode(fixture, { client, changes: state() }));
  await post(`${issuer}/revoke`, {
    client_id: client.clientId,
    token: String(revoked.json['refresh_token']),
  });

  const signed = await signedLogin(fixture);
  statuses['private_key_jwt'] = signed;

  const waiting = newBrowser();
  const verifier = newVerifier();
  const url = authorizationUrl(fixture, client, verifier, state());
  await waiting.submit(await waiting.open(url), { provider: 'upstream' });
  const federated = newBrowser();
  const page = await federated.open(url);
  const sent = await federated.submit(page, { ...readForm(page).fields, provider: 'upstream' });
  const done = await federated.open(await upstream.visit(sent.url));
  const code = new URL(done.url).searchParams.get('code') ?? '';
  const ines = await redeem(fixture, { client, code, verifier });
  const exchanged = await post(
    `${issuer}/token`,
    {
      grant_type: `${GRANT}token-exchange`,
      subject_token: String(ines.json['access_token']),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'upstream',
    },
    basic('resource-server'),
  );
  Object.assign(statuses, { federated: ines.status, exchanged: exchanged.status });

  const local = newBrowser();
  const localPage = await local.open(url);
  const localLast = await local.submit(localPage, { user_name: 'anna', password: PASSWORD });
  statuses['local'] = new URL(localLast.url).searchParams.has('code') ? 200 : 400;

  await startDevice(fixture);
  const device = await startDevice(fixture);
  await poll(fixture, device);
  await allowDevice(device);
  statuses['device'] = (await poll(fixture, device)).status;

  const machine = { grant_type: 'client_credentials', resource: fixture.resource };
  statuses['machine'] = (await post(`${issuer}/token`, machine, basic('machine'))).status;
  const assertion = await idp.sign(
    {
      sub: 'emp-1',
      aud: issuer,
      client_id: 'enterprise-app',
      resource: fixture.resource,
      scope: 'catalog:read',
    },
    { typ: 'oauth-id-jag+jwt' },
  );
  const asserted = { grant_type: `${GRANT}jwt-bearer`, assertion };
  statuses['asserted'] = (await post(`${issuer}/token`, asserted, basic('enterprise-app'))).status;

  const account = newBrowser();
  const signIn = await account.open(`${issuer}/account`);
  statuses['account'] = (await account.submit(signIn, { person: 'ada' })).status;
  const away = newBrowser();
  const signInAway = await away.open(`${issuer}/account`);
  await away.submit(signInAway, { provider: 'upstream' });
  return statuses;
}

async function signedLogin(fixture: Fixture): Promise<number> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const client = await registerClient(fixture, {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [jwk] },
  });
  const login = await getCode(fixture, { client });
  const { status } = await redeem(fixture, login, {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({ jti: randomId() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(client.clientId)
      .setSubject(client.clientId)
      .setAudience(fixture.issuer)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(privateKey),
  });
  return status;
}

/** Everything that lies in the database, in whatever form a value could have been written. */
type Dump = () => Promise<Buffer>;

interface Engine {
  readonly name: string;
  open(): Promise<{ options: FixtureOptions; dump: Dump; close: () => Promise<void> }>;
}

let postgres: PlainRoleServer;
beforeAll(async () => {
  postgres = await startPlainRoleServer();
});
afterAll(async () => {
  await postgres.closeAll();
  await postgres.server.stop();
});

const engines: readonly Engine[] = [
  {
    name: 'SQLite, with what was deleted and what is in its log',
    async open() {
      const folder = temporaryFolder();
      const database = openSqlite(join(folder, 'as.sqlite'));
      return {
        options: { database },
        dump: async () =>
          Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name)))),
        close: async () => database.close(),
      };
    },
  },
  {
    name: 'PostgreSQL',
    async open() {
      const url = await postgres.createDatabase();
      const storage = await postgres.open(url);
      const wrapStores = (): AuthorizationStores => storage.authorization;
      const owner = postgres.server.urlAs(url, 'postgres');
      return { options: { wrapStores }, dump: () => dumpPostgres(owner), close: async () => {} };
    },
  },
];

async function dumpPostgres(url: string): Promise<Buffer> {
  const tables = await queryPostgres(
    url,
    "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
  );
  const rows: string[] = [];
  for (const { name } of tables) {
    const found = await queryPostgres(
      url,
      `SELECT row_to_json(t)::text AS row FROM ${String(name)} t`,
    );
    rows.push(...found.map(({ row }) => String(row)));
  }
  return Buffer.from(rows.join('\n'));
}

describe.each(engines)('a dump of the database after every flow: $name', ({ open }) => {
  test('holds no code, token, secret, password, cookie or private key in clear', async () => {
    const tap = new WireTap();
    const { options, dump, close } = await open();
    tap.start();
    const world = await startWorld(tap, options);
    const statuses = await runEveryFlow(world);
    tap.stop();
    const text = await dump();
    await world.close();
    await close();

    expect([...new Set(Object.values(statuses))]).toEqual([200]);
    tap.note('master secret', MASTER_SECRET.toString());
    tap.note('upstream secret', world.upstream.clientSecret);
    const seen = new Set(tap.secrets.values());
    for (const name of [
      'access_token',
      'assertion',
      'client_assertion',
      'client_secret',
      'code',
      'code_verifier',
      'cookie',
      'csrf',
      'device_code',
      'id_token',
      'interaction',
      'nonce',
      'password',
      'refresh_token',
      'state',
      'user_code',
      'xsrf',
    ]) {
      expect(seen).toContain(name);
    }
    expect(tap.secrets.size).toBeGreaterThan(100);
    const found = [...tap.secrets].flatMap(([value, name]) =>
      formsOf(value)
        .filter((form) => text.includes(form))
        .map(() => `${name}: ${value}`),
    );
    expect(found).toEqual([]);
    expect(text.toString('latin1')).not.toMatch(/"d\\*":/);
    // What is no secret is found: it is the right dump.
    for (const known of [
      'enterprise-app',
      'https://id.example.com',
      PEOPLE[0]?.displayName ?? '',
    ]) {
      expect(text.includes(known)).toBe(true);
    }
    expect(text.length).toBeGreaterThan(20_000);
  });
});

/** As it is, and as bytes that somebody wrote down in another way. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  return [value, bytes.toString('hex'), base64, encodeURIComponent(value), value.replace('-', '')];
}
