import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomId } from '../../src/shared/ids.js';
import { ScriptedBrowser } from '../support/scripted-browser.js';
import { DocumentHost } from './documents-fixture.js';
import {
  type Fixture,
  authorizationUrl,
  getCode,
  logIn,
  newVerifier,
  redeem,
  refresh,
  startFixture,
} from './fixture.js';

let host: DocumentHost;
let fixture: Fixture;
let serial = 0;
beforeAll(async () => {
  fixture = await startFixture({
    options: {
      registration: { documents: { fetch: (input, init) => host.fetch(input, init) } },
    },
  });
});
beforeEach(() => {
  host = new DocumentHost();
  // All of these come from one address: past the minute that its limit counts.
  fixture.clock.advanceSeconds(61);
});
afterAll(() => fixture.close());

/** A host of its own for each test: limits count by host. */
const newUrl = (): string => `https://app${++serial}.example/oauth/client.json`;

function clientOf(clientId: string, redirectUri = 'http://127.0.0.1:51234/callback') {
  return { clientId, redirectUri };
}

async function open(clientId: string, redirectUri?: string, at = fixture) {
  const url = authorizationUrl(at, clientOf(clientId, redirectUri), newVerifier());
  return new ScriptedBrowser().request(url);
}

describe('client metadata documents', () => {
  test('are said to be taken, and can be switched off', async () => {
    const closed = await startFixture({
      options: { registration: { documents: { isEnabled: false, fetch: host.fetch } } },
    });
    const page = await open(host.publish(newUrl()), undefined, closed);
    await closed.close();

    expect(fixture.as.metadata()).toMatchObject({ client_id_metadata_document_supported: true });
    expect(closed.as.metadata()).toMatchObject({ client_id_metadata_document_supported: false });
    expect(page.status).toBe(400);
    expect(host.requests).toEqual([]);
  });

  test('make a client: sign-in, refresh on a port of its own choice', async () => {
    const clientId = host.publish(newUrl());
    const tokens = await logIn(fixture, { client: clientOf(clientId) });
    const next = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(next.status).toBe(200);
    expect(host.requests).toEqual([clientId]);
  });

  test('are shown with their URL, their name and a warning about loopback', async () => {
    const clientId = host.publish(newUrl(), { client_name: 'Notes <b>app</b>' });
    const browser = new ScriptedBrowser();
    const page = await browser.open(authorizationUrl(fixture, clientOf(clientId), newVerifier()));

    expect(page.status).toBe(200);
    expect(page.body).toContain(clientId);
    expect(page.body).toContain('Notes &lt;b&gt;app&lt;/b&gt;');
    expect(page.body).toContain('class="warning"');
  });

  const real = [
    {
      name: 'of a desktop editor: https and loopback redirects, grants nobody knows',
      document: {
        client_name: 'Editor',
        client_uri: 'https://editor.example/product',
        grant_types: [
          'authorization_code',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code',
          'urn:example:made-up',
        ],
        response_types: ['code'],
        redirect_uris: [
          'https://editor.example/redirect',
          'http://127.0.0.1/',
          'http://127.0.0.1:33418/',
        ],
        token_endpoint_auth_method: 'none',
      },
      redirectUris: ['https://editor.example/redirect', 'http://127.0.0.1:40001/'],
    },
    {
      name: 'of a coding agent: portless loopback redirects',
      document: {
        client_name: 'Coding agent',
        redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      redirectUris: ['http://localhost:53111/callback', 'http://127.0.0.1:53111/callback'],
    },
    {
      name: 'of a chat host: two ways to authenticate',
      document: {
        client_name: 'Chat host',
        redirect_uris: ['https://chat.example/connector/oauth/callback'],
        token_endpoint_auth_method: 'none',
        token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
        token_endpoint_auth_signing_alg: 'ES256',
        jwks_uri: 'https://chat.example/jwks.json',
        application_type: 'web',
      },
      redirectUris: ['https://chat.example/connector/oauth/callback'],
    },
  ];
  test.each(real)('take the shape $name', async ({ document, redirectUris }) => {
    const clientId = host.publish(newUrl(), document);
    for (const redirectUri of redirectUris) {
      expect((await open(clientId, redirectUri)).status).toBe(303);
    }
    expect((await open(clientId, 'https://evil.example/cb')).status).toBe(400);
  });

  const refused: readonly { name: string; document: Record<string, unknown>; says: string }[] = [
    {
      name: 'another client_id',
      document: { client_id: 'https://x.example/c' },
      says: 'client_id',
    },
    { name: 'no client_name', document: { client_name: undefined }, says: 'client_name' },
    { name: 'an empty client_name', document: { client_name: ' ' }, says: 'client_name' },
    { name: 'no redirect_uris', document: { redirect_uris: undefined }, says: 'redirect_uris' },
    {
      name: 'no usable redirect URI',
      document: { redirect_uris: ['http://evil.example/cb'] },
      says: 'redirect_uris',
    },
    { name: 'a client secret', document: { client_secret: 'x'.repeat(32) }, says: 'client_secret' },
    {
      name: 'a way to authenticate by a secret',
      document: { token_endpoint_auth_method: 'client_secret_post' },
      says: 'no way to authenticate',
    },
    {
      name: 'private_key_jwt without keys',
      document: { token_endpoint_auth_method: 'private_key_jwt' },
      says: 'no way to authenticate',
    },
  ];
  test.each(refused)('are refused with $name', async ({ document, says }) => {
    const page = await open(host.publish(newUrl(), document));

    expect(page.status).toBe(400);
    expect(page.headers.get('location')).toBeNull();
    expect(page.body).toContain(says);
  });

  const badAnswers = [
    { name: 'status 404', answer: () => new Response('{}', { status: 404 }) },
    { name: 'status 201', answer: () => Response.json({}, { status: 201 }) },
    {
      name: 'a page',
      answer: () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    },
    {
      name: 'no JSON',
      answer: () => new Response('{', { headers: { 'content-type': 'application/json' } }),
    },
    { name: 'a list', answer: () => Response.json([]) },
    { name: 'more than the limit', answer: () => Response.json({ x: 'y'.repeat(20_000) }) },
    {
      name: 'JSON that is too deep',
      answer: () => Response.json(JSON.parse('['.repeat(20) + ']'.repeat(20))),
    },
  ];
  test.each(badAnswers)(
    'are refused for $name, and are not fetched again at once',
    async ({ answer }) => {
      const clientId = host.answer(newUrl(), answer);
      const first = await open(clientId);
      const again = [await open(clientId), await open(clientId)];

      expect([first, ...again].map(({ status }) => status)).toEqual([400, 400, 400]);
      expect(host.requests).toEqual([clientId]);
    },
  );

  test('that were bad are fetched again after 30 seconds', async () => {
    const clientId = newUrl();
    const before = (await open(clientId)).status;
    host.publish(clientId);
    const soon = (await open(clientId)).status;
    fixture.clock.advanceSeconds(31);
    const later = (await open(clientId)).status;

    expect([before, soon, later]).toEqual([400, 400, 303]);
    expect(host.requests).toHaveLength(2);
  });

  test('never say what a probed host answered', async () => {
    const clientId = host.answer(newUrl(), () => {
      throw new Error('connect ECONNREFUSED 10.1.2.3:443');
    });
    const page = await open(clientId);

    expect(page.status).toBe(400);
    expect(page.body).toContain('could not be fetched');
    expect(page.body).not.toMatch(/ECONN|10\.1\.2\.3/);
  });
});

describe('the cache of documents', () => {
  test('is one for all processes, and for as long as the document says', async () => {
    const clientId = host.publish(newUrl(), {}, { 'cache-control': 'max-age=120' });
    const other = await startFixture({
      database: fixture.database,
      clock: fixture.clock,
      options: { registration: { documents: { fetch: (input) => host.fetch(input) } } },
    });
    const statuses = [await open(clientId), await open(clientId, undefined, other)];
    const once = host.requests.length;
    fixture.clock.advanceSeconds(121);
    await open(clientId);
    await other.close();

    expect(statuses.map(({ status }) => status)).toEqual([303, 303]);
    expect(once).toBe(1);
    expect(host.requests).toHaveLength(2);
  });

  test.each([
    ['max-age=999999', 3600],
    ['no-store', 60],
    ['max-age=1', 60],
  ])('keeps %j for %i seconds', async (cacheControl, seconds) => {
    const clientId = host.publish(newUrl(), {}, { 'cache-control': cacheControl });
    await open(clientId);
    fixture.clock.advanceSeconds(seconds - 1);
    await open(clientId);
    const before = host.requests.length;
    fixture.clock.advanceSeconds(2);
    await open(clientId);

    expect([before, host.requests.length]).toEqual([1, 2]);
  });

  test('serves many requests that wait at the same time with one fetch', async () => {
    const clientId = host.publish(newUrl());
    const pages = await Promise.all(Array.from({ length: 6 }, () => open(clientId)));

    expect(pages.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 303));
    expect(host.requests).toHaveLength(1);
  });

  test('keeps logins alive while the host is down, but not when the document is withdrawn', async () => {
    const clientId = host.publish(newUrl());
    const tokens = await logIn(fixture, { client: clientOf(clientId) });
    host.answer(clientId, () => new Response('', { status: 503 }));
    fixture.clock.advanceSeconds(3601);
    const down = await refresh(fixture, tokens.client, tokens.refreshToken);
    host.answer(clientId, () => new Response('', { status: 404 }));
    fixture.clock.advanceSeconds(61);
    const gone = await refresh(fixture, tokens.client, String(down.json['refresh_token']));

    expect(down.status).toBe(200);
    expect(gone).toMatchObject({ status: 400, json: { error: 'invalid_client' } });
  });

  test('bounds how often one host is asked', async () => {
    const name = `many${++serial}.example`;
    for (let i = 0; i < 40; i++) await open(`https://${name}/client-${i}`);

    expect(host.requests.length).toBeLessThanOrEqual(30);
  });

  test('bounds the documents that are kept', async () => {
    const { clientDocuments } = fixture.stores;
    const record = (i: number) => ({
      clientId: `https://kept.example/${i}`,
      document: undefined,
      fetchedAt: undefined,
      freshUntil: 0,
      problem: 'x',
      expiresAt: 9_000_000_000 + i,
    });
    for (let i = 0; i < 6; i++) await clientDocuments.save(record(i), 3);

    expect(await clientDocuments.find(record(5).clientId)).toBeDefined();
    expect(await clientDocuments.find(record(0).clientId)).toBeUndefined();
  });
});

describe('a document with two ways to authenticate', () => {
  async function newSigningClient(document: Record<string, unknown>) {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    const clientId = newUrl();
    const jwksUri = clientId.replace('client.json', 'jwks.json');
    host.answer(jwksUri, () => Response.json({ keys: [jwk] }));
    host.publish(clientId, { jwks_uri: jwksUri, ...document });
    const assert = async (key = privateKey) => ({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT({ jti: randomId() })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(fixture.issuer)
        .setIssuedAt()
        .setExpirationTime('60s')
        .sign(key),
    });
    return { client: clientOf(clientId), assert, jwksUri };
  }

  test('may use either, and a wrong signature is not the same as none', async () => {
    const { client, assert } = await newSigningClient({
      token_endpoint_auth_method: 'none',
      token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
    });
    const foreign = (await generateKeyPair('ES256')).privateKey;
    const bare = await redeem(fixture, await getCode(fixture, { client }));
    const signed = await redeem(fixture, await getCode(fixture, { client }), await assert());
    const wrong = await redeem(fixture, await getCode(fixture, { client }), await assert(foreign));

    expect([bare.status, signed.status]).toEqual([200, 200]);
    expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  test('has to sign when it names private_key_jwt alone', async () => {
    const { client, assert } = await newSigningClient({
      token_endpoint_auth_method: 'private_key_jwt',
    });
    const bare = await redeem(fixture, await getCode(fixture, { client }));
    const signed = await redeem(fixture, await getCode(fixture, { client }), await assert());

    expect(bare).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(signed.status).toBe(200);
  });

  test('is asked for its keys once in 30 seconds when they cannot be had', async () => {
    const { client, assert, jwksUri } = await newSigningClient({
      token_endpoint_auth_method: 'private_key_jwt',
    });
    host.remove(jwksUri);
    const login = await getCode(fixture, { client });
    for (let i = 0; i < 3; i++) {
      expect((await redeem(fixture, login, await assert())).status).toBe(401);
    }

    expect(host.requests.filter((url) => url === jwksUri)).toHaveLength(1);
  });
});
