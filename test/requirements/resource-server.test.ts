import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Challenge, parseChallenges } from '../../src/oauth/challenge.js';
import { ISSUER, type TestServer, startTestServer } from '../server/support/test-server.js';
import { initializeRequest, modernRequest, openSession } from '../server/support/wire.js';
import { legacy, modern, send } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

const { registry } = createWorkshop();
const logged: string[] = [];
const log = (message: string, fields?: unknown): void =>
  void logged.push(`${message} ${JSON.stringify(fields)}`);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    registry,
    logger: { debug: log, info: log, warn: log, error: log },
  });
});
afterAll(() => server.close());

const own: TestServer[] = [];
afterEach(async () => {
  for (const each of own.splice(0)) await each.close();
});

async function start(...options: Parameters<typeof startTestServer>): Promise<TestServer> {
  const started = await startTestServer({ registry, ...options[0] });
  own.push(started);
  return started;
}

/** A request as it comes through a proxy: to this machine, under another name. */
function through(
  served: TestServer,
  host: string,
  path: string,
  method = 'GET',
): Promise<{
  status: number;
  headers: Record<string, unknown>;
  document: Record<string, unknown>;
}> {
  const { port } = served.listening;
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path, method, headers: { host } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          document: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

function challengeOf(value: unknown): Challenge {
  const challenges = parseChallenges(String(value));
  expect(challenges).toHaveLength(1);
  return challenges[0]!;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

const places: readonly (readonly [string, string, string, string])[] = [
  ['https://mcp.example.com', '/mcp', 'https://mcp.example.com/mcp', `${WELL_KNOWN}/mcp`],
  ['https://mcp.example.com', '/', 'https://mcp.example.com', WELL_KNOWN],
  [
    'https://mcp.example.com',
    '/public/mcp',
    'https://mcp.example.com/public/mcp',
    `${WELL_KNOWN}/public/mcp`,
  ],
  ['https://mcp.example.com:8443', '/mcp', 'https://mcp.example.com:8443/mcp', `${WELL_KNOWN}/mcp`],
  ['https://MCP.Example.com', '/mcp', 'https://mcp.example.com/mcp', `${WELL_KNOWN}/mcp`],
];

// How a stream begins that its client can come back to.
const NOTHING_BUT_AN_ID: unknown = expect.stringMatching(/^id: c\d+\nretry: \d+\ndata: \n\n$/);

describe('protected resource metadata', () => {
  it.each(places)(
    'of %s at %s names %s, and is at %s and at the root form [PRM-1] [PRM-2] [PRM-3]',
    async (publicUrl, path, resource, location) => {
      const served = await start({ publicUrl, path });
      const { host, origin } = new URL(publicUrl);
      for (const place of [location, WELL_KNOWN]) {
        const { status, headers, document } = await through(served, host, place);
        expect([status, headers['content-type']]).toEqual([200, 'application/json']);
        expect(document['resource']).toBe(resource);
        expect(document['authorization_servers']).toEqual([ISSUER]);
      }
      const refused = await through(served, host, path, 'POST');
      expect(refused.status).toBe(401);
      const { params } = challengeOf(refused.headers['www-authenticate']);
      expect(params['resource_metadata']).toBe(`${origin}${location}`);
    },
  );

  it.each(['localhost', '127.0.0.1', '[::1]'])(
    'names the spelling %s by which it was reached, and that in the challenge too [PRM-3]',
    async (host) => {
      const origin = `http://${host}:${server.listening.port}`;
      const refused = await send(`${origin}/mcp`, modernRequest('tools/list'));
      const { params } = challengeOf(refused.headers.get('www-authenticate'));
      const response = await fetch(params['resource_metadata'] ?? '');
      expect(await response.json()).toMatchObject({ resource: `${origin}/mcp` });
    },
  );

  it('keeps to its public URL whatever a proxy says of itself [PRM-3]', async () => {
    const served = await start({ publicUrl: 'https://mcp.example.com' });
    const { port } = served.listening;
    const headers = {
      host: 'mcp.example.com',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      forwarded: 'host=evil.example',
    };
    const status = await new Promise((resolve, reject) => {
      httpRequest(
        { host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers },
        (response) => {
          response.resume();
          resolve(response.headers['www-authenticate']);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toContain(`resource_metadata="https://mcp.example.com${WELL_KNOWN}/mcp"`);
  });

  it('is open to all, also to scripts of other origins, and may be cached [PRM-4]', async () => {
    const url = `${server.listening.publicUrl}${WELL_KNOWN}/mcp`;
    const response = await fetch(url, { headers: { origin: 'https://app.example' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('cache-control')).toContain('max-age');
    const preflight = await fetch(url, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
  });

  it('advertises header tokens alone, the scopes it was given, and never offline_access [PRM-5]', async () => {
    const url = `${server.listening.publicUrl}${WELL_KNOWN}/mcp`;
    const document = (await (await fetch(url)).json()) as Record<string, unknown>;
    expect(document['bearer_methods_supported']).toEqual(['header']);
    expect(document['scopes_supported']).toEqual(['notes:read', 'notes:write']);
    expect(JSON.stringify(document)).not.toContain('offline_access');
  });

  it('is not offered by a server that protects nothing [PRM-6]', async () => {
    const open = await start({ isOpen: true });
    const response = await fetch(`${open.listening.publicUrl}${WELL_KNOWN}/mcp`);
    expect(response.status).toBe(404);
  });

  it('is not mistaken for other paths beside it [PRM-2]', async () => {
    for (const path of [`${WELL_KNOWN}/other`, `${WELL_KNOWN}/mcp/`, `${WELL_KNOWN}mcp`]) {
      const response = await fetch(`${server.listening.publicUrl}${path}`);
      expect(response.status).toBe(404);
    }
  });
});

describe('a challenge', () => {
  const metadata = () => `${server.listening.publicUrl}${WELL_KNOWN}/mcp`;

  it.each([
    ['another scheme', 'Basic YTpi'],
    ['a scheme that only begins the same', 'Bearerx abc'],
    ['an empty header', ''],
  ])('has no error for %s: no credentials of ours came [CHAL-1]', async (_name, authorization) => {
    const request = modernRequest('tools/list', {}, { headers: { authorization } });
    const { status, headers } = await send(server.mcpUrl, request);
    expect(status).toBe(401);
    expect(challengeOf(headers.get('www-authenticate')).params).toEqual({
      resource_metadata: metadata(),
      scope: 'notes:read',
    });
  });

  it.each([
    ['no token', 'Bearer'],
    ['two tokens', 'Bearer a b'],
    ['characters outside the grammar', 'Bearer a,b'],
  ])(
    'is 400 invalid_request for a Bearer header with %s [CHAL-2]',
    async (_name, authorization) => {
      const request = modernRequest('tools/list', {}, { headers: { authorization } });
      const { status, headers } = await send(server.mcpUrl, request);
      expect(status).toBe(400);
      expect(challengeOf(headers.get('www-authenticate')).params['error']).toBe('invalid_request');
    },
  );

  it('says as much of a bad token as of any other bad token, and nothing of why [CHAL-3] [TOK-5]', async () => {
    const tokens = [
      await server.token({ lifetimeSeconds: -60 }),
      await server.token({ aud: 'https://other.example/mcp' }),
      await server.token({ iss: 'https://evil.example' }),
      'no.token.atall',
    ];
    const answers = new Set<string>();
    for (const token of tokens) {
      const { status, text, headers } = await send(server.mcpUrl, initializeRequest({ token }));
      answers.add(`${status} ${text} ${headers.get('www-authenticate')}`);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toMatch(/^401 .*error="invalid_token"/);
  });

  it('for a missing scope names the operation’s own scopes, not the catalogue [CHAL-4] [SEC-7]', async () => {
    const token = await server.token({ scope: 'notes:read vault:open' });
    const params = { name: 'vault', arguments: {} };
    for (const ask of [modern, legacy]) {
      const { status, headers, text } = await ask(server, 'tools/call', params, { token });
      expect(status).toBe(403);
      expect(challengeOf(headers.get('www-authenticate')).params).toEqual({
        error: 'insufficient_scope',
        scope: 'vault:open vault:list',
        resource_metadata: metadata(),
      });
      expect(text).not.toContain('data:');
    }
  });

  it('ends when the token has the scopes, in any order and with others beside them [CHAL-4] [SEC-8]', async () => {
    const token = await server.token({ scope: 'x:y vault:list vault:open' });
    const params = { name: 'vault', arguments: {} };
    const { answer } = await modern(server, 'tools/call', params, { token });
    expect(answer.result).toMatchObject({ content: [{ text: 'gold' }] });
  });

  it('is not needed for what a narrow token may do [SEC-8]', async () => {
    const token = await server.token({ scope: '' });
    expect((await modern(server, 'tools/list', {}, { token })).status).toBe(200);
    const echo = { name: 'echo', arguments: { text: 'x' } };
    expect((await modern(server, 'tools/call', echo, { token })).answer.result).toBeDefined();
  });

  it('can be read by scripts of an allowed origin [CHAL-5]', async () => {
    const headers = { origin: 'http://localhost:6274' };
    const { headers: sent } = await send(
      server.mcpUrl,
      modernRequest('tools/list', {}, { headers }),
    );
    expect(sent.get('access-control-expose-headers')).toMatch(/WWW-Authenticate/i);
  });
});

describe('a token', () => {
  it('in the query or in the body is not read [TOK-1]', async () => {
    const token = await server.token();
    const query = `${server.mcpUrl}?access_token=${token}`;
    expect((await send(query, modernRequest('tools/list'))).status).toBe(401);
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ access_token: token }).toString(),
    };
    expect((await send(server.mcpUrl, form)).status).toBe(401);
    const both = modernRequest('tools/list', {}, { token });
    expect((await send(query, both)).status).toBe(200);
  });

  it('of a sibling server, valid in all but its audience, is refused [TOK-3] [SEC-1]', async () => {
    const sibling = await start();
    const good = await sibling.token();
    expect((await modern(sibling, 'tools/list', {}, { token: good })).status).toBe(200);
    for (const aud of [
      sibling.mcpUrl,
      server.mcpUrl.replace('/mcp', ''),
      `${server.mcpUrl}/`,
      `${server.mcpUrl}/more`,
    ]) {
      const { status } = await modern(
        server,
        'tools/list',
        {},
        { token: await server.token({ aud }) },
      );
      expect(status).toBe(401);
    }
    const among = await server.token({ aud: ['https://other.example', server.mcpUrl] });
    expect((await modern(server, 'tools/list', {}, { token: among })).status).toBe(200);
  });

  it('that was checked a moment ago is refused once it expires [TOK-2]', async () => {
    const served = await start();
    const token = await served.token({ lifetimeSeconds: 30 });
    expect((await modern(served, 'tools/list', {}, { token })).status).toBe(200);
    served.clock.advance(61);
    expect((await modern(served, 'tools/list', {}, { token })).status).toBe(401);
  });

  it('that ends takes the streams of its session with it [TOK-2]', async () => {
    const served = await start();
    const token = await served.token({ lifetimeSeconds: 60 });
    const session = await openSession(served.mcpUrl, { token });
    // The clock stands still just before the end of the token: the timer that is left is a real one.
    served.clock.advance(59.9);
    const stream = await fetch(served.mcpUrl, {
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        'mcp-session-id': session,
      },
    });
    expect([stream.status, await stream.text()]).toEqual([200, NOTHING_BUT_AN_ID]);
  });

  it('is in no log, no answer and no stored record [TOK-6] [SEC-10]', async () => {
    logged.length = 0;
    const good = await server.token();
    const bad = await server.token({ lifetimeSeconds: -60 });
    const texts: string[] = [];
    for (const token of [good, bad]) {
      for (const request of [
        initializeRequest({ token }),
        modernRequest('tools/call', { name: 'lie', arguments: {} }, { token }),
        modernRequest('tools/call', { name: 'vault', arguments: {} }, { token }),
        { method: 'POST', headers: { authorization: `Bearer ${token} x` } },
      ]) {
        const { text, headers } = await send(server.mcpUrl, request);
        texts.push(text, JSON.stringify([...headers]));
      }
    }
    const tables = server.database
      .all("SELECT name FROM sqlite_master WHERE type = 'table'")
      .map((row) => String((row as { name: unknown }).name));
    for (const table of tables) {
      texts.push(JSON.stringify(server.database.all(`SELECT * FROM "${table}"`)));
    }
    expect(logged.length).toBeGreaterThan(0);
    for (const text of [...logged, ...texts]) {
      for (const token of [good, bad]) expect(text).not.toContain(token.split('.')[2]);
    }
  });

  it('makes who is calling, whatever the client says of itself [TOK-4]', async () => {
    const params = {
      ref: { type: 'ref/resource', uri: 'memo://{id}/body' },
      argument: { name: 'id', value: '' },
    };
    const token = await server.token({ scope: 'memo:read', sub: 'ada' });
    const request = modernRequest('completion/complete', params, {
      token,
      headers: { 'x-user': 'eve', 'x-forwarded-user': 'eve', cookie: 'user=eve' },
    });
    const body = JSON.parse(request.body) as { params: { _meta: Record<string, unknown> } };
    body.params._meta['io.modelcontextprotocol/clientInfo'] = { name: 'eve', version: '1' };
    const { answer } = await send(server.mcpUrl, { ...request, body: JSON.stringify(body) });
    expect(answer.result).toMatchObject({ completion: { values: ['of-ada'] } });
  });
});
