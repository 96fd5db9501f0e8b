import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../../src/authorization/index.js';
import { ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import {
  type Fixture,
  authorizationUrl,
  newVerifier,
  registerClient,
  startFixture,
} from '../fixture.js';

const ISSUERS = {
  'https, at the root': 'https://mcp.example.com',
  'https, with a path': 'https://mcp.example.com/tenants/t1',
} as const;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: ({ port }) => port === '9696' });
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly attributes: Readonly<Record<string, string>>;
}

function parseCookies(lines: readonly string[]): Cookie[] {
  return lines.map((line) => {
    const [pair = '', ...rest] = line.split(';').map((part) => part.trim());
    const attributes = rest
      .map((part) => part.split('='))
      .map(([name = '', value = '']) => [name.toLowerCase(), value]);
    const at = pair.indexOf('=');
    return {
      name: pair.slice(0, at),
      value: pair.slice(at + 1),
      attributes: Object.fromEntries(attributes) as Record<string, string>,
    };
  });
}

/** Sends what a TLS proxy in front would pass on. */
function send(
  at: Fixture,
  path: string,
  init: { readonly method?: string; readonly cookie?: string; readonly body?: string } = {},
): Promise<{ status: number; location: string | undefined; cookies: Cookie[]; body: string }> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', cookie, body } = init;
    const headers = {
      host: 'mcp.example.com',
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const { port } = new URL(at.origin);
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => {
        const cookies = parseCookies(answer.headers['set-cookie'] ?? []);
        const { location } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, location, cookies, body: text });
      });
    });
    outgoing.on('error', reject).end(body);
  });
}

/** A whole sign-in with local users, by hand. @returns every cookie that was set on the way */
async function signInBehindTls(at: Fixture, base: string): Promise<Cookie[]> {
  const registered = await fetch(`${at.origin}${base}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'none',
    }),
  });
  const { client_id: clientId } = (await registered.json()) as { client_id: string };
  const client = { clientId, redirectUri: 'https://app.example/cb' };
  const url = new URL(authorizationUrl(at, client, newVerifier()));
  const begun = await send(at, `${url.pathname}${url.search}`);
  const jar = new Map(begun.cookies.map(({ name, value }) => [name, value]));
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const page = await send(at, begun.location ?? '', { cookie: cookie() });
  const { action, fields } = readForm({ ...page, url: at.issuer, headers: new Headers() });
  const form = { ...fields, user_name: 'anna', password: 'correct horse battery staple' };
  const decided = await send(at, action, {
    method: 'POST',
    cookie: cookie(),
    body: new URLSearchParams(form).toString(),
  });
  const resume = new URL(decided.location ?? '', at.issuer);
  const last = await send(at, `${resume.pathname}${resume.search}`, { cookie: cookie() });
  expect(new URL(last.location ?? '').searchParams.get('code')).not.toBeNull();
  const account = await send(at, `${base}/account`);
  return [
    ...begun.cookies,
    ...page.cookies,
    ...decided.cookies,
    ...last.cookies,
    ...account.cookies,
  ];
}

describe('cookies', () => {
  test.each(Object.entries(ISSUERS))(
    'are bound to the host, to https and to their step: issuer on %s',
    async (_name, issuer) => {
      const own = await startFixture({
        issuer,
        options: { signIn: { kind: 'local-users' } },
      });
      await own.stores.passwords.create(
        {
          id: 'anna',
          displayName: 'Anna',
          tenant: 'north',
          scopes: ['catalog:read'],
          isDisabled: false,
        },
        {
          userName: 'anna',
          userId: 'anna',
          passwordHash: await hashPassword('correct horse battery staple'),
          changedAt: 1,
        },
      );
      const base = new URL(issuer).pathname.replace(/\/$/, '');
      const cookies = await signInBehindTls(own, base);
      await own.close();

      const set = cookies.filter(({ value }) => value !== '');
      expect(new Set(set.map(({ name }) => name.replace(/_[0-9a-f]{8}(\.sig)?$/, ''))).size).toBe(
        4,
      );
      for (const { name, attributes } of cookies) {
        expect(attributes, name).toHaveProperty('httponly');
        expect(attributes, name).toHaveProperty('secure');
        expect(attributes['samesite']?.toLowerCase(), name).toBe('lax');
        expect(attributes, name).not.toHaveProperty('domain');
        expect(name).toMatch(/^__(Host|Secure)-catalog_/);
        const path = attributes['path'] ?? '';
        if (name.startsWith('__Host-')) expect(path).toBe('/');
        else expect(path).toMatch(new RegExp(`^${base}/(interaction|authorize|account)`));
      }
    },
  );
});

describe('session fixation', () => {
  test('a session that was there before the sign-in is another one after it', async () => {
    const client = await registerClient(fixture);
    const browser = newBrowser();
    const at = `${fixture.origin}/authorize`;
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    const before = browser.cookiesFor(at);
    await browser.submit(page, { person: 'ada' });
    const after = browser.cookiesFor(at);
    expect(after).toContain('catalog_session');
    for (const pair of before.split('; ').filter(Boolean)) expect(after).not.toContain(pair);
  });

  test.each(['signed in as somebody', 'not signed in'])(
    'a session that was planted, %s, never becomes that of the person who signs in with it',
    async (state) => {
      const attacker = newBrowser();
      const client = await registerClient(fixture);
      const urlOf = (changes = {}) => authorizationUrl(fixture, client, newVerifier(), changes);
      const first = await attacker.open(urlOf());
      if (state === 'signed in as somebody') await attacker.submit(first, { person: 'ben' });
      else await attacker.open(`${fixture.issuer}/device`);
      const planted = attacker.cookiesFor(`${fixture.origin}/authorize`);
      expect(planted).toContain('catalog_session');
      const victim = newBrowser();
      victim.keepCookies(fixture.origin, planted.split('; '));
      const page = await victim.open(urlOf({ prompt: 'login' }));
      const last = await victim.submit(page, { person: 'ada' });
      expect(new URL(last.url).searchParams.get('code')).not.toBeNull();
      const now = victim.cookiesFor(`${fixture.origin}/authorize`);
      for (const pair of planted.split('; ')) expect(now).not.toContain(pair);

      const theirs = newBrowser();
      theirs.keepCookies(fixture.origin, planted.split('; '));
      const seen = await theirs.open(urlOf());
      expect(seen.body).not.toContain(', signed in');
      const silent = await theirs.open(urlOf({ prompt: 'none' }));
      expect(new URL(silent.url).searchParams.get('error')).not.toBeNull();
      expect(theirs.cookiesFor(`${fixture.origin}/authorize`)).not.toBe(now);
    },
  );

  test('a cookie that was made up, or signed by nobody, is no session', async () => {
    const client = await registerClient(fixture, { redirect_uris: ['https://app.example/cb'] });
    const browser = newBrowser();
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    await browser.submit(page, { person: 'ada' });
    const real = browser.cookiesFor(`${fixture.origin}/authorize`);
    const url = authorizationUrl(fixture, client, newVerifier(), { prompt: 'none' });
    const errorWith = async (cookie: string) => {
      const { headers } = await fetch(url, { headers: { cookie }, redirect: 'manual' });
      return new URL(headers.get('location') ?? '').searchParams.get('error');
    };
    const [name = '', value = ''] = real.split('; ')[0]?.split('=') ?? [];
    expect(await errorWith(real)).toBeNull();
    expect(await errorWith(`${name}=${value}`)).toBe('login_required');
    expect(await errorWith(`${name}=${value}; ${name}.sig=${'A'.repeat(43)}`)).toBe(
      'login_required',
    );
    expect(await errorWith(real.replace(value, 'A'.repeat(value.length)))).toBe('login_required');
  });
});
