import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookAround } from '../../src/cli/catalog-client/login-mode.js';
import { loginWithDeviceCode } from '../../src/client/login/device.js';
import { readPastedAnswer } from '../../src/client/login/pasted-answer.js';
import type { FetchLike } from '../../src/client/token-endpoint.js';
import { type FakeSession, startFakeSession } from './support/fake-session.js';

describe('pasting the address of a login', () => {
  const redirectUri = 'http://127.0.0.1:9696/oauth/callback';
  const expected = { redirectUri, state: 'right' };

  it('reads code and iss of the whole address', () => {
    const text = ` ${redirectUri}?code=c&state=right&iss=https%3A%2F%2Fas.example \n`;
    expect(readPastedAnswer(text, expected)).toEqual({ code: 'c', iss: 'https://as.example' });
  });

  it.each([
    ['a code alone', 'abc'],
    ['another path', 'http://127.0.0.1:9696/other?code=c&state=right'],
    ['another origin', 'https://evil.example/oauth/callback?code=c&state=right'],
    ['no state', `${redirectUri}?code=c`],
    ['a wrong state', `${redirectUri}?code=c&state=wrong`],
    ['a book', `${redirectUri}?state=right&code=${'x'.repeat(20_000)}`],
    ['nothing', ''],
  ])('takes no %s', (_name, text) => {
    expect(readPastedAnswer(text, expected)).toBeTypeOf('string');
  });
});

describe('a login on another machine', () => {
  let session: FakeSession;

  beforeEach(async () => {
    session = await startFakeSession();
  });

  afterEach(() => session.close());

  /** What a browser on another machine ends at. */
  const endOf = async (url: URL): Promise<string> =>
    (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '';

  it('takes a pasted address after wrong ones, and names the problem', async () => {
    const problems: (string | undefined)[] = [];
    let shown: URL | undefined;
    const grant = await session.signIn({
      openBrowser: () => Promise.resolve(),
      onUrl: (url) => {
        shown = url;
      },
      readPasted: async (problem) => {
        problems.push(problem);
        if (problems.length === 1) return 'code';
        return shown === undefined ? undefined : endOf(shown);
      },
    });
    expect(grant.issuer).toBe(session.server.origin);
    expect(problems).toEqual([undefined, expect.stringContaining('whole address')]);
  });

  it('checks iss of a pasted address like that of the callback (RFC 9207 §2.4)', async () => {
    session.server.behaviour.iss = 'https://evil.example';
    let shown: URL | undefined;
    const attempt = session.signIn({
      openBrowser: () => Promise.resolve(),
      onUrl: (url) => {
        shown = url;
      },
      readPasted: () => (shown === undefined ? Promise.resolve(undefined) : endOf(shown)),
    });
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_LOGIN_FAILED' });
    expect(session.server.log).not.toContain('POST /token');
  });

  it('falls back to an address where the server has no device login, or says so when it has to', async () => {
    await expect(session.signIn({ device: 'preferred' })).resolves.toBeDefined();
    await expect(session.signIn({ device: 'required' }, { force: true })).rejects.toThrow(
      'no login with a code',
    );
  });
});

describe('a login with a code on another device (RFC 8628)', () => {
  let session: FakeSession;

  beforeEach(async () => {
    session = await startFakeSession();
  });

  afterEach(() => session.close());

  const start = (
    answers: readonly (Record<string, unknown> | number)[],
    code: Record<string, unknown> = {},
  ): { waits: number[]; result: Promise<{ accessToken: string }> } => {
    const left = [...answers];
    const waits: number[] = [];
    const answer = (body: unknown, status = 200): Response =>
      new Response(JSON.stringify(body), { status });
    const fetch: FetchLike = (input) => {
      if (String(input).endsWith('/device')) {
        return Promise.resolve(
          answer({
            device_code: 'd',
            user_code: 'ABCD-EFGH',
            verification_uri: 'https://as.example/page',
            expires_in: 60,
            interval: 2,
            ...code,
          }),
        );
      }
      const next = left.shift() ?? { error: 'authorization_pending' };
      return Promise.resolve(
        typeof next === 'number' ? answer({}, next) : answer(next, 'error' in next ? 400 : 200),
      );
    };
    const result = loginWithDeviceCode({
      broker: session.broker,
      fetch,
      server: {
        issuer: 'https://as.example',
        authorizationEndpoint: 'https://as.example/authorize',
        tokenEndpoint: 'https://as.example/token',
        deviceAuthorizationEndpoint: 'https://as.example/device',
        scopesSupported: [],
        tokenAuthMethods: ['none'],
        takesMetadataDocuments: false,
        sendsIss: true,
      },
      client: { issuer: 'https://as.example', clientId: 'c', source: 'dynamic', redirectUris: [] },
      scope: 'a',
      resource: 'https://mcp.example/',
      onCode: () => undefined,
      wait: (seconds) => {
        waits.push(seconds);
        session.clock.advance(seconds);
        return Promise.resolve();
      },
      signal: undefined,
    });
    return { waits, result };
  };
  const pending = { error: 'authorization_pending' };
  const tokens = { access_token: 'at', token_type: 'Bearer' };

  it('waits the interval, and 5 seconds more after each slow_down (§3.5)', async () => {
    const { waits, result } = start([pending, { error: 'slow_down' }, pending, tokens]);
    await expect(result).resolves.toMatchObject({ accessToken: 'at' });
    expect(waits).toEqual([2, 2, 7, 7]);
  });

  it('asks less and less often while the server is away', async () => {
    const { waits, result } = start([503, 503, tokens]);
    await result;
    expect(waits).toEqual([2, 4, 8]);
  });

  it('ends when the code expires, here or there', async () => {
    await expect(start([]).result).rejects.toMatchObject({ code: 'ERR_LOGIN_TIMEOUT' });
    await expect(start([{ error: 'expired_token' }]).result).rejects.toMatchObject({
      code: 'ERR_LOGIN_TIMEOUT',
    });
  });

  it('ends when the person says no', async () => {
    await expect(start([{ error: 'access_denied' }]).result).rejects.toThrow('access_denied');
  });

  it.each(['javascript:alert(1)', 'http://evil.example/', 'nowhere'])(
    'shows no page like %s',
    async (verification_uri) => {
      await expect(start([], { verification_uri }).result).rejects.toMatchObject({
        code: 'ERR_LOGIN_FAILED',
      });
    },
  );
});

describe('looking for a browser', () => {
  it.each([
    [{ DISPLAY: ':0' }, 'linux', false, true],
    [{}, 'linux', false, false],
    [{}, 'darwin', false, true],
    [{ DISPLAY: ':0' }, 'linux', true, false],
    [{ DISPLAY: ':0', SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' }, 'linux', false, false],
    [{ SSH_TTY: '/dev/pts/1' }, 'darwin', false, false],
    [{ BROWSER: '/bin/x', SSH_TTY: '/dev/pts/1' }, 'linux', true, true],
  ] as const)('%o on %s, container: %s', (env, platform, isContainer, hasBrowser) => {
    expect(lookAround(env, platform, isContainer).hasBrowser).toBe(hasBrowser);
  });

  it('knows the name of this machine under SSH', () => {
    const env = { SSH_CONNECTION: '1.2.3.4 5 6.7.8.9 22' };
    expect(lookAround(env, 'linux', false).sshHost).toBe('6.7.8.9');
  });
});
