import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UpstreamToken } from '../../src/authorization/index.js';
import { PEOPLE, type Fixture, getCode, post, redeem, startFixture } from './fixture.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SECRET = 'resource-server-secret-1';
const asServer = {
  authorization: `Basic ${Buffer.from(`resource-server:${SECRET}`).toString('base64')}`,
};
const OTHER = 'https://other.example/mcp';

let fixture: Fixture;
let asked: unknown[] = [];
const upstream = new Map<string, UpstreamToken>();
beforeAll(async () => {
  // The resource carries the port of the fixture: its clients are known only once it is up.
  const first = await startFixture();
  fixture = await startFixture({
    options: {
      resources: [
        { resource: first.resource, scopes: { 'catalog:read': 'Read' } },
        { resource: OTHER, scopes: { 'catalog:read': 'Read' } },
      ],
      clients: [
        {
          clientId: 'resource-server',
          clientName: 'Resource server',
          clientSecret: SECRET,
          grantTypes: [GRANT],
          introspects: [first.resource],
        },
      ],
      grants: {
        upstreamTokens: {
          async find(request) {
            asked.push(request);
            return upstream.get(`${request.userId} ${request.audience ?? ''}`);
          },
        },
      },
    },
  });
  Object.assign(fixture, { resource: first.resource });
  await first.close();
  upstream.set('ada calendar', {
    accessToken: 'upstream-token',
    scopes: ['events:read'],
    expiresAt: Math.floor(Date.now() / 1000) + 120,
  });
});
afterAll(() => fixture.close());

const changesFor = (resource: string) => ({ resource, scope: 'catalog:read' });

async function tokenFor(resource: string, person = 'ada') {
  const login = await getCode(fixture, { person, changes: changesFor(resource) });
  const { json } = await redeem(fixture, login, { resource });
  return {
    client: login.client,
    accessToken: String(json['access_token']),
    refreshToken: String(json['refresh_token']),
  };
}

function exchange(
  subjectToken: string,
  changes: Readonly<Record<string, string | undefined>> = {},
  headers: Readonly<Record<string, string>> = asServer,
) {
  asked = [];
  return post(
    `${fixture.issuer}/token`,
    {
      grant_type: GRANT,
      subject_token: subjectToken,
      subject_token_type: ACCESS_TOKEN,
      audience: 'calendar',
      ...changes,
    },
    headers,
  );
}

describe('token exchange (RFC 8693)', () => {
  test('hands a resource server the upstream token of the person whose token it was shown', async () => {
    const { accessToken } = await tokenFor(fixture.resource);
    const { status, json, headers } = await exchange(accessToken);

    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toEqual({
      access_token: 'upstream-token',
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      scope: 'events:read',
      expires_in: expect.any(Number) as number,
    });
    expect(Number(json['expires_in'])).toBeLessThanOrEqual(120);
    expect(asked).toEqual([{ userId: 'ada', audience: 'calendar' }]);
  });

  test('is refused to a client that does not authenticate, and to the client of the person', async () => {
    const { accessToken, client } = await tokenFor(fixture.resource);
    const public_ = await exchange(accessToken, { client_id: client.clientId }, {});
    const nobody = await exchange(accessToken, { client_id: 'resource-server' }, {});

    expect(public_.status).toBe(400);
    expect(nobody).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(asked).toEqual([]);
  });

  test('needs a token that is for this resource server, alive and not revoked', async () => {
    const foreign = await tokenFor(OTHER);
    const revoked = await tokenFor(fixture.resource);
    await post(`${fixture.issuer}/revoke`, {
      token: revoked.accessToken,
      client_id: revoked.client.clientId,
    });
    const { accessToken } = await tokenFor(fixture.resource);
    const [head = '', body = ''] = accessToken.split('.');
    const subjects = [foreign.accessToken, revoked.accessToken, `${head}.${body}.AAAA`, 'made-up'];

    for (const subject of subjects) {
      expect(await exchange(subject)).toMatchObject({
        status: 400,
        json: { error: 'invalid_request' },
      });
    }
    expect(asked).toEqual([]);
    expect((await exchange(foreign.refreshToken)).status).toBe(400);
  });

  test('needs a person who may still sign in', async () => {
    const { accessToken } = await tokenFor(fixture.resource);
    const [ada] = PEOPLE;
    if (ada === undefined) throw new Error('nobody');
    await fixture.stores.users.upsert({ ...ada, isDisabled: true });
    const disabled = await exchange(accessToken);
    await fixture.stores.users.upsert(ada);

    expect(disabled.status).toBe(400);
    expect((await exchange(accessToken)).status).toBe(200);
  });

  test('says invalid_target when there is no such token for the person', async () => {
    const { accessToken } = await tokenFor(fixture.resource, 'ben');

    expect((await exchange(accessToken)).json['error']).toBe('invalid_target');
    expect((await exchange(accessToken, { audience: undefined })).json['error']).toBe(
      'invalid_target',
    );
  });

  const malformed = [
    { name: 'no subject token', changes: { subject_token: undefined } },
    { name: 'no type of it', changes: { subject_token_type: undefined } },
    {
      name: 'a refresh token for a subject',
      changes: { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    },
    {
      name: 'another type than an access token',
      changes: { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
    },
    { name: 'an actor', changes: { actor_token: 'x' } },
  ];
  test.each(malformed)('refuses $name', async ({ changes }) => {
    const { accessToken } = await tokenFor(fixture.resource);

    expect(await exchange(accessToken, changes)).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });

  test('is off unless there is a source of upstream tokens', async () => {
    const closed = await startFixture();
    await closed.close();

    expect(closed.as.metadata()['grant_types_supported']).not.toContain(GRANT);
    expect(fixture.as.metadata()['grant_types_supported']).toContain(GRANT);
  });
});
