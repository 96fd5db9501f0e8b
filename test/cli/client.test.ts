import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientOverrides } from '../../src/cli/catalog-client/context.js';
import { main } from '../../src/cli/catalog-client/main.js';
import {
  type FakeServer,
  fakeBrowser,
  json,
  startFakeServer,
} from '../client/support/fake-server.js';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function read(stream: PassThrough): string {
  return String(stream.read() ?? '');
}

describe('catalog-client', () => {
  let server: FakeServer;
  let home: string;
  let env: Record<string, string>;
  const everything: string[] = [];

  beforeEach(async () => {
    server = await startFakeServer();
    home = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
    env = { CATALOG_CLIENT_HOME: home, CATALOG_URL: server.mcp, CATALOG_CLIENT_KEYCHAIN: 'off' };
    everything.length = 0;
  });

  afterEach(async () => {
    await server.close();
    rmSync(home, { recursive: true, force: true });
  });

  const run = async (args: readonly string[], overrides: ClientOverrides = {}): Promise<Run> => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const stdin = new PassThrough();
    const code = await main(
      args,
      { env, stdin, stdout, stderr },
      {
        openBrowser: () => Promise.reject(new Error('no browser may open')),
        ...overrides,
      },
    );
    const outcome = { code, stdout: read(stdout), stderr: read(stderr) };
    everything.push(outcome.stdout, outcome.stderr, args.join(' '));
    return outcome;
  };
  const signIn = (...args: string[]): Promise<Run> =>
    run(['login', '--port', '0', ...args], { openBrowser: fakeBrowser });

  it('signs in, lists, calls, tells who, and signs out', async () => {
    const login = await signIn('--json');
    expect(login.code).toBe(0);
    expect(JSON.parse(login.stdout)).toMatchObject({
      server: server.mcp,
      resource: server.mcp,
      issuer: server.origin,
      canRefresh: true,
    });
    expect(login.stderr).toContain(`${server.origin}/authorize?`);

    const tools = await run(['tools', '--json']);
    expect(tools).toMatchObject({ code: 0, stderr: '' });
    const listed = JSON.parse(tools.stdout) as { tools: { name: string }[] };
    expect(listed.tools.map(({ name }) => name)).toEqual(['echo', 'write_note', 'fail']);

    const call = await run(['call', server.mcp, 'echo', '{"text":"hello"}']);
    expect(call).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    expect((await run(['whoami'])).stdout).toContain(server.origin);
    expect((await run(['logout', '--json'])).stdout).toContain('"revoked":true');
    expect((await run(['tools'])).code).toBe(4);
  });

  it('says with exit code 4 which command signs in, and opens nothing', async () => {
    for (const args of [['tools'], ['call', 'echo'], ['whoami']]) {
      const outcome = await run(args);
      expect(outcome).toMatchObject({ code: 4, stdout: '' });
      expect(outcome.stderr).toContain(`Next: catalog-client login ${server.mcp}`);
    }
    expect(server.counts.authorizations).toBe(0);
  });

  it('prints a failure as one JSON object with --json', async () => {
    const { stdout, stderr, code } = await run(['tools', '--json']);
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'ERR_LOGIN_REQUIRED',
        message: expect.stringContaining('nobody is signed in') as string,
        next: `catalog-client login ${server.mcp}`,
      },
    });
  });

  it('names the profile in the next command, and keeps profiles apart', async () => {
    await signIn();
    const outcome = await run(['tools', '--profile', 'work']);
    expect(outcome.stderr).toContain(`catalog-client login ${server.mcp} --profile work`);
    expect((await run(['tools'])).code).toBe(0);
  });

  it('opens no browser for a second login', async () => {
    await signIn();
    const again = await run(['login']);
    expect(again.stdout).toContain('Already signed in');
    expect(server.counts.authorizations).toBe(1);
  });

  it('names the scopes that a call lacks, and the login that asks for them', async () => {
    await signIn();
    const outcome = await run(['call', 'write_note', 'text=x']);
    expect(outcome.code).toBe(4);
    expect(outcome.stderr).toContain(`--force --scope "notes:read notes:write"`);
    await signIn('--force', '--scope', 'notes:read notes:write');
    expect(await run(['call', 'write_note', 'text=x'])).toMatchObject({
      code: 0,
      stdout: 'written\n',
    });
  });

  it.each([
    ['texts that look like numbers stay texts where the schema says so', ['text=42'], '42\n'],
    ['numbers are numbers where it says so', ['text=a', 'times=2'], 'a a\n'],
    ['a value may hold =', ['text=a=b'], 'a=b\n'],
  ])('reads key=value arguments: %s', async (_name, args, stdout) => {
    await signIn();
    expect(await run(['call', 'echo', ...args])).toEqual({ code: 0, stdout, stderr: '' });
  });

  it.each([
    ['no command', ['no-such-command'], 1],
    ['an unknown flag', ['tools', '--colour'], 1],
    ['no tool', ['call'], 1],
    ['arguments that are neither JSON nor pairs', ['call', 'echo', 'not json'], 1],
    ['broken JSON', ['call', 'echo', '{"text":'], 1],
    ['a URL that is none', ['tools', 'nowhere'], 1],
    ['plain http to another machine', ['tools', 'http://example.com/mcp'], 1],
    ['a profile that would leave its folder', ['tools', '--profile', '../x'], 1],
    ['a port that is none', ['login', '--port', '70000'], 1],
    ['a callback host that is not this machine', ['login', '--callback-host', 'evil.example'], 1],
  ])('ends with 1 on %s, with a message on stderr alone', async (_name, args, code) => {
    const outcome = await run(args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).not.toBe('');
  });

  it('ends with 2 when a tool fails or does not exist', async () => {
    await signIn();
    expect(await run(['call', 'fail'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'fail: the disk is full\n',
    });
    expect(await run(['call', 'no_such_tool'])).toMatchObject({ code: 2, stdout: '' });
    const asJson = await run(['call', 'fail', '--json']);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      error: { code: 'ERR_TOOL_FAILED', details: { isError: true } },
    });
  });

  it('ends with 3 when nothing listens there', async () => {
    await server.close();
    expect(await run(['tools'])).toMatchObject({ code: 3, stdout: '' });
    expect(await run(['login'])).toMatchObject({ code: 3, stdout: '' });
  });

  it('ends with 4 on an API key that is not accepted, and works with one that is', async () => {
    env['CATALOG_API_KEY'] = 'key-that-is-bad';
    expect((await run(['tools'])).code).toBe(4);
    env['CATALOG_API_KEY'] = 'key-that-is-good';
    expect((await run(['tools'])).code).toBe(0);
    expect((await run(['whoami', '--json'])).stdout).toContain('"method":"api-key"');
  });

  it('ends with 130 when it is interrupted', async () => {
    const interruption = new AbortController();
    const login = run(['login', '--port', '0'], {
      openBrowser: () => {
        interruption.abort(new Error('interrupted'));
        return Promise.resolve();
      },
      signal: interruption.signal,
    });
    expect((await login).code).toBe(130);
  });

  it('takes the last used server when neither the command nor the environment names one', async () => {
    await signIn();
    delete env['CATALOG_URL'];
    expect((await run(['tools'])).code).toBe(0);
    expect(JSON.parse((await run(['status', '--json'])).stdout)).toMatchObject({
      server: server.mcp,
    });
  });

  it('shows in status what is signed in, without any request', async () => {
    await signIn();
    const before = server.log.length;
    const { stdout } = await run(['status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      profile: 'default',
      logins: [{ server: server.mcp, issuer: server.origin, isExpired: false }],
    });
    expect(server.log).toHaveLength(before);
  });

  it('says that a login ended, once the server has refused to renew it', async () => {
    await signIn();
    server.rejectAccessTokens();
    server.behaviour.onToken = (_params, res) => {
      json(res, 400, { error: 'invalid_grant' });
      return true;
    };
    expect((await run(['tools'])).stderr).toMatch(/invalid_grant/);
    expect((await run(['status'])).stdout).toMatch(/ended: .*invalid_grant/);
  });

  it('changes nothing on stdout when it is told to be verbose', async () => {
    await signIn();
    const quiet = await run(['call', 'echo', 'text=x', '--json']);
    const verbose = await run(['call', 'echo', 'text=x', '--json', '--verbose']);
    expect(verbose.stdout).toBe(quiet.stdout);
  });

  it('lets no escape sequence of a tool through to the terminal', async () => {
    await signIn();
    const { stdout } = await run(['call', 'echo', JSON.stringify({ text: 'a\u001b[2Jb\nc' })]);
    expect(stdout).toBe('a[2Jb\nc\n');
  });

  it('shows no token anywhere', async () => {
    await signIn('--verbose');
    server.rejectAccessTokens();
    await run(['tools', '--verbose']);
    await run(['whoami', '--json']);
    await run(['status', '--json']);
    server.rejectAccessTokens();
    server.behaviour.onToken = (_params, res) => {
      json(res, 400, { error: 'invalid_grant' });
      return true;
    };
    await run(['tools', '--verbose']);
    await run(['logout', '--json', '--verbose']);
    expect(everything.join('\n')).not.toMatch(/secret-(access|refresh)/);
  });

  it.each([[['--help']], [['call', '--help']], [['login', '--help']]])(
    'helps: %j',
    async (args) => {
      const { code, stdout } = await run(args);
      expect(code).toBe(0);
      expect(stdout).toContain('Usage: catalog-client');
    },
  );
});
