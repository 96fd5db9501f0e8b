import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedBrowser } from '../support/scripted-browser.js';
import {
  type Fixture,
  authorizationUrl,
  newVerifier,
  register,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({ options: { registration: { maxPerHour: 1000 } } });
});
afterAll(() => fixture.close());

function sendBody(body: string): Promise<Response> {
  return fetch(`${fixture.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
}

const LOOPBACK = 'http://127.0.0.1:9696/cb';

describe('registration (RFC 7591)', () => {
  test('registers a public native client with the metadata it will live by', async () => {
    const response = await register(fixture, {
      client_name: 'Helper',
      redirect_uris: [LOOPBACK],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:made:up'],
      response_types: ['code', 'token'],
      scope: 'made:up catalog:read',
      contacts: ['not an address'],
      logo_uri: 'javascript:alert(1)',
      jwks_uri: 'http://169.254.169.254/latest/meta-data',
      sector_identifier_uri: 'http://169.254.169.254/',
      id_token_signed_response_alg: 'RS256',
      introspects: [fixture.resource],
    });
    const body = (await response.json()) as Record<string, unknown>;

    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      client_id: expect.any(String) as string,
      client_name: 'Helper',
      application_type: 'native',
      redirect_uris: [LOOPBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
    for (const gone of [
      'client_secret',
      'scope',
      'contacts',
      'logo_uri',
      'jwks_uri',
      'sector_identifier_uri',
      'introspects',
      'registration_access_token',
    ]) {
      expect(body).not.toHaveProperty(gone);
    }
  });

  test('gives a confidential client a secret', async () => {
    const client = await registerClient(fixture, {
      token_endpoint_auth_method: 'client_secret_post',
    });
    expect(client.clientSecret?.length).toBeGreaterThan(30);
  });

  test("accepts Cursor's mixed redirect URIs, each of them usable", async () => {
    const redirectUris = [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'http://localhost:8787/callback',
    ];
    const client = await registerClient(fixture, { redirect_uris: redirectUris });
    for (const redirectUri of redirectUris) {
      const url = authorizationUrl(fixture, client, newVerifier(), { redirect_uri: redirectUri });
      expect((await new ScriptedBrowser().open(url)).status).toBe(200);
    }
  });

  const unsafe = [
    'http://evil.example/cb',
    'javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'https://user:pass@app.example/cb',
    'https://app.example/cb#fragment',
    'https://localhost/cb',
    'http://127.0.0.1.evil.example/cb',
    'http://127.0.0.2/cb',
    'not a uri',
    'https://app.example/\\@evil.example',
  ];
  test.each(unsafe)('never makes %j usable, alone or beside a safe one', async (redirectUri) => {
    const alone = await register(fixture, { redirect_uris: [redirectUri] });
    const client = await registerClient(fixture, { redirect_uris: [LOOPBACK, redirectUri] });
    const url = authorizationUrl(fixture, client, newVerifier(), { redirect_uri: redirectUri });
    const used = await new ScriptedBrowser().request(url);

    expect(alone.status).toBe(400);
    expect(await alone.json()).toMatchObject({ error: 'invalid_redirect_uri' });
    expect(used.status).toBe(400);
    expect(used.headers.get('location')).toBeNull();
  });

  const refused = [
    { name: 'no redirect URIs', metadata: { redirect_uris: [] } },
    { name: 'redirect URIs that are no list', metadata: { redirect_uris: LOOPBACK } },
    { name: 'a redirect URI that is no string', metadata: { redirect_uris: [1] } },
    {
      name: 'more than ten redirect URIs',
      metadata: { redirect_uris: Array.from({ length: 11 }, (_, i) => `${LOOPBACK}/${i}`) },
    },
    { name: 'a name that is no string', metadata: { redirect_uris: [LOOPBACK], client_name: {} } },
    {
      name: 'a name that is too long',
      metadata: { redirect_uris: [LOOPBACK], client_name: 'x'.repeat(201) },
    },
    {
      name: 'an unknown way to authenticate',
      metadata: { redirect_uris: [LOOPBACK], token_endpoint_auth_method: 'tls_client_auth' },
    },
  ];
  test.each(refused)('refuses $name with 400', async ({ metadata }) => {
    const response = await register(fixture, metadata);
    const body = (await response.json()) as Record<string, unknown>;

    expect(response.status).toBe(400);
    expect(['invalid_client_metadata', 'invalid_redirect_uri']).toContain(body['error']);
    expect(body).not.toHaveProperty('client_id');
  });

  test('refuses a body that is no JSON object, and one that is too long', async () => {
    for (const body of ['[]', '{', 'null', JSON.stringify({ x: 'y'.repeat(60_000) })]) {
      expect((await sendBody(body)).status).toBe(400);
    }
  });

  test('leaves apps with a scheme of their own out when that is switched off', async () => {
    const strict = await startFixture({
      options: { registration: { allowsPrivateUseSchemes: false } },
    });
    const response = await register(strict, { redirect_uris: ['cursor://x/cb'] });
    await strict.close();

    expect(response.status).toBe(400);
  });

  test('is absent from the metadata and answers nothing when it is switched off', async () => {
    const closed = await startFixture({ options: { registration: { isEnabled: false } } });
    const response = await register(closed, { redirect_uris: [LOOPBACK] });
    await closed.close();

    expect(closed.as.metadata()).not.toHaveProperty('registration_endpoint');
    expect(response.status).toBe(404);
  });
});
