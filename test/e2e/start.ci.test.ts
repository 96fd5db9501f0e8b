import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { runNode, temporaryFolder } from '../support/processes.js';

describe('npm start', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  it('prints one JSON line with everything a client needs', () => {
    expect(server.ready).toEqual({
      url: expect.stringMatching(/^http:\/\/localhost:\d+$/),
      mcp: `${server.ready.url}/mcp`,
      issuer: server.ready.url,
      apiKey: expect.stringMatching(/^cmcp_/),
      learner: expect.any(String),
    });
  });

  it('answers /healthz with the sample loaded', async () => {
    const response = await fetch(`${server.ready.url}/healthz`);
    expect(response.status).toBe(200);
    const answer = await modernCall(
      server.ready.mcp,
      'tools/call',
      { name: 'search_courses', arguments: { query: 'sql' } },
      { 'x-api-key': server.ready.apiKey },
    );
    expect(answer.status).toBe(200);
    expect(JSON.stringify(await answer.json())).toMatch(/SQL/);
  });

  it('listens on 127.0.0.1 and on ::1, each spelling with metadata that names itself', async () => {
    const { port } = new URL(server.ready.url);
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      const url = `http://${host}:${port}/.well-known/oauth-protected-resource/mcp`;
      const metadata = (await (await fetch(url)).json()) as Record<string, unknown>;
      expect(metadata).toMatchObject({
        resource: `http://${host}:${port}/mcp`,
        authorization_servers: [server.ready.issuer],
      });
    }
  });

  it('keeps everything over a restart and revokes the demo key of the start before', async () => {
    const data = temporaryFolder();
    const first = await startCatalog([], { data });
    const set = await modernCall(
      first.ready.mcp,
      'tools/call',
      {
        name: 'set_goals',
        arguments: { goals: ['bookkeeping for a bakery'] },
      },
      { 'x-api-key': first.ready.apiKey },
    );
    expect(set.status).toBe(200);
    await first.stop();
    const second = await startCatalog([], { data });
    expect(second.ready.learner).toBe(first.ready.learner);
    const learner = await modernCall(
      second.ready.mcp,
      'tools/call',
      { name: 'get_learner', arguments: {} },
      { 'x-api-key': second.ready.apiKey },
    );
    expect(await learner.text()).toContain('bookkeeping for a bakery');
    const old = await modernCall(
      second.ready.mcp,
      'tools/list',
      {},
      { 'x-api-key': first.ready.apiKey },
    );
    expect(old.status).toBe(401);
    await second.stop();
  });

  it('makes the master secret once, readable by its owner alone', async () => {
    const path = join(server.data, 'master-secret');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8').length).toBeGreaterThanOrEqual(32);
  });

  it('says in one line which port is taken and which flag changes it', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as AddressInfo;
    const run = await runNode([SERVER, '--port', String(port), '--data', temporaryFolder()]);
    blocker.close();
    expect(run.code).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
    expect(run.stderr).toContain(String(port));
    expect(run.stderr).toContain('--port');
  });

  it('ends on SIGTERM with exit code 0', async () => {
    const own = await startCatalog();
    const closed = new Promise((resolve) => own.child.once('exit', (code) => resolve(code)));
    await own.stop('SIGTERM');
    expect(await closed).toBe(0);
  });
});

describe('the settings', () => {
  it.each([
    ['--port', 'http', '--port "http"'],
    ['--database', 'mysql://localhost/x', '--database'],
    ['--database', 'postgres://127.0.0.1:1/x', '127.0.0.1'],
    ['--public-url', 'http://catalog.example.com', 'https'],
    ['--issuer', 'https://idp.example.com', '--role=mcp'],
    ['--role', 'everything', 'role'],
    ['--no-such-flag', '1', '--no-such-flag'],
  ])('refuses %s %s with exit code 1 and a message that names it', async (flag, value, message) => {
    const run = await runNode([SERVER, flag, value, '--data', temporaryFolder()]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(message);
    expect(run.stdout).toBe('');
  });

  it('prints the effective settings with secrets masked', async () => {
    const secret = 's'.repeat(40);
    const run = await runNode(
      [SERVER, '--print-config', '--port', '3100', '--data', temporaryFolder()],
      {
        env: { CATALOG_MASTER_SECRET: secret, CATALOG_LOG_LEVEL: 'debug' },
      },
    );
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({
      port: 3100,
      publicUrl: 'http://localhost:3100',
      logLevel: 'debug',
      masterSecret: '********',
    });
    expect(run.stdout).not.toContain(secret);
  });

  it('requires a master secret off loopback', async () => {
    const run = await runNode([
      SERVER,
      '--host',
      '0.0.0.0',
      '--public-url',
      'https://catalog.example.com',
      '--data',
      temporaryFolder(),
    ]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('CATALOG_MASTER_SECRET');
  });

  it('refuses the demo sign-in when the public URL is not loopback', async () => {
    const run = await runNode(
      [
        SERVER,
        '--port',
        '0',
        '--public-url',
        'https://catalog.example.com',
        '--data',
        temporaryFolder(),
      ],
      { env: { CATALOG_MASTER_SECRET: 's'.repeat(40) } },
    );
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('demo sign-in');
  });
});
