import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PreRegisteredClient } from '../../src/authorization/index.js';
import { randomId } from '../../src/shared/ids.js';
import { type AssertionIssuer, createAssertionIssuer } from './assertion-issuer.js';
import { type Fixture, post, readToken, register, startFixture } from './fixture.js';

const SECRET = 'a-secret-of-some-length-1';
const MACHINE: PreRegisteredClient = {
  clientId: 'nightly-import',
  clientName: 'Nightly import',
  clientSecret: SECRET,
  grantTypes: ['client_credentials'],
  scopes: ['catalog:read', 'learner:read'],
  tenant: 'north',
};

let fixture: Fixture;
let platform: AssertionIssuer;
let signingKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  signingKey = privateKey;
  platform = await createAssertionIssuer('https://platform.example');
  fixture = await startFixture({
    options: {
      clients: [
        MACHINE,
        {
          clientId: 'signing-machine',
          clientName: 'Signing machine',
          jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] },
          grantTypes: ['client_credentials'],
          tenant: 'south',
        },
        {
          clientId: 'workload',
          clientName: 'Workload',
          grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
          scopes: ['catalog:read'],
          tenant: 'south',
        },
      ],
      grants: {
        workloads: {
          issuers: [
            {
              issuer: platform.issuer,
              keys: platform.keys,
              workloads: [{ subject: 'ns:prod:sa:importer', clientId: 'workload' }],
            },
          ],
        },
      },
    },
  });
});
afterAll(() => fixture.close());

const basic = (clientId: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
});

function ask(
  changes: Readonly<Record<string, string>> = {},
  headers = basic('nightly-import', SECRET),
) {
  return post(
    `${fixture.issuer}/token`,
    { grant_type: 'client_credentials', resource: fixture.resource, ...changes },
    headers,
  );
}

describe('client credentials (RFC 6749 §4.4)', () => {
  test('give a client a token for itself: its tenant, its scopes, no refresh token', async () => {
    const { status, json, headers } = await ask();
    const { payload, protectedHeader } = await readToken(fixture, String(json['access_token']));

    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'catalog:read learner:read',
    });
    expect(payload).toMatchObject({
      sub: 'nightly-import',
      client_id: 'nightly-import',
      tenant: 'north',
      scope: 'catalog:read learner:read',
    });
    expect(protectedHeader.typ).toBe('at+jwt');
  });

  test('narrow to what is asked for, and never go beyond the record of the client', async () => {
    const narrow = await ask({ scope: 'catalog:read' });
    const wide = await ask({ scope: 'catalog:read enrollment:write' });

    expect(narrow.json['scope']).toBe('catalog:read');
    expect(wide).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
  });

  test('refuse a wrong secret, none, another resource, two of them', async () => {
    const two = new URLSearchParams([
      ['grant_type', 'client_credentials'],
      ['resource', fixture.resource],
      ['resource', 'https://other.example/mcp'],
    ]);
    const doubled = await fetch(`${fixture.issuer}/token`, {
      method: 'POST',
      body: two,
      headers: basic('nightly-import', SECRET),
    });

    expect((await ask({}, basic('nightly-import', 'wrong'))).status).toBe(401);
    expect((await ask({ client_id: 'nightly-import' }, {} as never)).status).toBe(401);
    expect((await ask({ resource: 'https://other.example/mcp' })).json['error']).toBe(
      'invalid_target',
    );
    expect(doubled.status).toBe(400);
  });

  test('take a signed assertion in place of a secret, once', async () => {
    const assertion = await new SignJWT({ jti: randomId() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer('signing-machine')
      .setSubject('signing-machine')
      .setAudience(fixture.issuer)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(signingKey);
    const send = async () =>
      ask(
        {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
        },
        {} as never,
      );
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    const won = answers.filter(({ status }) => status === 200);

    expect(won).toHaveLength(1);
    expect(won[0]?.json['scope']).toBe('catalog:read learner:read learner:write enrollment:write');
    expect((await send()).status).toBe(401);
  });

  test('give tokens that the client can introspect and revoke', async () => {
    const token = String((await ask()).json['access_token']);
    const at = async (path: string) =>
      post(`${fixture.issuer}${path}`, { token }, basic('nightly-import', SECRET));
    const before = await at('/introspect');
    await at('/revoke');
    const after = await at('/introspect');

    expect(before.json).toMatchObject({ active: true, client_id: 'nightly-import' });
    expect(after.json).toEqual({ active: false });
  });

  test('are for clients of the operator alone', async () => {
    const response = await register(fixture, {
      client_name: 'Eager',
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['client_credentials', 'authorization_code'],
    });
    const body = (await response.json()) as Record<string, string>;
    const answer = await ask({}, basic(body['client_id'] ?? '', body['client_secret'] ?? ''));

    expect(body['grant_types']).toEqual(['authorization_code']);
    expect(answer.status).toBe(400);
  });

  test('can be switched off', async () => {
    const closed = await startFixture({
      options: { grants: { clientCredentials: false } },
    });
    const answer = await post(`${closed.issuer}/token`, { grant_type: 'client_credentials' });
    await closed.close();

    expect(closed.as.metadata()['grant_types_supported']).not.toContain('client_credentials');
    expect(answer.status).toBe(400);
  });

  const wrong: readonly { name: string; client: PreRegisteredClient; says: RegExp }[] = [
    { name: 'no tenant', client: { ...MACHINE, tenant: undefined } as never, says: /tenant/ },
    {
      name: 'neither secret nor keys',
      client: { ...MACHINE, clientSecret: undefined } as never,
      says: /clientSecret or keys/,
    },
    {
      name: 'a short secret',
      client: { ...MACHINE, clientSecret: 'short' },
      says: /16 characters/,
    },
    { name: 'no name', client: { ...MACHINE, clientName: '' }, says: /clientName/ },
    { name: 'spaces in the id', client: { ...MACHINE, clientId: 'a b' }, says: /clientId/ },
    {
      name: 'a redirect URI that is not usable',
      client: { ...MACHINE, redirectUris: ['http://evil.example/cb'] },
      says: /redirect URI/,
    },
  ];
  test.each(wrong)('refuse to start with a client with $name', async ({ client, says }) => {
    await expect(startFixture({ options: { clients: [client] } })).rejects.toThrow(says);
  });
});

describe('workload identity (RFC 7523 §2.1)', () => {
  const claims = () => ({ sub: 'ns:prod:sa:importer', aud: fixture.issuer });
  const show = (assertion: string, changes: Readonly<Record<string, string>> = {}) =>
    post(`${fixture.issuer}/token`, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: 'workload',
      assertion,
      resource: fixture.resource,
      ...changes,
    });

  test('makes a workload the client that the operator named for it', async () => {
    const { status, json } = await show(await platform.sign(claims()));
    const { payload } = await readToken(fixture, String(json['access_token']));

    expect(status).toBe(200);
    expect(payload).toMatchObject({ sub: 'workload', tenant: 'south', scope: 'catalog:read' });
    expect(json).not.toHaveProperty('refresh_token');
  });

  test('takes the token of a platform again until it is over, as it lies in a file', async () => {
    const assertion = await platform.sign({ ...claims(), jti: undefined });

    expect((await show(assertion)).status).toBe(200);
    expect((await show(assertion)).status).toBe(200);
  });

  const now = () => Math.floor(Date.now() / 1000);
  const refused = [
    { name: 'another workload', change: () => ({ sub: 'ns:prod:sa:other' }) },
    { name: 'another audience', change: () => ({ aud: 'https://other.example' }) },
    { name: 'two audiences', change: () => ({ aud: [fixture.issuer, 'https://x.example'] }) },
    { name: 'an expired one', change: () => ({ iat: now() - 700, exp: now() - 100 }) },
    { name: 'one that lives too long', change: () => ({ exp: now() + 200_000 }) },
    { name: 'one of an unknown issuer', change: () => ({ iss: 'https://other.example' }) },
    { name: 'one without a time', change: () => ({ iat: undefined }) },
  ];
  test.each(refused)('refuses $name', async ({ change }) => {
    const answer = await show(await platform.sign({ ...claims(), ...change() }));

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('refuses a signature of somebody else, and scopes beyond the record', async () => {
    const other = await createAssertionIssuer(platform.issuer);
    const forged = await show(await other.sign(claims()));
    const wide = await show(await platform.sign(claims()), { scope: 'learner:write' });

    expect(forged.json['error']).toBe('invalid_grant');
    expect(wide.json['error']).toBe('invalid_scope');
  });
});
