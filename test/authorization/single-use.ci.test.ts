import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresStorage } from '../../src/storage/index.js';
import { type PlainRoleServer, startPlainRoleServer } from '../support/postgres.js';
import { type AssertionIssuer, createAssertionIssuer } from './assertion-issuer.js';
import { allowDevice, poll, startDevice } from './device-fixture.js';
import { type Fixture, PEOPLE, getCode, post, redeem, startFixture } from './fixture.js';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SECRET = 'enterprise-app-secret-1';
const TRIES = 10;

let server: PlainRoleServer;
let idp: AssertionIssuer;
let one: Fixture;
let two: Fixture;

beforeAll(async () => {
  server = await startPlainRoleServer();
  const url = await server.createDatabase();
  idp = await createAssertionIssuer('https://idp.enterprise.example');
  const storages = [await server.open(url), await server.open(url)] as const;
  for (const person of PEOPLE) await storages[0].authorization.users.upsert(person);
  one = await startAt(storages[0]);
  two = await startAt(storages[1], one);
  const [ada] = PEOPLE;
  if (ada === undefined) throw new Error('nobody');
  const { identities } = one.stores;
  await identities.signIn({ issuer: idp.issuer, subject: 'emp-1' }, ada, 'person-1', 1);
});
afterAll(async () => {
  await one.close();
  await two.close();
  await server.closeAll();
  await server.server.stop();
});

/** A process on the database; the second one answers for the issuer and the resource of the first. */
function startAt(storage: PostgresStorage, like?: Fixture): Promise<Fixture> {
  return startFixture({
    wrapStores: () => storage.authorization,
    ...(like === undefined ? {} : { issuer: like.issuer }),
    options: {
      ...(like === undefined
        ? {}
        : { resources: [{ resource: like.resource, scopes: { 'catalog:read': 'Read' } }] }),
      clients: [
        {
          clientId: 'enterprise-app',
          clientName: 'Enterprise app',
          clientSecret: SECRET,
          grantTypes: [JWT_BEARER],
        },
      ],
      grants: { identityAssertions: { issuers: [{ issuer: idp.issuer, keys: idp.keys }] } },
    },
  });
}

/** The second process listens elsewhere than its issuer says: requests go to where it really is. */
const at = (index: number): Fixture => {
  if (index % 2 === 0) return one;
  return { ...two, issuer: new URL(two.resource).origin, resource: one.resource };
};

function statusesOf(answers: readonly { readonly status: number }[]): number[] {
  return answers.map(({ status }) => status).toSorted((a, b) => a - b);
}

const oneWinner = [200, ...Array.from({ length: TRIES - 1 }, () => 400)];
const tries = Array.from({ length: TRIES }, (_, index) => index);

describe('ten tries at once, at two processes on PostgreSQL', () => {
  test('of one code have one winner', async () => {
    const login = await getCode(one, { changes: { scope: 'catalog:read' } });

    expect(statusesOf(await Promise.all(tries.map((i) => redeem(at(i), login))))).toEqual(
      oneWinner,
    );
  });

  test('of one device code have one winner', async () => {
    const device = await startDevice(one, undefined, { scope: 'catalog:read' });
    await allowDevice(device);

    expect(statusesOf(await Promise.all(tries.map((i) => poll(at(i), device))))).toEqual(oneWinner);
  });

  test('of one identity assertion have one winner', async () => {
    const assertion = await idp.sign(
      {
        sub: 'emp-1',
        aud: one.issuer,
        client_id: 'enterprise-app',
        resource: one.resource,
        scope: 'catalog:read',
      },
      { typ: 'oauth-id-jag+jwt' },
    );
    const headers = {
      authorization: `Basic ${Buffer.from(`enterprise-app:${SECRET}`).toString('base64')}`,
    };
    const answers = await Promise.all(
      tries.map((i) =>
        post(`${at(i).issuer}/token`, { grant_type: JWT_BEARER, assertion }, headers),
      ),
    );

    expect(statusesOf(answers)).toEqual(oneWinner);
  });
});
