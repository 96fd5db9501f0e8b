import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthorizationServer } from '../../src/authorization/index.js';
import { authorizationServerMetadataCandidates } from '../../src/oauth/metadata-url.js';
import { silentLogger } from '../../src/shared/logger.js';
import { ScriptedBrowser, signIn } from '../support/scripted-browser.js';
import {
  type Fixture,
  authorizationUrl,
  getCode,
  newVerifier,
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

interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request with headers that `fetch` would not let pass. */
function send(
  fixtureAt: Fixture,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<RawResponse> {
  const { port } = new URL(fixtureAt.resource);
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('metadata (RFC 8414, OpenID Discovery)', () => {
  test.each(['', '/auth', '/tenants/t1'])(
    'answers every form that clients probe for an issuer with path %j',
    async (path) => {
      const own = await startFixture({ path });
      const forms = [
        ...authorizationServerMetadataCandidates(own.issuer),
        `${own.issuer}/.well-known/oauth-authorization-server`,
      ];
      const documents = await Promise.all(
        forms.map(async (url) => {
          const response = await fetch(url);
          expect(response.status).toBe(200);
          expect(response.headers.get('content-type')).toContain('application/json');
          return response.json();
        }),
      );
      for (const document of documents) expect(document).toEqual(own.as.metadata());
      const elsewhere = `${new URL(own.issuer).origin}/.well-known/oauth-authorization-server`;
      if (path !== '') expect((await fetch(elsewhere)).status).toBe(404);
      await own.close();
    },
  );

  test('says what MCP clients look for', () => {
    const { issuer } = fixture;
    expect(fixture.as.metadata()).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      revocation_endpoint: `${issuer}/revoke`,
      introspection_endpoint: `${issuer}/introspect`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: ['code'],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'client_credentials',
      ],
      client_id_metadata_document_supported: true,
      device_authorization_endpoint: `${issuer}/device_authorization`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      refresh_token_replay_seconds: 60,
    });
  });

  test('runs the whole flow for an issuer with a path', async () => {
    const own = await startFixture({ path: '/tenants/t1' });
    const login = await getCode(own);
    const { json } = await redeem(own, login);
    const again = await refresh(own, login.client, String(json['refresh_token']));
    await own.close();

    expect(again.status).toBe(200);
  });

  test('leaves every other path to whoever is next', async () => {
    for (const path of ['/', '/mcp', '/healthz', '/authorizex', '/tokens', '/interaction', '/me']) {
      expect((await send(fixture, path, {})).status).toBe(404);
    }
  });
});

describe('keys', () => {
  test.each(['/jwks', '/.well-known/jwks.json'])(
    'publishes public members alone at %s',
    async (path) => {
      const response = await fetch(`${fixture.issuer}${path}`);
      const { keys } = (await response.json()) as { keys: Record<string, unknown>[] };

      expect(keys).toEqual(fixture.as.jwks().keys);
      for (const key of keys) {
        expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
      }
    },
  );
});

describe('the Host header', () => {
  const paths = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/jwks',
  ];
  const forged = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.example;proto=https',
  };

  test.each(paths)(
    'is refused at %s on a loopback issuer when it is not loopback (DNS rebinding)',
    async (path) => {
      const answer = await send(fixture, path, forged);
      expect(answer.status).toBe(403);
      expect(answer.body).not.toContain('evil.example');
    },
  );

  test('never changes a document, a redirect or a cookie of a hosted issuer', async () => {
    const own = await startFixture({ options: { isAllowedHost: () => true } });
    const client = await registerClient(own);
    const url = new URL(authorizationUrl(own, client, newVerifier()));
    for (const path of paths) {
      const honest = await send(own, path, { host: new URL(own.issuer).host });
      expect((await send(own, path, forged)).body).toBe(honest.body);
    }
    const started = await send(own, `${url.pathname}${url.search}`, forged);
    const refused = await send(own, `${url.pathname}?client_id=x`, forged);
    await own.close();

    expect(started.status).toBe(303);
    expect(JSON.stringify(started.headers)).not.toContain('evil.example');
    expect(JSON.stringify(started.headers)).not.toMatch(/; secure/i);
    expect(refused.body).not.toContain('evil.example');
  });

  test('of another loopback spelling leads to the issuer, where the cookies are', async () => {
    const client = await registerClient(fixture);
    const url = authorizationUrl(fixture, client, newVerifier());
    const other = url.replace('http://localhost', 'http://127.0.0.1');
    const first = await new ScriptedBrowser().request(other);
    const final = new URL(await signIn(other));

    expect(first.status).toBe(303);
    expect(first.headers.get('location')?.startsWith(`${fixture.issuer}/authorize?`)).toBe(true);
    expect(final.searchParams.get('code')).not.toBeNull();
  });
});

describe('CORS and Origin', () => {
  const documents = ['/.well-known/oauth-authorization-server', '/.well-known/jwks.json', '/jwks'];
  const endpoints = ['/token', '/register', '/revoke', '/introspect'];

  test.each([...documents, ...endpoints])(
    'answers the preflight of a loopback page at %s',
    async (path) => {
      const response = await fetch(`${fixture.issuer}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: 'http://localhost:6274',
          'access-control-request-method': documents.includes(path) ? 'GET' : 'POST',
          'access-control-request-headers': 'content-type,mcp-protocol-version',
        },
      });

      expect(response.status).toBe(204);
      expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
      expect(response.headers.get('access-control-allow-methods')).toContain(
        documents.includes(path) ? 'GET' : 'POST',
      );
      expect(response.headers.get('access-control-allow-headers')).toMatch(/content-type/i);
      expect(response.headers.get('access-control-allow-headers')).toMatch(/mcp-protocol-version/i);
      expect(response.headers.get('access-control-allow-credentials')).toBeNull();
      expect(response.headers.get('vary')).toContain('Origin');
    },
  );

  test.each(endpoints)('lets a loopback page read the answer of %s, errors too', async (path) => {
    const response = await fetch(`${fixture.issuer}${path}`, {
      method: 'POST',
      headers: {
        origin: 'http://localhost:6274',
        'content-type':
          path === '/register' ? 'application/json' : 'application/x-www-form-urlencoded',
      },
      body: path === '/register' ? '{}' : 'x=y',
    });

    expect(response.status).toBe(400);
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:6274');
  });

  test.each(endpoints)(
    'refuses a page of another site at %s on a loopback issuer',
    async (path) => {
      for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example']) {
        const response = await fetch(`${fixture.issuer}${path}`, {
          method: 'POST',
          headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
          body: 'grant_type=refresh_token',
        });
        expect(response.status).toBe(403);
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
      }
    },
  );

  test('gives no page access to /authorize', async () => {
    const response = await fetch(`${fixture.issuer}/authorize?x=1`, {
      headers: { origin: 'http://localhost:6274' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each(endpoints)('answers 405 to a GET of %s', async (path) => {
    const response = await fetch(`${fixture.issuer}${path}`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toContain('POST');
  });

  test('answers 413 to a form that is too long', async () => {
    const response = await fetch(`${fixture.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'x'.repeat(60_000) }),
    });
    expect(response.status).toBe(413);
  });
});

function startWith(issuer: string): Promise<unknown> {
  return createAuthorizationServer({
    issuer,
    stores: fixture.stores,
    masterSecret: Buffer.alloc(32, 1),
    resources: [{ resource: `${issuer}/mcp`, scopes: { 'catalog:read': 'Read' } }],
    signIn: { kind: 'demo' },
    clock: fixture.clock,
    logger: silentLogger,
  });
}

describe('start-up', () => {
  test.each(['https://mcp.example.com', 'https://mcp.example.com/auth'])(
    'refuses the demo sign-in for issuer %s',
    async (issuer) => {
      await expect(startWith(issuer)).rejects.toMatchObject({
        code: 'ERR_DEMO_SIGN_IN_NOT_LOOPBACK',
      });
    },
  );

  test.each([
    'http://mcp.example.com',
    'http://localhost.example.com',
    'http://localhost:3000/?x=1',
    'http://localhost:3000/#x',
    'http://user@localhost:3000',
    'localhost:3000',
    '',
  ])('refuses issuer %j', async (issuer) => {
    await expect(startWith(issuer)).rejects.toThrow(TypeError);
  });

  test('refuses a database whose keys were sealed under another master secret', async () => {
    await expect(startWith(fixture.issuer)).rejects.toMatchObject({
      code: 'ERR_MASTER_SECRET_MISMATCH',
    });
  });
});
