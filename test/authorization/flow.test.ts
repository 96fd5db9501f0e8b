import { afterAll, beforeAll, expect, test } from 'vitest';
import { ScriptedBrowser, readForm, signIn } from '../support/scripted-browser.js';
import {
  type Fixture,
  authorizationUrl,
  getCode,
  logIn,
  newVerifier,
  readToken,
  redeem,
  refresh,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

test('signs a person in and issues an audience-bound JWT and a refresh token (RFC 9068 §2)', async () => {
  const login = await getCode(fixture);
  const { status, json, headers } = await redeem(fixture, login);

  expect({ status, json }).toMatchObject({
    status: 200,
    json: { token_type: 'Bearer', expires_in: 600, scope: 'catalog:read learner:read' },
  });
  expect(headers.get('cache-control')).toBe('no-store');
  const { payload, protectedHeader } = await readToken(fixture, String(json['access_token']));
  expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
  expect(payload).toEqual({
    iss: fixture.issuer,
    sub: 'ada',
    aud: fixture.resource,
    client_id: login.client.clientId,
    scope: 'catalog:read learner:read',
    tenant: 'north',
    jti: expect.any(String) as string,
    iat: expect.any(Number) as number,
    exp: (payload.iat ?? 0) + 600,
  });
});
