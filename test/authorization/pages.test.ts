import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BrowserResponse,
  ScriptedBrowser,
  readForm,
  signIn,
} from '../support/scripted-browser.js';
import {
  type Fixture,
  PEOPLE,
  type TestClient,
  authorizationUrl,
  newVerifier,
  registerClient,
  startFixture,
} from './fixture.js';

const WEB_REDIRECT = 'https://app.example/cb';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.close());

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
}

async function openPage(
  metadata: Record<string, unknown> = {},
  changes: Record<string, string> = {},
): Promise<{ page: BrowserResponse; browser: ScriptedBrowser; client: TestClient }> {
  const client = await registerClient(fixture, metadata);
  const browser = newBrowser();
  const page = await browser.open(authorizationUrl(fixture, client, newVerifier(), changes));
  return { page, browser, client };
}

function webClient(): Promise<TestClient> {
  return registerClient(fixture, { redirect_uris: [WEB_REDIRECT] });
}

function postForm(
  browser: ScriptedBrowser,
  page: BrowserResponse,
  values: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<BrowserResponse> {
  return browser.request(new URL(readForm(page).action, page.url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(values).toString(),
  });
}

describe('the sign-in page', () => {
  test('says who asks, for what, and where the answer goes, before anybody signs in', async () => {
    const { page, client } = await openPage({ client_name: 'Course Helper' });

    expect(page.status).toBe(200);
    for (const text of [
      'Course Helper (name not verified)',
      client.clientId,
      '127.0.0.1:9696',
      'Search the catalog and read courses',
      'Read your profile and history',
      'a program on this computer',
      'Ada Okafor',
      'north',
      'Deny',
    ]) {
      expect(page.body).toContain(text);
    }
    expect(page.body).not.toContain('Enroll and withdraw you');
  });

  test('offers nobody who is disabled', async () => {
    const { page } = await openPage();
    expect(readForm(page).buttons.map(({ value }) => value)).toEqual(['ada', 'ben', 'deny']);
  });

  test('warns of an address that any app can claim, and does not warn of https', async () => {
    const own = await openPage({ redirect_uris: ['cursor://host/cb'] }, {});
    const web = await openPage({ redirect_uris: [WEB_REDIRECT] });

    expect(own.page.body).toContain('any app can claim that address');
    expect(web.page.body).not.toContain('class="warning"');
  });

  test('forbids framing, scripts, caching and foreign referrers', async () => {
    const { page } = await openPage();

    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; frame-ancestors 'none'$/,
    );
    const style = /<style>([\s\S]*?)<\/style>/.exec(page.body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`);
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('referrer-policy')).toBe('same-origin');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.body).not.toMatch(/<script|\son[a-z]+=|style=/i);
  });

  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&`;
  test('shows hostile client metadata as text', async () => {
    const { page } = await openPage({ client_name: hostile });

    expect(page.body).not.toContain('<script>');
    expect(page.body).not.toContain('<img');
    expect(page.body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  test('shows hostile scopes, states and error details as text', async () => {
    const client = await registerClient(fixture);
    const url = authorizationUrl(fixture, client, newVerifier(), {
      redirect_uri: `http://127.0.0.1:9696/${hostile}`,
      state: hostile,
    });
    const page = await newBrowser().request(url);

    expect(page.status).toBe(400);
    expect(page.body).not.toContain('<script>');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('x-frame-options')).toBe('DENY');
  });

  test('strips characters from a client name that could disguise it', async () => {
    const { page } = await openPage({ client_name: 'Good\u202Eexe.\u200Bapp\u0000' });
    expect(page.body).toContain('<h1>Goodexe.app wants access</h1>');
  });

  test('never puts the code into a Referer', async () => {
    const client = await registerClient(fixture);
    const response = await newBrowser().request(authorizationUrl(fixture, client, newVerifier()));

    expect(response.status).toBe(303);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});

describe('the decision', () => {
  test('sends access_denied with state and iss when the person denies', async () => {
    const client = await registerClient(fixture);
    const url = authorizationUrl(fixture, client, newVerifier());
    const final = new URL(await signIn(url, { deny: true }));

    expect(Object.fromEntries(final.searchParams)).toEqual({
      error: 'access_denied',
      error_description: expect.any(String) as string,
      state: 'the-state',
      iss: fixture.issuer,
    });
  });

  test('refuses a form without, or with a wrong, CSRF token', async () => {
    const { page, browser } = await openPage();
    const other = await openPage();
    const stolen = readForm(other.page).fields['csrf'] ?? '';

    for (const values of [
      { person: 'ada' },
      { person: 'ada', csrf: 'x' },
      { person: 'ada', csrf: stolen },
    ]) {
      const response = await postForm(browser, page, values);
      expect(response.status).toBe(403);
      expect(response.headers.get('location')).toBeNull();
    }
  });

  test('refuses a form from another origin', async () => {
    const { page, browser } = await openPage();
    const { fields } = readForm(page);
    const values = { ...fields, person: 'ada' };

    for (const origin of ['https://evil.example', 'null', 'http://localhost:1']) {
      expect((await postForm(browser, page, values, { origin })).status).toBe(403);
    }
  });

  test('refuses a browser that did not begin the sign-in (login CSRF)', async () => {
    const { page } = await openPage();
    const { fields } = readForm(page);
    const stranger = newBrowser();

    expect((await stranger.request(page.url)).status).toBe(400);
    const posted = await postForm(stranger, page, { ...fields, person: 'ada' });
    expect(posted.status).toBe(400);
    expect(posted.headers.get('location')).toBeNull();
  });

  test('refuses a person who does not exist or is disabled', async () => {
    const { page, browser } = await openPage();
    const { fields } = readForm(page);

    for (const person of ['cleo', 'nobody', '']) {
      const response = await postForm(browser, page, { ...fields, person });
      expect(response.status).toBe(403);
    }
  });

  test('refuses a form of another content type and one that is too long', async () => {
    const { page, browser } = await openPage();
    const { fields } = readForm(page);
    const json = await postForm(
      browser,
      page,
      { ...fields, person: 'ada' },
      {
        'content-type': 'text/plain',
      },
    );
    const long = await postForm(browser, page, { ...fields, person: 'a'.repeat(60_000) });

    expect(json.status).toBe(403);
    expect(long.status).toBe(403);
  });
});

describe('a browser that is signed in already', () => {
  test('still sees the page for a native client that it allowed before', async () => {
    const client = await registerClient(fixture);
    const browser = newBrowser();
    await signIn(authorizationUrl(fixture, client, newVerifier()), { browser, person: 'ada' });
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));

    expect(page.status).toBe(200);
    expect(readForm(page).buttons[0]).toMatchObject({ value: 'ada' });
    expect(page.body).toContain('north, signed in');
  });

  test('still sees the page for a client with a loopback redirect that calls itself a web app', async () => {
    const client = await registerClient(fixture, {
      application_type: 'web',
      redirect_uris: [WEB_REDIRECT, 'http://localhost:9696/cb'],
    });
    const browser = newBrowser();
    const first = authorizationUrl(fixture, client, newVerifier());
    await signIn(first, { browser, person: 'ada' });

    expect((await browser.open(authorizationUrl(fixture, client, newVerifier()))).status).toBe(200);
  });

  test('goes straight through for a web client that it allowed the same scopes before', async () => {
    const client = await webClient();
    const browser = newBrowser();
    await signIn(authorizationUrl(fixture, client, newVerifier()), { browser, person: 'ada' });
    const again = await browser.open(authorizationUrl(fixture, client, newVerifier()));

    expect(new URL(again.url).origin).toBe('https://app.example');
    expect(new URL(again.url).searchParams.get('code')).not.toBeNull();
  });

  const asksAgain = [
    { name: 'more scopes', changes: { scope: 'catalog:read enrollment:write' } },
    { name: 'prompt=consent', changes: { prompt: 'consent' } },
    { name: 'prompt=login', changes: { prompt: 'login' } },
  ];
  test.each(asksAgain)('sees the page again for $name', async ({ changes }) => {
    const client = await webClient();
    const browser = newBrowser();
    await signIn(authorizationUrl(fixture, client, newVerifier()), { browser, person: 'ada' });
    const again = await browser.open(authorizationUrl(fixture, client, newVerifier(), changes));

    expect(again.status).toBe(200);
    const form = readForm(again);
    const done = await browser.submit(again, { ...form.fields, person: 'ada' });
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
  });

  test('is not trusted for another client', async () => {
    const browser = newBrowser();
    await signIn(authorizationUrl(fixture, await webClient(), newVerifier()), { browser });
    const other = await browser.open(authorizationUrl(fixture, await webClient(), newVerifier()));

    expect(other.status).toBe(200);
  });

  test('can sign in as somebody else, and is that person from then on', async () => {
    const client = await registerClient(fixture);
    const browser = newBrowser();
    const url = () => authorizationUrl(fixture, client, newVerifier(), { scope: 'catalog:read' });
    await signIn(url(), { browser, person: 'ada' });
    await signIn(url(), { browser, person: 'ben' });
    const page = await browser.open(url());

    expect(page.body).toContain('south, signed in');
    expect(page.body).not.toContain('north, signed in');
  });

  test('has to sign in as somebody else when its person was disabled', async () => {
    const client = await webClient();
    const browser = newBrowser();
    const url = () => authorizationUrl(fixture, client, newVerifier(), { scope: 'catalog:read' });
    await signIn(url(), { browser, person: 'ben' });
    const ben = PEOPLE.find(({ id }) => id === 'ben');
    if (ben === undefined) throw new Error('no ben');
    await fixture.stores.users.upsert({ ...ben, isDisabled: true });
    const page = await browser.open(url());
    await fixture.stores.users.upsert(ben);

    expect(page.status).toBe(200);
    const done = await browser.submit(page, { person: 'ada' });
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
  });

  test('gets an error and no page with prompt=none when consent is missing', async () => {
    const client = await registerClient(fixture);
    const browser = newBrowser();
    await signIn(authorizationUrl(fixture, client, newVerifier()), { browser });
    const final = await browser.open(
      authorizationUrl(fixture, client, newVerifier(), { prompt: 'none' }),
    );

    expect(new URL(final.url).searchParams.get('error')).toBe('interaction_required');
  });
});

describe('cookies', () => {
  test('are HttpOnly, SameSite=Lax and scoped to their step, without Secure on http', async () => {
    const client = await registerClient(fixture);
    const response = await newBrowser().request(authorizationUrl(fixture, client, newVerifier()));
    const cookies = response.headers.getSetCookie();

    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
      expect(cookie).not.toMatch(/; secure/i);
      expect(cookie).not.toContain('__Host-');
      expect(cookie).toMatch(/; path=\/(interaction|authorize)\//);
    }
  });
});
