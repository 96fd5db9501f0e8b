import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLIENT,
  type ReadyLine,
  SERVER,
  browserCommand,
  modernCall,
  startCatalog,
} from '../support/catalog-server.js';
import { startPostgres } from '../support/postgres.js';
import { ROOT, runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

const META_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const HEADER_TRACE = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const traceparent = (id: string) => `00-${id}-00f067aa0ba902b7-01`;
const SEARCH = { name: 'search_courses', arguments: { query: 'sql' } };
const SERVER_BIN = join(ROOT, 'dist/bin/catalog-server.js');

type Observed = Awaited<ReturnType<typeof startCatalog>> & { readonly log: () => string };

async function start(
  args: readonly string[] = [],
  options: Parameters<typeof startCatalog>[1] = {},
): Promise<Observed> {
  const server = await startCatalog(['--admin-port', '0', ...args], options);
  let log = '';
  server.child.stderr?.on('data', (text: string) => (log += text));
  return { ...server, log: () => log };
}

function adminOf({ ready }: Observed): string {
  return (ready as ReadyLine & { readonly admin: string }).admin;
}

async function readyz(server: Observed): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${adminOf(server)}/readyz`);
  return { status: response.status, body: await response.json() };
}

const keyOf = ({ ready }: Observed) => ({ 'x-api-key': ready.apiKey });

function audit(data: string, ...args: string[]) {
  return runNode([SERVER_BIN, 'audit', ...args, '--data', data]);
}

describe('a server seen from outside', () => {
  const spanFile = join(temporaryFolder(), 'spans.ndjson');
  const otel = {
    NODE_OPTIONS: `--import ${join(ROOT, 'test/support/otel-to-file.mjs')}`,
    SPAN_FILE: spanFile,
  };
  const spans = () =>
    (existsSync(spanFile) ? readFileSync(spanFile, 'utf8').trim().split('\n') : []).map(
      (line) =>
        JSON.parse(line) as { name: string; traceId: string; parent?: string; attributes: object },
    );
  let server: Observed;

  beforeAll(async () => {
    server = await start(['--audit-arguments', 'on'], { env: otel });
  });
  afterAll(() => server.stop());

  it('tells Prometheus of its calls and refusals on the admin port alone', async () => {
    expect((await modernCall(server.ready.mcp, 'tools/call', SEARCH, keyOf(server))).status).toBe(
      200,
    );
    expect((await modernCall(server.ready.mcp, 'tools/call', SEARCH)).status).toBe(401);
    const scraped = await fetch(`${adminOf(server)}/metrics`);
    expect(scraped.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await scraped.text();
    expect(text).toContain(
      'mcp_server_operations_total{method="tools/call",target="search_courses",era="modern",transport="http",outcome="ok"} 1',
    );
    expect(text).toContain('mcp_server_refusals_total{status="401",reason="missing"} 1');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    for (const path of ['/metrics', '/readyz']) {
      expect((await fetch(`${server.ready.url}${path}`)).status, path).toBe(404);
    }
    expect((await fetch(`${server.ready.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${adminOf(server)}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('goes on with the trace of the client, by header and by _meta, over HTTP and stdio', async () => {
    const headers = { ...keyOf(server), traceparent: traceparent(HEADER_TRACE) };
    await (await modernCall(server.ready.mcp, 'tools/call', SEARCH, headers)).text();
    const peer = new StdioPeer([SERVER, '--transport=stdio', '--data', server.data], {
      env: { ...otel, CATALOG_API_KEY: server.ready.apiKey },
    });
    await peer.initialize();
    await peer.request('tools/call', {
      ...SEARCH,
      _meta: { traceparent: traceparent(META_TRACE) },
    });
    expect((await peer.close()).code).toBe(0);
    const found = spans().filter(({ parent }) => parent === '00f067aa0ba902b7');
    expect(found.map(({ name, traceId }) => [name, traceId])).toEqual([
      ['tools/call search_courses', HEADER_TRACE],
      ['tools/call search_courses', META_TRACE],
    ]);
    expect(found.map(({ attributes }) => attributes)).toMatchObject([
      { 'network.transport': 'tcp' },
      { 'network.transport': 'pipe' },
    ]);
    const rows = (await audit(server.data, 'export')).stdout.trim().split('\n').slice(-2);
    expect(rows.map((row) => (JSON.parse(row) as { traceId: string }).traceId)).toEqual([
      HEADER_TRACE,
      META_TRACE,
    ]);
  });

  it('lists and exports its audit log, filtered and page by page', async () => {
    const call = { name: 'enroll', arguments: { id: 'sql-basics' } };
    await (await modernCall(server.ready.mcp, 'tools/call', call, keyOf(server))).text();
    const table = await audit(server.data, 'list', '--tool', 'enroll');
    expect(table.stdout).toMatch(/^time +tenant +principal +operation +target +outcome +ms/);
    expect(table.stdout).toMatch(/demo-nora +tools\/call +enroll +ok/);
    const page = await audit(server.data, 'list', '--limit', '1', '--json');
    const { rows, next } = JSON.parse(page.stdout) as { rows: { target: string }[]; next: string };
    expect(rows).toMatchObject([
      { target: 'enroll', arguments: { id: 'sql-basics' }, outcome: 'ok' },
    ]);
    const older = await audit(server.data, 'list', '--limit', '1', '--json', '--after', next);
    expect(JSON.parse(older.stdout)).toMatchObject({ rows: [{ target: 'search_courses' }] });
    const none = await audit(server.data, 'export', '--principal', 'nobody', '--since', '1h');
    expect(none).toMatchObject({ code: 0, stdout: '' });
    const bad = await audit(server.data, 'list', '--after', 'x');
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toContain('--after');
  });

  it('deletes old audit rows by a sweep that is on record, and young ones never', async () => {
    const swept = await audit(server.data, 'sweep', '--audit-retention', '1', '--json');
    expect(JSON.parse(swept.stdout)).toMatchObject({ deleted: 0 });
    const asked = await audit(server.data, 'sweep');
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain('--audit-retention');
  });
});

describe('readiness', () => {
  it('ends with the database, and while the process drains', async () => {
    const server = await start();
    expect(await readyz(server)).toEqual({
      status: 200,
      body: { status: 'ready', checks: { storage: 'ok', signing_keys: 'ok' } },
    });
    // A request whose body never comes: the drain waits for it.
    const { hostname, port } = new URL(server.ready.mcp);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await new Promise((resolve) => {
      socket.write(
        `POST /mcp HTTP/1.1\r\nhost: ${hostname}:${port}\r\nx-api-key: ${server.ready.apiKey}\r\n` +
          'content-type: application/json\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n',
      );
      socket.once('data', resolve);
    });
    const ended = new Promise((resolve) => {
      server.child.once('exit', resolve);
    });
    server.child.kill('SIGTERM');
    await expect
      .poll(() => readyz(server), { timeout: 4000 })
      .toMatchObject({ status: 503, body: { status: 'draining' } });
    socket.destroy();
    expect(await ended).toBe(0);
  });

  it('ends when the SQLite file is gone, and when PostgreSQL is', async () => {
    const onFile = await start();
    rmSync(join(onFile.data, 'catalog.sqlite'));
    expect(await readyz(onFile)).toEqual({
      status: 503,
      body: { status: 'not_ready', checks: { storage: 'failed', signing_keys: 'ok' } },
    });
    expect((await fetch(`${onFile.ready.url}/healthz`)).status).toBe(200);
    await onFile.stop();

    const postgres = await startPostgres();
    const env = { CATALOG_DATABASE: await postgres.createDatabase() };
    const onServer = await start([], { env });
    expect(await readyz(onServer)).toMatchObject({ status: 200 });
    await postgres.stop();
    expect(await readyz(onServer)).toMatchObject({
      status: 503,
      body: { checks: { storage: 'failed' } },
    });
    await onServer.stop('SIGKILL');
  });
});

describe('the logs', () => {
  it('hold no secret at debug level, whatever a session shows to the server', async () => {
    const secret = 'canary-master-secret-0123456789abcdef';
    const server = await start(['--log-level', 'debug', '--log-format', 'json'], {
      env: { CATALOG_MASTER_SECRET: secret },
    });
    const home = temporaryFolder();
    const client = (...args: string[]) =>
      runNode([CLIENT, ...args, '--verbose'], {
        env: { CATALOG_CLIENT_HOME: home, BROWSER: browserCommand('Nora') },
      });
    const talk: string[] = [];
    for (const args of [
      ['login', server.ready.mcp],
      ['call', 'search_courses', '{"query":"sql"}'],
      ['logout'],
    ]) {
      const { code, stderr } = await client(...args);
      expect(code, stderr).toBe(0);
      talk.push(stderr);
    }
    await (await modernCall(server.ready.mcp, 'tools/call', SEARCH, keyOf(server))).text();
    const canaries = [
      'token',
      'code',
      'refresh',
      'verifier',
      'secret',
      'cookie',
      'device',
      'assertion',
    ].map((name) => `canary-${name}-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe`);
    const [
      token = '',
      code = '',
      refresh = '',
      verifier = '',
      clientSecret = '',
      cookie = '',
      device = '',
      assertion = '',
    ] = canaries;
    const headers = { cookie: `_session=${cookie}`, authorization: `Bearer ${token}` };
    const form = (fields: Record<string, string>) =>
      fetch(`${server.ready.issuer}/token`, {
        method: 'POST',
        headers,
        body: new URLSearchParams(fields),
      });
    await modernCall(server.ready.mcp, 'tools/call', SEARCH, headers);
    await fetch(`${server.ready.mcp}?access_token=${token}`, { headers });
    for (const fields of [
      {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        client_id: 'x',
        client_secret: clientSecret,
      },
      { grant_type: 'refresh_token', refresh_token: refresh, client_id: 'x' },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: device,
        client_id: 'x',
      },
      { grant_type: 'client_credentials', client_assertion: assertion, client_id: 'x' },
    ]) {
      await form(fields);
    }
    await fetch(`${server.ready.issuer}/idp/callback?code=${code}&state=${token}`, { headers });
    await fetch(`${server.ready.issuer}/authorize?client_id=x&code_challenge=${verifier}`, {
      headers,
    });
    await server.stop();
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        level: expect.stringMatching(/^(debug|info|warn|error)$/) as string,
        message: expect.any(String) as string,
      });
    }
    const everything = [server.log(), ...talk].join('\n');
    for (const canary of [...canaries, secret, server.ready.apiKey]) {
      expect(everything).not.toContain(canary);
    }
    expect(everything).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/);
  });
});
