import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Fixture,
  getCode,
  logIn,
  post,
  readToken,
  refresh,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

/** How long the newest artifact of a kind is good for, in seconds. */
function lifetimeOf(model: string, clientId: string): number | undefined {
  const row = fixture.database.get<{ seconds: number }>(
    `SELECT expires_at - created_at AS seconds FROM as_artifact WHERE model = ? AND client_id = ?
      ORDER BY created_at DESC`,
    model,
    clientId,
  );
  return row?.seconds;
}

describe('how long things live', () => {
  test('a code 60 s, a refresh token 30 days, an access token 10 minutes', async () => {
    const { client } = await getCode(fixture);
    expect(lifetimeOf('AuthorizationCode', client.clientId)).toBe(60);

    const tokens = await logIn(fixture);
    expect(lifetimeOf('RefreshToken', tokens.client.clientId)).toBe(2_592_000);
    const { payload, protectedHeader } = await readToken(fixture, tokens.accessToken);
    expect(Number(payload.exp) - Number(payload.iat)).toBe(600);
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    expect(payload.aud).toBe(fixture.resource);
  });
});

describe('revocation by a client that the token is not of (RFC 7009 §2.1)', () => {
  test('changes nothing, for refresh tokens and for JWTs', async () => {
    const tokens = await logIn(fixture);
    const other = await registerClient(fixture);
    for (const token of [tokens.refreshToken, tokens.accessToken]) {
      await post(`${fixture.issuer}/revoke`, { client_id: other.clientId, token });
    }
    const introspected = await post(`${fixture.issuer}/introspect`, {
      client_id: tokens.client.clientId,
      token: tokens.accessToken,
    });

    expect(introspected.json['active']).toBe(true);
    expect((await refresh(fixture, tokens.client, tokens.refreshToken)).status).toBe(200);
  });

  test('needs the authentication of the client', async () => {
    const client = await registerClient(fixture, {
      token_endpoint_auth_method: 'client_secret_post',
    });
    const refused = await post(`${fixture.issuer}/revoke`, {
      client_id: client.clientId,
      client_secret: 'wrong',
      token: 'anything',
    });

    expect(refused).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });
});
