import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, logIn, post } from '../authorization/fixture.js';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { freePort } from '../support/free-port.js';
import { type MockIssuer, startMockIssuer } from '../support/mock-issuer.js';
import { type TestPostgres, startPostgres } from '../support/postgres.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

type Catalog = Awaited<ReturnType<typeof startCatalog>>;

const SEARCH = { name: 'search_courses', arguments: { query: 'sql' } };
const WITHIN_MS = 5000;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function search(server: Catalog, headers: Record<string, string>, url = server.ready.mcp) {
  const response = await modernCall(url, 'tools/call', SEARCH, headers);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

function issuersFile(issuers: readonly unknown[]): string {
  const file = join(temporaryFolder(), 'issuers.json');
  writeFileSync(file, JSON.stringify(issuers));
  return file;
}

describe('external issuers side by side', () => {
  let staff: MockIssuer;
  let partner: MockIssuer;
  let server: Catalog;

  beforeAll(async () => {
    staff = await startMockIssuer('/realms/staff');
    partner = await startMockIssuer();
    const secret = 'the secret of the catalog';
    partner.credentials = `Basic ${Buffer.from(`catalog:${encodeURIComponent(secret).replaceAll('%20', '+')}`).toString('base64')}`;
    const file = issuersFile([
      {
        issuer: staff.issuer,
        audiences: ['urn:catalog'],
        untypedJwt: true,
        claims: { tenant: 'https://staff.example/org', scopes: ['scope', 'scp', 'roles'] },
      },
      {
        issuer: partner.issuer,
        claims: { fixedTenant: 'partner', subject: 'username' },
        introspection: { clientId: 'catalog', secretEnv: 'PARTNER_SECRET' },
      },
    ]);
    server = await startCatalog(['--role=mcp', '--issuers', file], {
      env: { PARTNER_SECRET: secret },
    });
  });

  afterAll(async () => {
    await server.stop();
    await staff.close();
    await partner.close();
  });

  const person = {
    sub: 'ada',
    azp: 'desktop',
    aud: 'urn:catalog',
    scp: ['catalog:read', 'learner:read'],
    'https://staff.example/org': 'demo',
  };

  it('names them all in the protected resource metadata (RFC 9728 §2)', async () => {
    const metadata = await fetch(`${server.ready.url}/.well-known/oauth-protected-resource/mcp`);
    expect(await metadata.json()).toMatchObject({
      authorization_servers: [staff.issuer, partner.issuer],
    });
  });

  it('takes a JWT by its key, with the audience alias and the claims that the settings name', async () => {
    const token = await staff.sign(person, { typ: 'JWT' });
    expect((await search(server, bearer(token))).text).toContain('sql-basics');
  });

  it.each([
    ['another audience', { aud: 'urn:other' }],
    ['no tenant', { 'https://staff.example/org': undefined }],
    ['the marks of an ID token', { nonce: 'n' }],
    ['a binding to its sender (RFC 9449 §7.2)', { cnf: { jkt: 'thumbprint' } }],
    ['the issuer of the neighbour', { iss: 'https://other.example' }],
  ])('refuses a JWT with %s', async (_name, changes) => {
    const token = await staff.sign({ ...person, ...changes }, { typ: 'JWT' });
    const answer = await search(server, bearer(token));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('takes an opaque token by introspection, asks once, and knows a machine from a person', async () => {
    const claims = { client_id: 'robot', scope: 'catalog:read', aud: server.ready.mcp };
    partner.active.set('opaque-of-ben', { ...claims, sub: '42', username: 'ben' });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => search(server, bearer('opaque-of-ben'))),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(partner.introspections.length).toBe(1);
    expect(partner.introspections[0]?.body).toContain('token=opaque-of-ben');
  });

  it('answers 401 to a token that is not active, and asks about it once in five seconds', async () => {
    const before = partner.introspections.length;
    for (let n = 0; n < 3; n++) {
      expect((await search(server, bearer('nobody-knows'))).status).toBe(401);
    }
    expect(partner.introspections.length - before).toBe(1);
  });

  it('answers 503 without a challenge while the introspecting issuer is away, so that no client drops its login', async () => {
    partner.isDown = true;
    const answer = await search(server, bearer('opaque-new'));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(answer.headers.get('retry-after')).toBe('5');
    // Known tokens and other issuers are not touched by it.
    expect((await search(server, bearer('opaque-of-ben'))).status).toBe(200);
    expect((await search(server, bearer(await staff.sign(person)))).status).toBe(200);
    partner.isDown = false;
    const claims = { client_id: 'robot', scope: 'catalog:read', aud: server.ready.mcp };
    partner.active.set('opaque-new', { ...claims, username: 'eve' });
    expect((await search(server, bearer('opaque-new'))).status).toBe(200);
  });

  it('serves on while the JWKS host is away, and takes a rotated key at once when it is back', async () => {
    staff.isDown = true;
    expect((await search(server, bearer(await staff.sign({ ...person, jti: 'a' })))).status).toBe(
      200,
    );
    await staff.rotate();
    const rotated = await staff.sign({ ...person, jti: 'b' });
    const away = await search(server, bearer(rotated));
    expect(away.status).toBe(503);
    staff.isDown = false;
    expect((await search(server, bearer(rotated))).status).toBe(200);
  });

  it('fetches the keys a few times only for a flood of unknown key ids', async () => {
    const path = '/realms/staff/keys';
    const before = staff.count(path);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, at) =>
        search(server, bearer(await staff.sign(person, { kid: `made-up-${at}` }))),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(staff.count(path) - before).toBeLessThanOrEqual(3);
  });
});

describe('a wrong external issuer at the start', () => {
  let issuer: MockIssuer;
  beforeAll(async () => {
    issuer = await startMockIssuer('/tenant');
  });
  afterAll(() => issuer.close());

  const start = (...args: string[]) =>
    runNode([SERVER, '--role=mcp', '--port=0', '--data', temporaryFolder(), '--json', ...args]);

  it.each([
    ['issuer', { issuer: 'https://other.example' }],
    ['jwks_uri', { jwks_uri: 'http://keys.example/jwks' }],
    ['jwks_uri', { jwks_uri: undefined }],
    ['token_endpoint', { token_endpoint: 'token' }],
  ])('is named by the field %s, its value and what was expected', async (field, metadata) => {
    issuer.metadata = metadata;
    const outcome = await start('--issuer', issuer.issuer);
    expect(outcome.code).toBe(1);
    const value = (metadata as Record<string, unknown>)[field];
    expect(outcome.stderr).toContain(
      `the field "${field}" of ${issuer.issuer}/.well-known/openid-configuration is ${
        value === undefined ? 'missing' : JSON.stringify(value)
      }, expected `,
    );
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
    issuer.metadata = {};
  });

  it('is named with every place that was tried when there is no metadata', async () => {
    const outcome = await start('--issuer', `${issuer.issuer}/nothing`);
    expect(outcome.code).toBe(1);
    for (const path of [
      '/.well-known/oauth-authorization-server/tenant/nothing',
      '/.well-known/openid-configuration/tenant/nothing',
      '/tenant/nothing/.well-known/openid-configuration',
    ]) {
      expect(outcome.stderr).toContain(`${path} answered status 404`);
    }
  });

  it('is named when the secret for introspection is not in the environment', async () => {
    const introspection = { clientId: 'catalog', secretEnv: 'NOT_SET' };
    const file = issuersFile([{ issuer: issuer.issuer, introspection }]);
    const outcome = await start('--issuers', file);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('NOT_SET is not set');
  });
});

describe.each(['SQLite', 'PostgreSQL'])('two processes on one %s database', (engine) => {
  let postgres: TestPostgres | undefined;
  let first: Catalog;
  let second: Catalog;
  let secondMcp: string;
  const data = temporaryFolder();
  let env: Record<string, string>;

  beforeAll(async () => {
    postgres = engine === 'PostgreSQL' ? await startPostgres() : undefined;
    env = postgres === undefined ? {} : { CATALOG_DATABASE: await postgres.createDatabase() };
    first = await startCatalog([], { data, env });
    const port = await freePort();
    second = await startCatalog(['--port', `${port}`, '--public-url', first.ready.url], {
      data,
      env,
    });
    secondMcp = `http://localhost:${port}/mcp`;
  });

  afterAll(async () => {
    await first.stop();
    await second.stop();
    await postgres?.stop();
  });

  const logInAtFirst = async () => {
    const at = { issuer: first.ready.issuer, resource: first.ready.mcp } as Fixture;
    const { client, accessToken, refreshToken } = await logIn(at, { person: 'Nora' });
    return { clientId: client.clientId, access: accessToken, refresh: refreshToken };
  };

  /** A listen stream (2026) and a session's GET stream (2025), open. */
  const openStreams = async (mcp: string, headers: Record<string, string>) => {
    const listen = await modernCall(
      mcp,
      'subscriptions/listen',
      { notifications: { toolsListChanged: true } },
      headers,
    );
    expect(listen.status).toBe(200);
    const legacy = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    };
    const opened = await fetch(mcp, {
      method: 'POST',
      headers: legacy,
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'test', version: '1' },
        },
      }),
    });
    await opened.text();
    const session = opened.headers.get('mcp-session-id') ?? '';
    const inSession = {
      ...legacy,
      'mcp-session-id': session,
      'mcp-protocol-version': '2025-11-25',
    };
    await fetch(mcp, {
      method: 'POST',
      headers: inSession,
      body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
    });
    const get = await fetch(mcp, { headers: { ...inSession, accept: 'text/event-stream' } });
    expect(get.status).toBe(200);
    return { session, ends: [untilEnd(listen), untilEnd(get)] };
  };

  const untilEnd = async (response: Response): Promise<number> => {
    try {
      await response.text();
    } catch {
      // Cut off is an end too.
    }
    return Date.now();
  };

  const untilRefused = async (call: () => Promise<{ status: number }>): Promise<number> => {
    for (;;) {
      const { status } = await call();
      if (status === 401) return Date.now();
      expect(status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it('a revoked login is refused at once in the one and soon in the other, and its streams end there', async () => {
    const login = await logInAtFirst();
    const other = await logInAtFirst();
    const token = bearer(login.access);
    // Both have it in their caches.
    expect((await search(first, token)).status).toBe(200);
    expect((await search(second, token, secondMcp)).status).toBe(200);
    const streams = await openStreams(secondMcp, token);
    const ownStreams = await openStreams(first.ready.mcp, token);
    const { status } = await post(`${first.ready.issuer}/revoke`, {
      token: login.refresh,
      client_id: login.clientId,
    });
    const revokedAt = Date.now();
    expect(status).toBe(200);
    expect((await search(first, token)).status).toBe(401);
    const times = await Promise.all([
      untilRefused(() => search(second, token, secondMcp)),
      ...streams.ends,
      ...ownStreams.ends,
    ]);
    for (const at of times) expect(at - revokedAt).toBeLessThan(WITHIN_MS);
    // Another login of the same person goes on; the session of the revoked one is gone for it too.
    expect((await search(second, bearer(other.access), secondMcp)).status).toBe(200);
    const gone = await fetch(secondMcp, {
      method: 'DELETE',
      headers: { ...bearer(other.access), 'mcp-session-id': streams.session },
    });
    expect(gone.status).toBe(404);
  });

  it('a refresh token used twice ends the access tokens of its family', async () => {
    const login = await logInAtFirst();
    const refresh = (token: string) =>
      post(`${first.ready.issuer}/token`, {
        grant_type: 'refresh_token',
        refresh_token: token,
        client_id: login.clientId,
      });
    const once = await refresh(login.refresh);
    const twice = await refresh(String(once.json['refresh_token']));
    const access = bearer(String(twice.json['access_token']));
    expect((await search(second, access, secondMcp)).status).toBe(200);
    expect((await refresh(login.refresh)).status).toBe(400);
    const at = Date.now();
    expect((await search(first, access)).status).toBe(401);
    expect((await untilRefused(() => search(second, access, secondMcp))) - at).toBeLessThan(
      WITHIN_MS,
    );
  });

  it('a revoked API key is refused at once in both, its streams end, and a stdio process notices', async () => {
    const create = await runNode([SERVER, 'api-keys', 'create', '--data', data, '--json'], { env });
    const { key, id } = JSON.parse(create.stdout) as { key: string; id: string };
    const streams = await openStreams(secondMcp, { 'x-api-key': key });
    const peer = new StdioPeer([SERVER, '--transport=stdio', '--data', data], {
      env: { ...env, CATALOG_API_KEY: key },
    });
    await peer.initialize();
    expect((await peer.request('tools/call', SEARCH)).result).toBeDefined();
    const revoke = await runNode([SERVER, 'api-keys', 'revoke', id, '--data', data], { env });
    expect(revoke.code).toBe(0);
    const revokedAt = Date.now();
    for (const mcp of [first.ready.mcp, secondMcp]) {
      expect((await search(first, { 'x-api-key': key }, mcp)).status).toBe(401);
    }
    const untilToldOff = async (): Promise<number> => {
      for (;;) {
        const { error } = await peer.request('tools/call', SEARCH);
        if (error !== undefined) {
          expect(error.message).toContain('was revoked');
          return Date.now();
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const times = await Promise.all([untilToldOff(), ...streams.ends]);
    for (const at of times) expect(at - revokedAt).toBeLessThan(WITHIN_MS);
    expect((await peer.close()).code).toBe(0);
  });
});
