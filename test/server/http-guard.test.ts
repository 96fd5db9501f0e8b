import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnsecuredJWT, generateKeyPair } from 'jose';
import { parseChallenges } from '../../src/oauth/challenge.js';
import {
  ISSUER,
  type TestServer,
  type TokenOptions,
  startTestServer,
} from './support/test-server.js';
import {
  answerOf,
  initializeRequest,
  legacyRequest,
  modernRequest,
  openSession,
} from './support/wire.js';

let server: TestServer;
let metadataUrl: string;

beforeAll(async () => {
  server = await startTestServer();
  metadataUrl = `${server.listening.publicUrl}/.well-known/oauth-protected-resource/mcp`;
});
afterAll(() => server.close());

/** `fetch` may not set Host: a raw request may. */
function rawPost(
  headers: Readonly<Record<string, string>>,
  body = '',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port: server.listening.port, path: '/mcp', method: 'POST', headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function withToken(token: string | undefined) {
  return token === undefined ? {} : { token };
}

async function sign(options: Partial<TokenOptions>): Promise<string> {
  return server.token(options);
}

describe('credentials', () => {
  const eras = [
    ['modern', (token?: string) => modernRequest('tools/list', {}, withToken(token))],
    ['legacy', (token?: string) => initializeRequest(withToken(token))],
  ] as const;

  it.each(eras)(
    'answers 401 without error code when no credentials are sent (RFC 6750 §3.1), %s',
    async (_era, make) => {
      const response = await fetch(server.mcpUrl, make());

      expect(response.status).toBe(401);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(parseChallenges(response.headers.get('www-authenticate'))).toEqual([
        { scheme: 'bearer', params: { resource_metadata: metadataUrl, scope: 'notes:read' } },
      ]);
      expect(await response.json()).toEqual({ error_description: 'Authentication is required.' });
    },
  );

  const refused: readonly [string, () => Promise<string>][] = [
    ['for another audience (RFC 8707 §2)', () => sign({ aud: 'http://localhost:1/mcp' })],
    [
      'for an alias of this audience',
      () => sign({ aud: server.mcpUrl.replace('localhost', '127.0.0.1') }),
    ],
    ['without audience', () => sign({ aud: [] })],
    ['that has expired', () => sign({ lifetimeSeconds: -60 })],
    ['that is not valid yet', () => sign({ notBeforeSeconds: 120 })],
    ['of another issuer', () => sign({ iss: 'https://evil.example' })],
    ['of a near-miss of the issuer', () => sign({ iss: `${ISSUER}/` })],
    ['that is an ID token by type', () => sign({ typ: 'JWT' })],
    [
      'signed with a foreign key',
      async () => sign({ key: (await generateKeyPair('ES256')).privateKey }),
    ],
    ['signed with a symmetric key', () => sign({ alg: 'HS256', key: new Uint8Array(32) })],
    [
      'signed with an algorithm that is not pinned',
      async () => sign({ alg: 'ES384', key: (await generateKeyPair('ES384')).privateKey }),
    ],
    [
      'that is unsigned',
      async () =>
        new UnsecuredJWT({ sub: 'ada', client_id: 'c', tenant: 'acme', aud: server.mcpUrl })
          .setIssuer(ISSUER)
          .encode(),
    ],
    ['without subject', () => sign({ claims: { sub: '' }, sub: '' })],
    ['without tenant', () => sign({ claims: { tenant: undefined } })],
    ['that is no token at all', async () => 'abc'],
    ['that is an unknown API key', async () => `cmcp_abcdefghijkl_${'x'.repeat(43)}`],
  ];

  it.each(refused)('answers 401 invalid_token to a credential %s', async (_name, make) => {
    const token = await make();
    for (const [, request] of eras) {
      const response = await fetch(server.mcpUrl, request(token));

      expect(response.status).toBe(401);
      expect(parseChallenges(response.headers.get('www-authenticate'))).toEqual([
        {
          scheme: 'bearer',
          params: { error: 'invalid_token', resource_metadata: metadataUrl, scope: 'notes:read' },
        },
      ]);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
  });

  it.each(eras)('lets a good token in, %s', async (_era, make) => {
    const response = await fetch(server.mcpUrl, make(await server.token()));
    expect(response.status).toBe(200);
    expect((await answerOf(response)).result).toBeDefined();
  });

  it('takes an API key in X-API-Key and as Bearer', async () => {
    const apiKey = await server.apiKey();
    const byHeader = await fetch(server.mcpUrl, modernRequest('tools/list', {}, { apiKey }));
    const asBearer = await fetch(server.mcpUrl, modernRequest('tools/list', {}, { token: apiKey }));
    const both = modernRequest('tools/list', {}, { token: apiKey, apiKey });
    expect([byHeader.status, asBearer.status]).toEqual([200, 200]);
    expect((await fetch(server.mcpUrl, both)).status).toBe(200);
  });

  it('answers 400 invalid_request to credentials that contradict each other', async () => {
    const request = modernRequest(
      'tools/list',
      {},
      {
        token: await server.token(),
        apiKey: await server.apiKey(),
      },
    );
    const response = await fetch(server.mcpUrl, request);
    expect(response.status).toBe(400);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_request"');
  });

  it('answers 400 invalid_request to a Bearer header that holds no token', async () => {
    const headers = { authorization: 'Bearer two words' };
    const response = await fetch(server.mcpUrl, modernRequest('tools/list', {}, { headers }));
    expect(response.status).toBe(400);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_request"');
  });

  it('does not read a token from the query string', async () => {
    const url = `${server.mcpUrl}?access_token=${await server.token()}`;
    const response = await fetch(url, modernRequest('tools/list'));
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).not.toContain('error=');
  });

  it('refuses a key at once when it is revoked, and a token when it expires', async () => {
    const own = await startTestServer();
    try {
      const apiKey = await own.apiKey();
      const token = await own.token({ lifetimeSeconds: 30 });
      const list = (options: object) => fetch(own.mcpUrl, modernRequest('tools/list', {}, options));
      expect([(await list({ apiKey })).status, (await list({ token })).status]).toEqual([200, 200]);

      const [record] = await own.stores.apiKeys.list();
      await own.stores.apiKeys.revoke(record?.id ?? '', 1);
      own.clock.advance(61);

      expect([(await list({ apiKey })).status, (await list({ token })).status]).toEqual([401, 401]);
    } finally {
      await own.close();
    }
  });
});

describe('the order of the guard', () => {
  it('answers 403 to an evil Host before anything else', async () => {
    const { status } = await rawPost({ host: 'evil.example.com' });
    expect(status).toBe(403);
  });

  it.each(['https://evil.example.com', 'null', 'http://localhost.evil.example'])(
    'answers 403 to the Origin %s, credentials or not',
    async (origin) => {
      const token = await server.token();
      const headers = { host: `localhost:${server.listening.port}`, origin };
      expect((await rawPost(headers)).status).toBe(403);
      expect((await rawPost({ ...headers, authorization: `Bearer ${token}` })).status).toBe(403);
    },
  );

  it('answers 401 to malformed JSON without credentials: nobody learns whether it was valid', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(server.mcpUrl, { method: 'POST', headers, body: '{"oops' });
    expect(response.status).toBe(401);
  });

  it('answers 400 -32700 to malformed JSON with credentials', async () => {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${await server.token()}`,
    };
    const response = await fetch(server.mcpUrl, { method: 'POST', headers, body: '{"oops' });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32700, message: 'Parse error' },
    });
  });

  it('answers 413 with JSON to a body of 5 MiB', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, pad: 'x'.repeat(5 * 1024 * 1024) });
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${await server.token()}`,
    };
    const response = await fetch(server.mcpUrl, { method: 'POST', headers, body });
    expect(response.status).toBe(413);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null });
  });

  it('answers 415 to a body that is not JSON by its type, 405 to other methods', async () => {
    const headers = { authorization: `Bearer ${await server.token()}` };
    const text = await fetch(server.mcpUrl, { method: 'POST', headers, body: 'hello' });
    const put = await fetch(server.mcpUrl, { method: 'PUT', headers });
    expect([text.status, put.status]).toEqual([415, 405]);
    expect(put.headers.get('allow')).toBe('GET, POST, DELETE, OPTIONS');
  });

  const operations = [
    ['tools/call', { name: 'write_note', arguments: { text: 'x' } }, 'notes:read notes:write'],
    ['resources/read', { uri: 'notes://motd' }, 'notes:read'],
    ['prompts/get', { name: 'summarise', arguments: { id: '1' } }, 'notes:read'],
  ] as const;

  it.each(operations)(
    'answers %s with one complete 403 challenge before any stream starts, both eras',
    async (method, params, scope) => {
      const token = await server.token({ scope: method === 'tools/call' ? 'notes:read' : '' });
      const session = await openSession(server.mcpUrl, { token });
      for (const request of [
        modernRequest(method, params, { token }),
        legacyRequest(method, params, { token, session }),
      ]) {
        const response = await fetch(server.mcpUrl, request);

        expect(response.status).toBe(403);
        expect(response.headers.get('content-type')).toBe('application/json');
        expect(parseChallenges(response.headers.get('www-authenticate'))).toEqual([
          {
            scheme: 'bearer',
            params: { error: 'insufficient_scope', scope, resource_metadata: metadataUrl },
          },
        ]);
      }
      const [row] = await server.stores.audit.recent(1);
      expect(row).toMatchObject({ operation: method, outcome: 'denied', subject: 'ada' });
    },
  );

  it('judges an unknown tool by its absence, not by a scope', async () => {
    const token = await server.token({ scope: '' });
    const response = await fetch(
      server.mcpUrl,
      modernRequest('tools/call', { name: 'nothing', arguments: {} }, { token }),
    );
    expect((await answerOf(response)).error?.code).toBe(-32602);
  });
});

describe('what browsers need', () => {
  it('answers a preflight and exposes what a client has to read', async () => {
    const origin = 'http://localhost:6274';
    const preflight = await fetch(server.mcpUrl, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, mcp-param-region, x-evil',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-headers')).toBe(
      'authorization, mcp-param-region',
    );
    const refusal = await fetch(server.mcpUrl, { method: 'POST', headers: { origin } });
    expect(refusal.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
  });
});

describe('protected resource metadata (RFC 9728)', () => {
  it.each(['localhost', '127.0.0.1', '[::1]'])(
    'names itself under the spelling %s',
    async (host) => {
      const origin = `http://${host}:${server.listening.port}`;
      for (const path of ['/mcp', '']) {
        const response = await fetch(`${origin}/.well-known/oauth-protected-resource${path}`);
        expect(response.status).toBe(200);
        expect(response.headers.get('access-control-allow-origin')).toBe('*');
        expect(await response.json()).toEqual({
          resource: `${origin}/mcp`,
          authorization_servers: [ISSUER],
          scopes_supported: ['notes:read', 'notes:write'],
          bearer_methods_supported: ['header'],
          resource_name: 'notes',
        });
      }
      const challenge = (await fetch(`${origin}/mcp`, { method: 'POST' })).headers;
      expect(challenge.get('www-authenticate')).toContain(
        `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
      );
    },
  );
});

describe('the rest of the listener', () => {
  it('answers /healthz, hands other paths to the handlers in order, and 404 to what nobody wants', async () => {
    const seen: string[] = [];
    const own = await startTestServer({
      handlers: [
        (request) => {
          seen.push(`first ${request.url}`);
          return false;
        },
        async (request, response) => {
          if (request.url !== '/mine') return false;
          response.end('mine');
          return true;
        },
      ],
    });
    try {
      const { publicUrl } = own.listening;
      expect((await fetch(`${publicUrl}/healthz`)).status).toBe(200);
      expect(await (await fetch(`${publicUrl}/mine`)).text()).toBe('mine');
      expect((await fetch(`${publicUrl}/other`)).status).toBe(404);
      expect(seen).toEqual(['first /mine', 'first /other']);
    } finally {
      await own.close();
    }
  });

  it('says which port is taken', async () => {
    const { createHttpServer } = await import('../../src/server/index.js');
    const other = createHttpServer({
      registry: {
        tools: new Map(),
        resources: new Map(),
        resourceTemplates: new Map(),
        prompts: new Map(),
      },
      serverInfo: { name: 'x', version: '1' },
      sessions: server.stores.sessions,
      events: {} as never,
      audit: server.stores.audit,
      stateSecret: new Uint8Array(32),
    });
    await expect(other.listen({ port: server.listening.port })).rejects.toMatchObject({
      code: 'ERR_PORT_IN_USE',
      port: server.listening.port,
    });
  });
});
