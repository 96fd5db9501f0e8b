import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BrowserResponse, ScriptedBrowser } from '../../support/scripted-browser.js';
import {
  type Fixture,
  type TestClient,
  authorizationUrl,
  getCode,
  newVerifier,
  redeem,
  registerClient,
  startFixture,
} from '../fixture.js';

const LOOPBACK = 'http://127.0.0.1:9696/oauth/callback';
const WEB = 'https://app.example/cb';
const APP = 'com.example.app:/cb';

let fixture: Fixture;
let clients: Readonly<Record<string, TestClient>>;
beforeAll(async () => {
  fixture = await startFixture();
  const register = (uri: string) => registerClient(fixture, { redirect_uris: [uri] });
  clients = { [LOOPBACK]: await register(LOOPBACK), [WEB]: await register(WEB) };
  clients = { ...clients, [APP]: await register(APP) };
});
afterAll(() => fixture.close());

function clientOf(registered: string): TestClient {
  const client = clients[registered];
  if (client === undefined) throw new Error(`nobody registered ${registered}`);
  return client;
}

function ask(client: TestClient, changes: Record<string, string>): Promise<BrowserResponse> {
  return new ScriptedBrowser().request(authorizationUrl(fixture, client, newVerifier(), changes));
}

function expectErrorPage(page: BrowserResponse): void {
  expect(page.status).toBe(400);
  expect(page.headers.get('location')).toBeNull();
  expect(page.headers.get('refresh')).toBeNull();
  expect(page.body).toContain('Sign-in did not work');
  expect(page.body).not.toMatch(/http-equiv|<a /i);
}

/** By what a comparison could be lenient about: registered, then what is asked for. */
const nearMisses: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  path: [
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback/'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback/../callback'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/./callback'],
    [LOOPBACK, 'http://127.0.0.1:9696//oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback;x=1'],
    [WEB, 'https://app.example/cbx'],
    [WEB, 'https://app.example/c'],
    [WEB, 'https://app.example/cb/evil'],
    [WEB, 'https://app.example/cb/..'],
    [APP, 'com.example.app:/cb/x'],
  ],
  case: [
    [LOOPBACK, 'http://127.0.0.1:9696/OAuth/callback'],
    [LOOPBACK, 'HTTP://127.0.0.1:9696/oauth/callback'],
    [WEB, 'https://APP.example/cb'],
    [WEB, 'https://app.example/CB'],
    [APP, 'COM.example.app:/cb'],
  ],
  port: [
    [WEB, 'https://app.example:443/cb'],
    [WEB, 'https://app.example:8443/cb'],
    [WEB, 'https://app.example:/cb'],
    [LOOPBACK, 'http://127.0.0.1:99999/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:+80/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:0x50/oauth/callback'],
  ],
  encoding: [
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/%63allback'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth%2Fcallback'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback%00'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback%0d%0aX: y'],
    [WEB, 'https://app.example/%63b'],
    [WEB, 'https://app%2Eexample/cb'],
    [WEB, 'https://app。example/cb'],
    [WEB, 'https://ａpp.example/cb'],
    [WEB, 'https://аpp.example/cb'],
  ],
  space: [
    [LOOPBACK, ' http://127.0.0.1:9696/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback '],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback\n'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/call\tback'],
    [WEB, 'https://app.example /cb'],
  ],
  'query and fragment': [
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback?x=1'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback?'],
    [LOOPBACK, 'http://127.0.0.1:9696/oauth/callback#x'],
    [WEB, 'https://app.example/cb?next=https://evil.example'],
    [WEB, 'https://app.example/cb#'],
  ],
  'user information': [
    [LOOPBACK, 'http://user@127.0.0.1:9696/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:9696@evil.example/oauth/callback'],
    [WEB, 'https://app.example@evil.example/cb'],
    [WEB, 'https://app.example:x@evil.example/cb'],
    [WEB, 'https://@app.example/cb'],
  ],
  backslash: [
    [LOOPBACK, 'http://evil.example\\@127.0.0.1:9696/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1:9696\\oauth\\callback'],
    [WEB, 'https://evil.example\\@app.example/cb'],
    [WEB, 'https:\\\\app.example\\cb'],
  ],
  'the dot at the end of a name': [
    [WEB, 'https://app.example./cb'],
    [LOOPBACK, 'http://127.0.0.1.:9696/oauth/callback'],
  ],
  'another spelling of the loopback address': [
    [LOOPBACK, 'http://localhost:9696/oauth/callback'],
    [LOOPBACK, 'http://[::1]:9696/oauth/callback'],
    [LOOPBACK, 'http://[::ffff:127.0.0.1]:9696/oauth/callback'],
    [LOOPBACK, 'http://[0:0:0:0:0:0:0:1]:9696/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.2:9696/oauth/callback'],
    [LOOPBACK, 'http://127.1:9696/oauth/callback'],
    [LOOPBACK, 'http://2130706433:9696/oauth/callback'],
    [LOOPBACK, 'http://0x7f000001:9696/oauth/callback'],
    [LOOPBACK, 'http://0177.0.0.1:9696/oauth/callback'],
    [LOOPBACK, 'http://0.0.0.0:9696/oauth/callback'],
    [LOOPBACK, 'http://127.0.0.1.nip.io:9696/oauth/callback'],
  ],
  'another name under or over it': [
    [WEB, 'https://evil.app.example/cb'],
    [WEB, 'https://app.example.evil.example/cb'],
    [WEB, 'https://evilapp.example/cb'],
    [WEB, 'https://example/cb'],
  ],
  scheme: [
    [WEB, 'http://app.example/cb'],
    [WEB, '//app.example/cb'],
    [WEB, '/cb'],
    [WEB, 'javascript:alert(1)//https://app.example/cb'],
    [WEB, 'data:text/html,https://app.example/cb'],
    [LOOPBACK, 'https://127.0.0.1:9696/oauth/callback'],
    [LOOPBACK, '//127.0.0.1:9696/oauth/callback'],
    [APP, 'com.example.app2:/cb'],
    [APP, 'com.example.app://cb'],
    [APP, 'com.example.app:///cb'],
  ],
};
const rows = Object.entries(nearMisses).flatMap(([what, pairs]) =>
  pairs.map(([registered, requested]) => ({ what, registered, requested })),
);

describe('a redirect URI that is nearly the registered one', () => {
  test('is tried in more than forty spellings', () => {
    expect(new Set(rows.map(({ requested }) => requested)).size).toBe(rows.length);
    expect(rows.length).toBeGreaterThan(40);
  });

  test.each(rows)(
    'gets an error page and no redirect ($what): $requested',
    async ({ registered, requested }) => {
      expectErrorPage(await ask(clientOf(registered), { redirect_uri: requested }));
    },
  );

  test.each(rows.filter(({ registered }) => registered === LOOPBACK).slice(0, 12))(
    'does not redeem a code that was sent to the registered one ($what): $requested',
    async ({ requested }) => {
      const login = await getCode(fixture, { client: clientOf(LOOPBACK) });
      const answer = await redeem(fixture, login, { redirect_uri: requested });
      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    },
  );
});

describe('an open redirect', () => {
  test('is none with two redirect URIs in one request', async () => {
    const client = clientOf(LOOPBACK);
    for (const added of ['https://evil.example/cb', LOOPBACK]) {
      const url = new URL(authorizationUrl(fixture, client, newVerifier()));
      url.searchParams.append('redirect_uri', added);
      const answer = await new ScriptedBrowser().request(url.href);
      const { origin, pathname, searchParams } = new URL(answer.headers.get('location') ?? '');
      expect(`${origin}${pathname}`).toBe(LOOPBACK);
      expect(searchParams.get('error')).toBe('invalid_request');
      expect(searchParams.get('code')).toBeNull();
    }
  });

  test('is none for a client that is not known, whatever the error', async () => {
    const client = { clientId: 'nobody', redirectUri: 'https://evil.example/cb' };
    for (const changes of [{}, { prompt: 'none' }, { response_type: 'token' }, { scope: 'x' }]) {
      expectErrorPage(await ask(client, changes));
    }
  });

  test.each([
    ['response_type', 'token'],
    ['response_mode', 'form_post'],
    ['prompt', 'none'],
    ['scope', 'made:up'],
    ['resource', 'https://other.example/'],
    ['code_challenge_method', 'plain'],
    ['request', 'eyJhbGciOiJub25lIn0.e30.'],
    ['request_uri', 'https://evil.example/request'],
  ])(
    'is none with a bad %s: errors go to the registered place, or nowhere',
    async (name, value) => {
      const answer = await ask(clientOf(WEB), { [name]: value });
      const location = answer.headers.get('location');
      if (location === null) expectErrorPage(answer);
      else {
        // A response type that is not known here may be one whose answers go into the fragment.
        const { origin, pathname, search, hash } = new URL(location);
        const params = new URLSearchParams(search === '' ? hash.slice(1) : search);
        expect(`${origin}${pathname}`).toBe(WEB);
        expect(params.getAll('iss')).toEqual([fixture.issuer]);
        expect(params.get('error')).not.toBeNull();
      }
    },
  );

  test.each([
    '/account?return_to=https://evil.example/&redirect_uri=https://evil.example/',
    '/account/signed-out?post_logout_redirect_uri=https://evil.example/',
    '/account/idp?redirect_uri=https://evil.example/',
    '/idp/callback?state=x&redirect_uri=https://evil.example/',
    '/device?redirect_uri=https://evil.example/',
    '/authorize/https://evil.example/',
    '/authorize//evil.example',
    '/authorize/..//evil.example',
    '//evil.example/authorize',
    '/\\evil.example/authorize',
    '/interaction//evil.example',
    '/device//evil.example',
  ])('is none at %s', async (path) => {
    for (const host of [
      new URL(fixture.issuer).host,
      fixture.origin.replace(/.*:/, '127.0.0.1:'),
    ]) {
      const answer = await fetch(`http://${host}${path}`, { redirect: 'manual' });
      const location = answer.headers.get('location');
      if (location === null) continue;
      expect(new URL(location, fixture.issuer).origin).toBe(fixture.origin);
    }
  });
});
