import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, browserCommand, modernCall, startCatalog } from '../support/catalog-server.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { freePort } from '../support/free-port.js';

describe('--role=mcp and --role=auth apart', () => {
  let mcp: Awaited<ReturnType<typeof startCatalog>>;
  let auth: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    const data = temporaryFolder();
    const mcpPort = await freePort();
    const authPort = await freePort();
    // The resource server first: it must not need the other one to start.
    mcp = await startCatalog(
      ['--role=mcp', '--port', `${mcpPort}`, '--auth-url', `http://localhost:${authPort}`],
      { data },
    );
    auth = await startCatalog(
      ['--role=auth', '--port', `${authPort}`, '--mcp-url', `http://localhost:${mcpPort}`],
      { data },
    );
  });

  afterAll(async () => {
    await mcp.stop();
    await auth.stop();
  });

  it('names the authorization server in the resource metadata, and serves none of its endpoints', async () => {
    const metadata = await fetch(`${mcp.ready.url}/.well-known/oauth-protected-resource/mcp`);
    expect(await metadata.json()).toMatchObject({
      resource: mcp.ready.mcp,
      authorization_servers: [auth.ready.issuer],
    });
    expect((await fetch(`${mcp.ready.url}/token`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${auth.ready.url}/mcp`, { method: 'POST' })).status).toBe(404);
  });

  it.each(['//', '/\\\\', '//[', '/%'])('outlives the request target %s', async (path) => {
    for (const { ready } of [mcp, auth]) {
      const { port } = new URL(ready.url);
      const status = await new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, path }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
      expect(status).toBe(404);
      expect((await fetch(`${ready.url}/healthz`)).status).toBe(200);
    }
  });

  it('signs in at the one and is served by the other', async () => {
    const env = { CATALOG_CLIENT_HOME: temporaryFolder(), BROWSER: browserCommand('Sam') };
    const client = (...args: string[]) => runNode([CLIENT, ...args, '--json'], { env });
    const login = await client('login', mcp.ready.mcp);
    expect(login).toMatchObject({ code: 0 });
    expect(JSON.parse(login.stdout)).toMatchObject({
      resource: mcp.ready.mcp,
      issuer: auth.ready.issuer,
    });
    const learner = await client('call', 'get_learner', '{}');
    expect(learner).toMatchObject({ code: 0 });
    expect(learner.stdout).toContain('Sam Okafor');
    expect(await client('logout')).toMatchObject({ code: 0 });
  });

  it('takes API keys as well, and mints a demo key where it can be used', async () => {
    expect(auth.ready.apiKey).toBeUndefined();
    const answer = await modernCall(
      mcp.ready.mcp,
      'tools/call',
      { name: 'get_learner', arguments: {} },
      { 'x-api-key': mcp.ready.apiKey },
    );
    expect(await answer.text()).toContain('Nora Winkler');
  });
});
