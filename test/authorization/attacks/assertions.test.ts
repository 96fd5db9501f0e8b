import { SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomId } from '../../../src/shared/ids.js';
import {
  type Fixture,
  type TestClient,
  type Tokens,
  logIn,
  post,
  refresh,
  registerClient,
  startFixture,
} from '../fixture.js';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let fixture: Fixture;
let keys: Keys;
let client: TestClient;
let tokens: Tokens;
beforeAll(async () => {
  fixture = await startFixture();
  keys = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  client = await registerClient(fixture, {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [jwk] },
  });
  tokens = await logIn(fixture);
});
afterAll(() => fixture.close());

const now = () => Math.floor(Date.now() / 1000);
const good = () => ({
  iss: client.clientId,
  sub: client.clientId,
  aud: fixture.issuer,
  jti: randomId(),
  iat: now(),
  exp: now() + 60,
});

async function sign(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const claims = JSON.parse(JSON.stringify({ ...good(), ...changes })) as Record<string, unknown>;
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(keys.privateKey);
}

/** Whether the server believes that it is the client: else it does not even look at the token. */
async function show(assertion: string): Promise<unknown> {
  const { json } = await post(`${fixture.issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token: 'made-up',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  return json['error'];
}

describe('an assertion of a client', () => {
  test('is believed when it is right, once', async () => {
    const assertion = await sign();
    expect(await show(assertion)).toBe('invalid_grant');
    expect(await show(assertion)).toBe('invalid_client');
  });

  const wrong: readonly [string, () => Readonly<Record<string, unknown>>][] = [
    ['for another authorization server', () => ({ aud: 'https://other.example' })],
    ['for nobody', () => ({ aud: undefined })],
    ['of another issuer', () => ({ iss: 'somebody' })],
    ['about another client', () => ({ sub: tokens.client.clientId })],
    ['without an id', () => ({ jti: undefined })],
    ['without an end', () => ({ exp: undefined })],
    ['that is over', () => ({ iat: now() - 600, exp: now() - 120 })],
    ['that begins later', () => ({ nbf: now() + 600 })],
    ['that lives for a day', () => ({ exp: now() + 86_400 })],
  ];
  test.each(wrong)('is refused %s', async (_name, changes) => {
    expect(await show(await sign(changes()))).toBe('invalid_client');
  });

  test('is refused with another key, without a signature, and with the public key as a secret', async () => {
    const other = await generateKeyPair('ES256');
    const signed = (alg: string, key: Parameters<SignJWT['sign']>[0]) =>
      new SignJWT(good()).setProtectedHeader({ alg, kid: 'k1' }).sign(key);
    const pem = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const forged = [
      await signed('ES256', other.privateKey),
      await signed('HS256', pem),
      new UnsecuredJWT(good()).encode(),
      `${(await sign()).split('.').slice(0, 2).join('.')}.`,
    ];
    for (const assertion of forged) expect(await show(assertion)).toBe('invalid_client');
  });

  test('cannot be left out, nor replaced by a secret or the bare id', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: 'made-up' };
    for (const more of [
      { client_id: client.clientId },
      { client_id: client.clientId, client_secret: 'x' },
    ]) {
      const { json } = await post(`${fixture.issuer}/token`, { ...form, ...more });
      expect(json['error']).toBe('invalid_client');
    }
  });
});

describe('a token that is not what it says', () => {
  const introspect = async (token: string) => {
    const { clientId } = tokens.client;
    return (await post(`${fixture.issuer}/introspect`, { token, client_id: clientId })).json;
  };

  test('is not active: other algorithm, other key, other type, no signature (algorithm confusion)', async () => {
    expect(await introspect(tokens.accessToken)).toMatchObject({ active: true });
    const [header = '', payload = '', signature = ''] = tokens.accessToken.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<
      string,
      unknown
    >;
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
    const [published] = fixture.as.jwks().keys;
    const secret = new TextEncoder().encode(JSON.stringify(published));
    const other = await generateKeyPair('ES256');
    const forge = (head: { alg: string; typ?: string }, key: Parameters<SignJWT['sign']>[0]) =>
      new SignJWT(claims).setProtectedHeader({ kid, typ: 'at+jwt', ...head }).sign(key);
    const forged = [
      await forge({ alg: 'HS256' }, secret),
      await forge({ alg: 'ES256' }, other.privateKey),
      await forge({ alg: 'ES256', typ: 'JWT' }, other.privateKey),
      new UnsecuredJWT(claims).encode(),
      `${header}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${Buffer.from(JSON.stringify({ ...claims, scope: 'all' })).toString('base64url')}.${signature}`,
    ];
    for (const token of forged) expect(await introspect(token)).toEqual({ active: false });
  });

  test('does not pass for another kind: access for refresh, refresh for access, code for either', async () => {
    const asRefresh = await refresh(fixture, tokens.client, tokens.accessToken);
    expect(asRefresh).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const { clientId } = tokens.client;
    for (const value of [tokens.accessToken, tokens.refreshToken]) {
      for (const [grant, name] of [
        ['authorization_code', 'code'],
        ['urn:ietf:params:oauth:grant-type:device_code', 'device_code'],
      ] as const) {
        const form = { grant_type: grant, client_id: clientId, [name]: value };
        const answer = await post(`${fixture.issuer}/token`, {
          ...form,
          code_verifier: 'x'.repeat(43),
          redirect_uri: tokens.client.redirectUri,
        });
        expect(answer.status).toBe(400);
      }
    }
  });

  test('does not work for another client, whose try ends nothing', async () => {
    const other = await registerClient(fixture);
    const stolen = await refresh(fixture, other, tokens.refreshToken);
    expect(stolen).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const form = { client_id: other.clientId, token: tokens.refreshToken };
    await post(`${fixture.issuer}/revoke`, form);
    expect(await introspect(tokens.accessToken)).toMatchObject({ active: true });
  });
});

describe('credentials in the wrong place', () => {
  test('are not taken from a query, whose URL would be logged', async () => {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: tokens.client.clientId,
      refresh_token: tokens.refreshToken,
    });
    const { status } = await post(`${fixture.issuer}/token?${form.toString()}`, {});
    expect(status).toBe(400);
    const asked = await fetch(`${fixture.issuer}/token?${form.toString()}`);
    expect(asked.status).toBe(405);
  });

  test.each(['grant_type', 'refresh_token', 'client_id'])(
    'are not taken twice: %s',
    async (name) => {
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: tokens.client.clientId,
        refresh_token: tokens.refreshToken,
      });
      body.append(name, 'another');
      const answer = await fetch(`${fixture.issuer}/token`, { method: 'POST', body });
      expect([400, 401]).toContain(answer.status);
      expect(await answer.json()).not.toHaveProperty('access_token');
    },
  );
});
