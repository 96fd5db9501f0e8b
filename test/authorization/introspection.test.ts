import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Fixture,
  PEOPLE,
  logIn,
  post,
  readToken,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

describe('introspection and revocation', () => {
  test('introspects a JWT access token for the client it was issued to (RFC 7662 §2.2)', async () => {
    const { client, accessToken } = await logIn(fixture);
    const { json } = await post(`${fixture.issuer}/introspect`, {
      client_id: client.clientId,
      token: accessToken,
    });

    expect(json).toMatchObject({
      active: true,
      sub: 'ada',
      aud: fixture.resource,
      iss: fixture.issuer,
      client_id: client.clientId,
      scope: 'catalog:read learner:read',
      tenant: 'north',
      token_type: 'Bearer',
    });
  });

  test('says inactive about the token of another client, a foreign JWT and a bare row id', async () => {
    const { client, accessToken } = await logIn(fixture);
    const stranger = await registerClient(fixture);
    const { payload } = await readToken(fixture, accessToken);
    const [header, body] = accessToken.split('.');
    const ask = async (clientId: string, token: string) =>
      (await post(`${fixture.issuer}/introspect`, { client_id: clientId, token })).json;

    expect(await ask(stranger.clientId, accessToken)).toEqual({ active: false });
    expect(await ask(client.clientId, `${header}.${body}.${'A'.repeat(86)}`)).toEqual({
      active: false,
    });
    expect(await ask(client.clientId, `jwt:${payload.jti ?? ''}`)).toEqual({ active: false });
    expect(await ask(client.clientId, payload.jti ?? '')).toEqual({ active: false });
  });

  test('revokes a JWT access token, and with it the grant (RFC 7009 §2)', async () => {
    const { client, accessToken, refreshToken } = await logIn(fixture);
    const revoked = await post(`${fixture.issuer}/revoke`, {
      client_id: client.clientId,
      token: accessToken,
    });
    const introspected = await post(`${fixture.issuer}/introspect`, {
      client_id: client.clientId,
      token: accessToken,
    });
    const refreshed = await post(`${fixture.issuer}/token`, {
      grant_type: 'refresh_token',
      client_id: client.clientId,
      refresh_token: refreshToken,
    });

    expect(revoked.status).toBe(200);
    expect(introspected.json).toEqual({ active: false });
    expect(refreshed).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('answers 200 to the revocation of a token that does not exist (RFC 7009 §2.2)', async () => {
    const client = await registerClient(fixture);
    for (const token of ['nothing', 'a.b.c', 'jwt:x']) {
      const answer = await post(`${fixture.issuer}/revoke`, { client_id: client.clientId, token });
      expect(answer.status).toBe(200);
    }
  });

  test('says inactive about the token of a person who was disabled', async () => {
    const { client, accessToken } = await logIn(fixture, {
      person: 'ben',
      changes: { scope: 'catalog:read' },
    });
    const ben = PEOPLE.find(({ id }) => id === 'ben');
    if (ben === undefined) throw new Error('no ben');
    await fixture.stores.users.upsert({ ...ben, isDisabled: true });
    const { json } = await post(`${fixture.issuer}/introspect`, {
      client_id: client.clientId,
      token: accessToken,
    });
    await fixture.stores.users.upsert(ben);

    expect(json).toEqual({ active: false });
  });

  test('lets a resource server with a secret introspect the tokens of its audience', async () => {
    const { resource } = fixture;
    const own = await startFixture({
      options: {
        resources: [{ resource, scopes: { 'catalog:read': 'Read' } }],
        clients: [
          {
            clientId: 'rs',
            clientName: 'RS',
            clientSecret: 's'.repeat(40),
            redirectUris: [],
            introspects: [resource],
          },
          { clientId: 'other', clientName: 'O', clientSecret: 's'.repeat(40), redirectUris: [] },
        ],
      },
    });
    const { accessToken } = await logIn({ ...own, resource });
    const ask = async (name: string) => {
      const basic = Buffer.from(`${name}:${'s'.repeat(40)}`).toString('base64');
      const authorization = `Basic ${basic}`;
      return (await post(`${own.issuer}/introspect`, { token: accessToken }, { authorization }))
        .json;
    };

    expect(await ask('rs')).toMatchObject({ active: true, aud: resource });
    expect(await ask('other')).toEqual({ active: false });
    await own.close();
  });
});
