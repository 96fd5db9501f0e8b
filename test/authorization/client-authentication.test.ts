import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomId } from '../../src/shared/ids.js';
import { type Fixture, getCode, redeem, refresh, registerClient, startFixture } from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

async function newKeyClient() {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const client = await registerClient(fixture, {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [jwk] },
  });
  const assert = async (audience = fixture.issuer, life = '60s') => ({
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({ jti: randomId() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(client.clientId)
      .setSubject(client.clientId)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(life)
      .sign(privateKey),
  });
  return { client, assert };
}

test('takes a signed assertion in place of a secret (RFC 7523 §2.2)', async () => {
  const { client, assert } = await newKeyClient();
  const login = await getCode(fixture, { client });
  const foreign = await redeem(fixture, login, await assert('https://other.example'));
  const bare = await redeem(fixture, login);
  const long = await redeem(fixture, login, await assert(fixture.issuer, '20m'));
  const answer = await redeem(fixture, login, await assert());

  expect(foreign).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  expect(bare).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  expect(long).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  expect(answer.status).toBe(200);
});

test('takes each assertion once, also when two requests show it at the same time', async () => {
  const { client, assert } = await newKeyClient();
  const logins = [await getCode(fixture, { client }), await getCode(fixture, { client })];
  const assertion = await assert();
  const answers = await Promise.all(logins.map((login) => redeem(fixture, login, assertion)));
  const late = await redeem(fixture, await getCode(fixture, { client }), assertion);

  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
  expect(late).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
});

test('repeats a lost refresh answer for a new assertion of the same client', async () => {
  const { client, assert } = await newKeyClient();
  const tokens = await redeem(fixture, await getCode(fixture, { client }), await assert());
  const spent = String(tokens.json['refresh_token']);
  const first = await refresh(fixture, client, spent, await assert());
  const again = await refresh(fixture, client, spent, await assert());

  expect(first.status).toBe(200);
  expect(again.text).toBe(first.text);
});
