import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedBrowser, signIn } from '../support/scripted-browser.js';
import {
  type Fixture,
  REDIRECT_URI,
  authorizationUrl,
  getCode,
  logIn,
  newVerifier,
  post,
  readToken,
  redeem,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

/** The parameters of the redirect back to the client after an error. */
async function errorRedirect(
  changes: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, string>> {
  const client = await registerClient(fixture);
  const final = await signIn(authorizationUrl(fixture, client, newVerifier(), changes));
  return Object.fromEntries(new URL(final).searchParams);
}

describe('the whole flow', () => {
  test('signs a person in and issues an audience-bound JWT and a refresh token (RFC 9068 §2)', async () => {
    const login = await getCode(fixture);
    const { status, json, headers } = await redeem(fixture, login);

    expect({ status, json }).toMatchObject({
      status: 200,
      json: {
        token_type: 'Bearer',
        expires_in: 600,
        scope: 'catalog:read learner:read',
        refresh_token: expect.any(String) as string,
      },
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

  test('returns code, state and exactly one iss to the client (RFC 9207 §2)', async () => {
    const client = await registerClient(fixture);
    const final = new URL(await signIn(authorizationUrl(fixture, client, newVerifier())));

    expect([...final.searchParams.keys()].toSorted()).toEqual(['code', 'iss', 'state']);
    expect(final.searchParams.get('iss')).toBe(fixture.issuer);
    expect(final.searchParams.get('state')).toBe('the-state');
  });

  test('works for a confidential client with a secret in the header', async () => {
    const client = await registerClient(fixture, {
      token_endpoint_auth_method: 'client_secret_basic',
    });
    const login = await getCode(fixture, { client });
    const basic = Buffer.from(`${client.clientId}:${client.clientSecret ?? ''}`).toString('base64');
    const form = {
      grant_type: 'authorization_code',
      code: login.code,
      code_verifier: login.verifier,
      redirect_uri: client.redirectUri,
    };
    const refused = await post(`${fixture.issuer}/token`, { ...form, client_id: client.clientId });
    const answer = await post(`${fixture.issuer}/token`, form, { authorization: `Basic ${basic}` });

    expect(refused).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(answer.status).toBe(200);
  });

  test('gives every login its own grant: a second login leaves the first family alive', async () => {
    const client = await registerClient(fixture);
    const first = await logIn(fixture, { client });
    const second = await logIn(fixture, { client });
    await post(`${fixture.issuer}/revoke`, {
      client_id: client.clientId,
      token: second.refreshToken,
    });
    const answer = await post(`${fixture.issuer}/token`, {
      grant_type: 'refresh_token',
      client_id: client.clientId,
      refresh_token: first.refreshToken,
    });

    expect(answer.status).toBe(200);
  });
});

describe('response modes', () => {
  test.each(['form_post', 'fragment', 'web_message', 'made_up'])(
    'answers unsupported_response_mode by redirect for %s',
    async (mode) => {
      expect(await errorRedirect({ response_mode: mode })).toMatchObject({
        error: 'unsupported_response_mode',
        state: 'the-state',
        iss: fixture.issuer,
      });
    },
  );

  test('takes query, said or not', async () => {
    const login = await getCode(fixture, { changes: { response_mode: 'query' } });
    expect((await redeem(fixture, login)).status).toBe(200);
  });
});

describe('scopes', () => {
  test('grants the default scopes of the resource when none are asked for (RFC 6749 §3.3)', async () => {
    const { accessToken } = await logIn(fixture, { changes: { scope: undefined } });
    const { payload } = await readToken(fixture, accessToken);

    expect(payload['scope']).toBe('catalog:read learner:read');
  });

  test('grants the default scopes when only protocol scopes are asked for', async () => {
    const { accessToken } = await logIn(fixture, {
      changes: { scope: 'offline_access', prompt: 'consent' },
    });
    const { payload } = await readToken(fixture, accessToken);

    expect(payload['scope']).toBe('catalog:read learner:read');
  });

  test('grants what the person may do and not what the client asks for beyond it', async () => {
    const login = await getCode(fixture, {
      person: 'ben',
      changes: { scope: 'catalog:read enrollment:write' },
    });
    const { json } = await redeem(fixture, login);
    const { payload } = await readToken(fixture, String(json['access_token']));

    expect(json['scope']).toBe('catalog:read');
    expect(payload).toMatchObject({ sub: 'ben', tenant: 'south', scope: 'catalog:read' });
  });

  test('drops an unknown scope beside a known one', async () => {
    const { accessToken } = await logIn(fixture, { changes: { scope: 'catalog:read made:up' } });
    const { payload } = await readToken(fixture, accessToken);

    expect(payload['scope']).toBe('catalog:read');
  });

  test('answers invalid_scope when every requested scope is unknown', async () => {
    expect(await errorRedirect({ scope: 'made:up' })).toMatchObject({ error: 'invalid_scope' });
  });

  test('answers access_denied when the person may grant nothing of what is asked for', async () => {
    const client = await registerClient(fixture);
    const url = authorizationUrl(fixture, client, newVerifier(), { scope: 'enrollment:write' });
    const final = new URL(await signIn(url, { person: 'ben' }));

    expect(final.searchParams.get('error')).toBe('access_denied');
  });
});

describe('resource', () => {
  const spellings = [
    { name: 'the canonical URL', of: (resource: string) => resource },
    { name: '127.0.0.1', of: (resource: string) => resource.replace('localhost', '127.0.0.1') },
    { name: '[::1]', of: (resource: string) => resource.replace('localhost', '[::1]') },
    { name: 'the bare origin', of: (resource: string) => new URL(resource).origin },
    { name: 'nothing', of: () => undefined },
  ];
  test.each(spellings)('maps $name to the one audience (RFC 8707 §2)', async ({ of }) => {
    const resource = of(fixture.resource);
    const login = await getCode(fixture, { changes: { resource } });
    const { json } = await redeem(fixture, login, { resource });
    const { payload } = await readToken(fixture, String(json['access_token']));

    expect(payload.aud).toBe(fixture.resource);
  });

  test('accepts another loopback spelling at the token endpoint than at /authorize', async () => {
    const login = await getCode(fixture);
    const answer = await redeem(fixture, login, {
      resource: fixture.resource.replace('localhost', '127.0.0.1'),
    });

    expect(answer.status).toBe(200);
  });

  const foreign = [
    { name: 'another server', resource: 'https://other.example/mcp' },
    { name: 'another path', resource: 'http://localhost:1/mcp/other' },
    { name: 'a fragment', resource: 'http://localhost:1/mcp#x' },
    { name: 'no URI', resource: 'mcp' },
  ];
  test.each(foreign)('answers invalid_target for $name at /authorize', async ({ resource }) => {
    expect(await errorRedirect({ resource })).toMatchObject({
      error: 'invalid_target',
      state: 'the-state',
      iss: fixture.issuer,
    });
  });

  test('answers invalid_target for another resource at the token endpoint', async () => {
    const login = await getCode(fixture);
    const answer = await redeem(fixture, login, { resource: 'https://other.example/mcp' });

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
  });
});

describe('authorization codes', () => {
  test('revokes every token of the grant when a code is shown twice (OAuth 2.1 §4.1.3)', async () => {
    const login = await getCode(fixture);
    const first = await redeem(fixture, login);
    const replay = await redeem(fixture, login);
    const refreshed = await post(`${fixture.issuer}/token`, {
      grant_type: 'refresh_token',
      client_id: login.client.clientId,
      refresh_token: String(first.json['refresh_token']),
    });
    const introspected = await post(`${fixture.issuer}/introspect`, {
      client_id: login.client.clientId,
      token: String(first.json['access_token']),
    });

    expect(first.status).toBe(200);
    expect(replay).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(refreshed).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(introspected.json).toEqual({ active: false });
  });

  const bound = [
    {
      name: 'another client',
      changes: async () => ({ client_id: (await registerClient(fixture)).clientId }),
    },
    {
      name: 'another redirect URI',
      changes: async () => ({ redirect_uri: 'http://127.0.0.1:1/oauth/callback' }),
    },
  ];
  test.each(bound)('refuses a code shown with $name', async ({ changes }) => {
    const login = await getCode(fixture);
    const answer = await redeem(fixture, login, await changes());

    expect(answer.status).toBe(400);
    expect(answer.json['access_token']).toBeUndefined();
  });
});

describe('redirect URIs', () => {
  test('takes any port on the registered loopback host (RFC 8252 §7.3)', async () => {
    const client = await registerClient(fixture);
    const redirectUri = 'http://127.0.0.1:51234/oauth/callback';
    const final = await signIn(
      authorizationUrl(fixture, client, newVerifier(), { redirect_uri: redirectUri }),
    );

    expect(final.startsWith(`${redirectUri}?code=`)).toBe(true);
  });

  test('does not free the port of an https redirect', async () => {
    const client = await registerClient(fixture, { redirect_uris: ['https://app.example/cb'] });
    const url = authorizationUrl(fixture, client, newVerifier(), {
      redirect_uri: 'https://app.example:8443/cb',
    });

    expect((await new ScriptedBrowser().request(url)).status).toBe(400);
  });

  test('shows an error page for an unknown client', async () => {
    const url = authorizationUrl(
      fixture,
      { clientId: 'nobody', redirectUri: REDIRECT_URI },
      newVerifier(),
    );
    const response = await new ScriptedBrowser().request(url);

    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBeNull();
  });
});
