import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, browserCommand, startCatalog } from '../support/catalog-server.js';
import { freePort } from '../support/free-port.js';
import { runNode, temporaryFolder } from '../support/processes.js';

type Catalog = Awaited<ReturnType<typeof startCatalog>>;

/** Where the authorization server is, seen from the MCP server. */
const modes = [
  { name: 'at the origin of the MCP server', isApart: false, path: '' },
  { name: 'at its origin, under a path', isApart: false, path: '/auth' },
  { name: 'on a port of its own', isApart: true, path: '' },
  { name: 'on a port of its own, under a path', isApart: true, path: '/tenants/t1' },
];

const METADATA = ['oauth-authorization-server', 'openid-configuration'];
const ORIGIN = 'http://localhost:6274';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request with headers that `fetch` does not let one set. */
function send(
  url: string,
  init: { readonly method?: string; readonly headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { port, pathname, search } = new URL(url);
  const { method = 'GET', headers = {}, body } = init;
  return new Promise((resolve, reject) => {
    request(
      { host: '127.0.0.1', port, path: `${pathname}${search}`, method, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      },
    )
      .on('error', reject)
      .end(body);
  });
}

describe.each(modes)('the authorization server $name', ({ isApart, path }) => {
  let mcp: Catalog;
  let auth: Catalog;
  let issuer: string;

  beforeAll(async () => {
    const issuerPath = path === '' ? [] : ['--issuer-path', path];
    if (isApart) {
      const data = temporaryFolder();
      const [mcpPort, authPort] = [await freePort(), await freePort()];
      issuer = `http://localhost:${authPort}${path}`;
      mcp = await startCatalog(['--role=mcp', '--port', `${mcpPort}`, '--auth-url', issuer], {
        data,
      });
      const mcpUrl = ['--mcp-url', `http://localhost:${mcpPort}`];
      auth = await startCatalog(
        ['--role=auth', '--port', `${authPort}`, ...mcpUrl, ...issuerPath],
        { data },
      );
    } else {
      mcp = await startCatalog(issuerPath);
      auth = mcp;
      issuer = `${mcp.ready.url}${path}`;
    }
  });
  afterAll(async () => {
    await mcp.stop();
    if (isApart) await auth.stop();
  });

  it('is named in the protected resource metadata, and by the challenge', async () => {
    const challenge = (await fetch(mcp.ready.mcp, { method: 'POST' })).headers.get(
      'www-authenticate',
    );
    const url = /resource_metadata="([^"]+)"/.exec(challenge ?? '')?.[1] ?? '';
    expect(await (await fetch(url)).json()).toMatchObject({
      resource: mcp.ready.mcp,
      authorization_servers: [issuer],
    });
    expect(auth.ready.issuer).toBe(issuer);
  });

  it('answers at every address of its metadata that clients probe, and at no other', async () => {
    const { origin } = new URL(issuer);
    for (const name of METADATA) {
      for (const url of [`${origin}/.well-known/${name}${path}`, `${issuer}/.well-known/${name}`]) {
        const answer = await send(url);
        expect(answer.status, url).toBe(200);
        expect(answer.headers['content-type']).toContain('application/json');
        expect(JSON.parse(answer.body)).toMatchObject({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
        });
      }
      const elsewhere = [
        `${origin}/.well-known/${name}/other`,
        `${issuer}/other/.well-known/${name}`,
      ];
      if (path !== '') elsewhere.push(`${origin}/.well-known/${name}`);
      for (const url of elsewhere) expect((await send(url)).status, url).toBe(404);
    }
  });

  it('never lets a header of the request into a document, a redirect or a page', async () => {
    const { origin } = new URL(issuer);
    const metadata = JSON.parse(
      (await send(`${origin}/.well-known/oauth-authorization-server${path}`)).body,
    ) as Record<string, string>;
    const urls = [
      ...METADATA.map((name) => `${origin}/.well-known/${name}${path}`),
      metadata['jwks_uri'] ?? '',
      `${issuer}/authorize?client_id=x`,
      `${issuer}/device`,
      `${issuer}/account`,
      `${mcp.ready.url}/.well-known/oauth-protected-resource/mcp`,
    ];
    const poison: Record<string, string>[] = [
      { 'x-forwarded-host': 'evil.example' },
      { 'x-forwarded-proto': 'https' },
      { 'x-forwarded-port': '444', 'x-forwarded-prefix': '/evil.example' },
      { forwarded: 'host=evil.example;proto=https' },
      { 'x-original-url': '/evil.example', 'x-rewrite-url': '/evil.example' },
      { 'x-host': 'evil.example', 'x-http-host-override': 'evil.example' },
    ];
    const blank = (answer: Answer) => answer.body.replace(/value="[^"]*"/g, '');
    for (const url of urls) {
      const { host: own } = new URL(url);
      const honest = await send(url, { headers: { host: own } });
      for (const headers of poison) {
        const answer = await send(url, { headers: { host: own, ...headers } });
        expect(answer.status, url).toBe(honest.status);
        expect(blank(answer), url).toBe(blank(honest));
        expect(JSON.stringify(answer.headers), url).not.toMatch(/evil\.example|https:|; secure/i);
      }
      for (const host of [
        'evil.example',
        `evil.example:${new URL(url).port}`,
        'localhost.evil.example',
      ]) {
        const answer = await send(url, { headers: { host } });
        expect(answer.status, `${url} for ${host}`).toBe(403);
        expect(JSON.stringify(answer)).not.toContain('evil.example');
      }
    }
  });

  it('can be used by a client in a browser: preflights, answers and errors of each endpoint', async () => {
    const { origin } = new URL(issuer);
    const documents = [
      ...METADATA.map((name) => `${origin}/.well-known/${name}${path}`),
      `${issuer}/.well-known/jwks.json`,
    ];
    const endpoints = ['token', 'register', 'revoke', 'introspect', 'device_authorization'].map(
      (name) => `${issuer}/${name}`,
    );
    for (const url of [...documents, ...endpoints]) {
      const method = documents.includes(url) ? 'GET' : 'POST';
      const preflight = await fetch(url, {
        method: 'OPTIONS',
        headers: {
          origin: ORIGIN,
          'access-control-request-method': method,
          'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
        },
      });
      expect(preflight.status, url).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin'), url).toBe(ORIGIN);
      expect(preflight.headers.get('access-control-allow-methods'), url).toContain(method);
      for (const name of ['authorization', 'content-type', 'mcp-protocol-version']) {
        expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase(), url).toContain(
          name,
        );
      }
      const answer = await fetch(url, {
        method,
        headers: { origin: ORIGIN },
        ...(method === 'POST' && { body: new URLSearchParams({ x: 'y' }) }),
      });
      expect(answer.ok, url).toBe(method === 'GET');
      expect(answer.headers.get('access-control-allow-origin'), url).toBe(ORIGIN);
      expect(answer.headers.get('access-control-expose-headers'), url).toContain(
        'WWW-Authenticate',
      );
      expect(answer.headers.get('access-control-allow-credentials'), url).toBeNull();
      expect(answer.headers.get('vary'), url).toContain('Origin');
    }
    for (const page of ['authorize', 'account', 'device', 'interaction/x']) {
      const answer = await fetch(`${issuer}/${page}`, { headers: { origin: ORIGIN } });
      expect(answer.headers.get('access-control-allow-origin'), page).toBeNull();
    }
    for (const url of endpoints) {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { origin: 'https://evil.example' },
      });
      expect(answer.status, url).toBe(403);
      expect(answer.headers.get('access-control-allow-origin'), url).toBeNull();
    }
  });

  it('signs a person in, and the MCP server serves them', async () => {
    const env = { CATALOG_CLIENT_HOME: temporaryFolder(), BROWSER: browserCommand('Sam') };
    const client = (...args: string[]) => runNode([CLIENT, ...args, '--json'], { env });
    const login = await client('login', mcp.ready.mcp);
    expect(login).toMatchObject({ code: 0 });
    expect(JSON.parse(login.stdout)).toMatchObject({ resource: mcp.ready.mcp, issuer });
    expect((await client('call', 'get_learner', '{}')).stdout).toContain('Sam Okafor');
    expect(await client('logout')).toMatchObject({ code: 0 });
  });
});
