import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PersonProfile } from '../../src/authorization/index.js';
import { type AssertionIssuer, createAssertionIssuer } from './assertion-issuer.js';
import { type Fixture, PEOPLE, post, readToken, startFixture } from './fixture.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TYPE = 'oauth-id-jag+jwt';
const SECRET = 'enterprise-app-secret-1';
const CLIENTS = ['enterprise-app', 'other-app'].map((clientId) => ({
  clientId,
  clientName: clientId,
  clientSecret: SECRET,
  grantTypes: [GRANT],
}));
const as = (clientId: string) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${SECRET}`).toString('base64')}`,
});

let fixture: Fixture;
let idp: AssertionIssuer;
let admitted: PersonProfile | undefined;
beforeAll(async () => {
  idp = await createAssertionIssuer('https://idp.enterprise.example');
  fixture = await startFixture({
    options: {
      clients: [...CLIENTS, { clientId: 'public-app', clientName: 'Public', grantTypes: [GRANT] }],
      grants: {
        identityAssertions: {
          issuers: [{ issuer: idp.issuer, keys: idp.keys, admit: () => admitted }],
        },
      },
    },
  });
  const [ada, , cleo] = PEOPLE;
  if (ada === undefined || cleo === undefined) throw new Error('nobody');
  const { identities } = fixture.stores;
  await identities.signIn({ issuer: idp.issuer, subject: 'emp-1' }, ada, 'person-1', 1);
  await identities.signIn({ issuer: idp.issuer, subject: 'emp-2' }, cleo, 'person-2', 1);
  await fixture.stores.users.upsert({ ...cleo, id: 'person-2', isDisabled: true });
});
afterAll(() => fixture.close());

const claims = () => ({
  sub: 'emp-1',
  aud: fixture.issuer,
  client_id: 'enterprise-app',
  resource: fixture.resource,
  scope: 'catalog:read learner:read',
});

async function assert(
  changes: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = { typ: TYPE },
  issuer = idp,
): Promise<string> {
  return issuer.sign({ ...claims(), ...changes }, header);
}

function show(
  assertion: string,
  changes: Readonly<Record<string, string | undefined>> = {},
  headers: Readonly<Record<string, string>> = as('enterprise-app'),
) {
  return post(
    `${fixture.issuer}/token`,
    { grant_type: GRANT, assertion, resource: fixture.resource, ...changes },
    headers,
  );
}

describe('enterprise-managed authorization (ID-JAG)', () => {
  test('is said to be supported', () => {
    expect(fixture.as.metadata()).toMatchObject({
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      grant_types_supported: expect.arrayContaining([GRANT]) as string[],
    });
  });

  test('gives a token for the person, without a page and without a refresh token', async () => {
    const { status, json } = await show(await assert());
    const { payload } = await readToken(fixture, String(json['access_token']));

    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'catalog:read learner:read',
    });
    expect(payload).toMatchObject({
      sub: 'person-1',
      client_id: 'enterprise-app',
      tenant: 'north',
      aud: fixture.resource,
    });
  });

  test('gives the scopes that are asked for, asserted, and the person’s own', async () => {
    const narrow = await show(await assert(), { scope: 'catalog:read learner:write' });
    const nothing = await show(await assert(), { scope: 'learner:write' });
    const unasserted = await show(await assert({ scope: undefined }));

    expect(narrow.json['scope']).toBe('catalog:read');
    expect(nothing.json['error']).toBe('invalid_scope');
    expect(unasserted.json['error']).toBe('invalid_scope');
  });

  test('takes each assertion once, of ten at the same time exactly one', async () => {
    const assertion = await assert();
    const answers = await Promise.all(Array.from({ length: 10 }, () => show(assertion)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);

    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
    expect(await show(assertion)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('does not spend an assertion on a request that is refused', async () => {
    const assertion = await assert();
    const refused = await show(assertion, { scope: 'learner:write' });

    expect(refused.status).toBe(400);
    expect((await show(assertion)).status).toBe(200);
  });

  const now = () => Math.floor(Date.now() / 1000);
  const invalid: readonly {
    name: string;
    changes?: () => Record<string, unknown>;
    header?: Record<string, unknown>;
  }[] = [
    { name: 'another typ', header: { typ: 'JWT' } },
    { name: 'no typ', header: {} },
    { name: 'another audience', changes: () => ({ aud: 'https://other.example' }) },
    { name: 'two audiences', changes: () => ({ aud: [fixture.issuer, 'https://x.example'] }) },
    { name: 'another client', changes: () => ({ client_id: 'other-app' }) },
    { name: 'no client', changes: () => ({ client_id: undefined }) },
    { name: 'a resource that is not here', changes: () => ({ resource: 'https://x.example/mcp' }) },
    { name: 'no resource', changes: () => ({ resource: undefined }) },
    { name: 'no jti', changes: () => ({ jti: undefined }) },
    { name: 'no sub', changes: () => ({ sub: undefined }) },
    { name: 'no exp', changes: () => ({ exp: undefined }) },
    { name: 'no iat', changes: () => ({ iat: undefined }) },
    { name: 'an expired one', changes: () => ({ iat: now() - 400, exp: now() - 100 }) },
    { name: 'one from the future', changes: () => ({ iat: now() + 100, exp: now() + 200 }) },
    { name: 'one that lives too long', changes: () => ({ exp: now() + 3600 }) },
    { name: 'one that is not valid yet', changes: () => ({ nbf: now() + 100 }) },
    { name: 'a person who is not known', changes: () => ({ sub: 'emp-9' }) },
    { name: 'a person who is disabled', changes: () => ({ sub: 'emp-2' }) },
    { name: 'an issuer that is not trusted', changes: () => ({ iss: 'https://evil.example' }) },
  ];
  test.each(invalid)('refuses $name', async ({ changes, header }) => {
    const answer = await show(await assert(changes?.(), header));

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(JSON.stringify(answer.json)).not.toContain('emp-');
  });

  test('refuses a forged signature, "none", an HMAC with the public key, and no JWT at all', async () => {
    const forger = await createAssertionIssuer(idp.issuer);
    const good = await assert();
    const [, body = ''] = good.split('.');
    const header = (alg: string) =>
      Buffer.from(JSON.stringify({ alg, typ: TYPE, kid: 'k1' })).toString('base64url');
    const bad = [
      await assert({}, { typ: TYPE }, forger),
      `${header('none')}.${body}.`,
      `${header('HS256')}.${body}.${'A'.repeat(43)}`,
      'made-up',
      'x'.repeat(20_000),
    ];

    for (const assertion of bad) {
      expect((await show(assertion)).json['error']).toBe('invalid_grant');
    }
  });

  test('refuses a client that does not authenticate, or is not meant', async () => {
    const open = await assert({ client_id: 'public-app' });

    expect((await show(await assert(), {}, as('other-app'))).json['error']).toBe('invalid_grant');
    expect((await show(open, { client_id: 'public-app' }, {})).json['error']).toBe(
      'unauthorized_client',
    );
    expect((await show(await assert(), {}, {})).status).toBe(400);
  });

  test('refuses another resource than the one that is asserted', async () => {
    const answer = await show(await assert(), { resource: 'https://other.example/mcp' });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
  });

  test('lets a rule admit somebody new, and finds the same person the next time', async () => {
    admitted = { displayName: 'Dora Nkem', tenant: 'south', scopes: ['catalog:read'] };
    const subjectOf = async () => {
      const { json } = await show(await assert({ sub: 'emp-3', email: 'ada@example.com' }));
      return (await readToken(fixture, String(json['access_token']))).payload;
    };
    const first = await subjectOf();
    admitted = undefined;
    const second = await subjectOf();

    expect(first).toMatchObject({ tenant: 'south', scope: 'catalog:read' });
    expect(second.sub).toBe(first.sub);
  });

  test('finds the keys of an identity provider through its metadata', async () => {
    const server = createServer((request, response) => {
      const origin = `http://${request.headers.host ?? ''}`;
      const documents: Record<string, unknown> = {
        '/.well-known/openid-configuration': { issuer: origin, jwks_uri: `${origin}/keys` },
        '/keys': { keys: [local.publicJwk] },
      };
      const document = documents[request.url ?? ''];
      response
        .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(document ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const local = await createAssertionIssuer(issuer, 'RS256');
    const discovering = await startFixture({
      options: {
        clients: CLIENTS,
        grants: {
          identityAssertions: {
            issuers: [
              {
                issuer,
                admit: () => ({ displayName: 'E', tenant: 'north', scopes: ['catalog:read'] }),
              },
            ],
          },
        },
      },
    });
    const assertion = await local.sign(
      { ...claims(), aud: discovering.issuer, resource: discovering.resource },
      { typ: TYPE },
    );
    const answer = await post(
      `${discovering.issuer}/token`,
      { grant_type: GRANT, assertion },
      as('enterprise-app'),
    );
    await discovering.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));

    expect(answer.status).toBe(200);
  });
});
