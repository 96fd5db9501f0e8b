import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, browserCommand, startCatalog } from '../support/catalog-server.js';
import { type RunOutcome, runNode, temporaryFolder } from '../support/processes.js';

const PERSON = 'Nora';
// A browser that cannot be opened: a run that needs one fails.
const NO_BROWSER = '/nonexistent/browser';

describe('catalog-client against a running server', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;
  const home = temporaryFolder();

  const client = (args: readonly string[], browser = NO_BROWSER): Promise<RunOutcome> =>
    runNode([CLIENT, ...args], {
      env: { CATALOG_CLIENT_HOME: home, CATALOG_URL: server.ready.mcp, BROWSER: browser },
    });

  beforeAll(async () => {
    // Access tokens that live for two seconds: the refresh is a real one.
    server = await startCatalog(['--access-token-ttl', '2']);
  });

  afterAll(() => server.stop());

  it('says with exit code 4 how to sign in before anybody has', async () => {
    const run = await client(['tools', server.ready.mcp]);
    expect(run.code).toBe(4);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('catalog-client login');
  });

  it('signs in through the browser, with the URL taken from CATALOG_URL', async () => {
    const run = await client(['login', '--json'], browserCommand(PERSON));
    expect(run).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout)).toMatchObject({
      resource: server.ready.mcp,
      issuer: server.ready.issuer,
    });
  });

  it('lists tools, calls one and knows who is signed in, without a browser', async () => {
    const tools = await client(['tools', '--json']);
    expect(tools.code).toBe(0);
    const names = (JSON.parse(tools.stdout) as { tools: { name: string }[] }).tools.map(
      (tool) => tool.name,
    );
    expect(names).toEqual(
      expect.arrayContaining(['search_courses', 'recommend_courses', 'enroll']),
    );
    const call = await client([
      'call',
      server.ready.mcp,
      'search_courses',
      '{"query":"sql"}',
      '--json',
    ]);
    expect(call.code).toBe(0);
    expect(call.stdout).toContain('SQL');
    const who = await client(['whoami', '--json']);
    expect(who.code).toBe(0);
    expect(who.stdout).toContain(server.ready.issuer);
  });

  it('refreshes an expired access token silently', async () => {
    // The token of the login has expired by the clock, not by a wait of fixed length: the server says so itself.
    let isExpired = false;
    for (let attempt = 0; attempt < 200 && !isExpired; attempt++) {
      const status = await client(['status', '--json']);
      isExpired = /"expired"|"isExpired":\s*true/.test(status.stdout);
    }
    expect(isExpired).toBe(true);
    const call = await client(['call', 'get_learner', '{}', '--json']);
    expect(call).toMatchObject({ code: 0 });
    expect(call.stdout).toContain(PERSON);
  });

  it('keeps its credentials sealed, in files that only their owner can read', () => {
    const files = readdirSync(home, { recursive: true, encoding: 'utf8' })
      .map((name) => join(home, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(0);
    for (const path of files) {
      expect(statSync(path).mode & 0o077, path).toBe(0);
      expect(readFileSync(path, 'utf8'), path).not.toMatch(/eyJ|access_token|refresh_token/);
    }
  });

  it.each([
    [['call', 'no_such_tool', '{}'], 2],
    [['call', 'search_courses', 'not json and not key value'], 1],
    [['no-such-command'], 1],
    [['tools', 'http://127.0.0.1:1/mcp'], 3],
  ])('ends %j with exit code %i', async (args, code) => {
    const run = await client(args);
    expect(run.code).toBe(code);
    expect(run.stderr).not.toBe('');
  });

  it('logs out: the grant is revoked at the server and the next call asks for a login', async () => {
    const out = await client(['logout', '--json']);
    expect(out.code).toBe(0);
    const run = await client(['tools']);
    expect(run.code).toBe(4);
  });
});
