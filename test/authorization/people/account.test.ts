import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BrowserResponse, ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import {
  type Fixture,
  type Tokens,
  authorizationUrl,
  logIn,
  newVerifier,
  post,
  refresh,
  registerClient,
  startFixture,
} from '../fixture.js';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture.close());

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
}

async function enter(browser: ScriptedBrowser, person = 'ada'): Promise<BrowserResponse> {
  const page = await browser.open(`${fixture.issuer}/account`);
  return browser.submit(page, { ...readForm(page).fields, person });
}

async function connect(name: string, person = 'ada'): Promise<Tokens> {
  const client = await registerClient(fixture, { client_name: name });
  return logIn(fixture, { client, person });
}

async function isActive({ client, accessToken }: Tokens): Promise<unknown> {
  const answer = await post(`${fixture.issuer}/introspect`, {
    token: accessToken,
    client_id: client.clientId,
  });
  return answer.json['active'];
}

describe('your connected apps', () => {
  it('asks who it is first, and shows nothing of anybody', async () => {
    await connect('Course Helper');
    const page = await newBrowser().open(`${fixture.issuer}/account`);
    expect(page.status).toBe(200);
    expect(page.body).toContain('Sign in to see which apps are connected');
    expect(page.body).not.toContain('Course Helper');
    expect(readForm(page).buttons.map(({ value }) => value)).toEqual(['ada', 'ben']);
  });

  it('lists what each app may do in words, and only the person’s own', async () => {
    await connect('Course Helper');
    await connect('Of Ben', 'ben');
    const page = await enter(newBrowser());
    expect(page.body).toContain('Signed in as Ada Okafor');
    expect(page.body).toContain('Course Helper');
    expect(page.body).toContain('Search the catalog and read courses');
    expect(page.body).not.toContain('Of Ben');
  });

  it('disconnects one app at once: its tokens and its refresh end, another one stays', async () => {
    const first = await connect('Course Helper');
    const second = await connect('Path Finder');
    const browser = newBrowser();
    const page = await enter(browser);
    const done = await browser.submit(page, {
      ...readForm(page).fields,
      revoke: first.client.clientId,
    });
    expect(done.body).toContain('Course Helper is disconnected.');
    expect(done.body).toContain('role="status"');
    expect(await isActive(first)).toBe(false);
    expect(await isActive(second)).toBe(true);
    expect((await refresh(fixture, first.client, first.refreshToken)).status).toBe(400);
    expect((await refresh(fixture, second.client, second.refreshToken)).status).toBe(200);
    expect((await browser.open(`${fixture.issuer}/account`)).body).not.toContain('Course Helper');
  });

  it('does not disconnect an app of somebody else', async () => {
    const bens = await connect('Of Ben', 'ben');
    const browser = newBrowser();
    await connect('Of Ada');
    const page = await enter(browser);
    await browser.submit(page, { ...readForm(page).fields, revoke: bens.client.clientId });
    expect(await isActive(bens)).toBe(true);
  });

  it('refuses a form without the token of this browser, or from elsewhere', async () => {
    const tokens = await connect('Course Helper');
    const browser = newBrowser();
    const page = await enter(browser);
    const { csrf = '' } = readForm(page).fields;
    const values = { revoke: tokens.client.clientId };
    const send = (form: Record<string, string>, origin: string) =>
      browser.request(page.url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
        body: new URLSearchParams(form).toString(),
      });
    const own = new URL(fixture.issuer).origin;
    expect((await send(values, own)).status).toBe(403);
    expect((await send({ ...values, csrf: 'x' }, own)).status).toBe(403);
    expect((await send({ ...values, csrf }, 'https://evil.example')).status).toBe(403);
    expect(await isActive(tokens)).toBe(true);
  });

  it('shows the name of an app as text', async () => {
    await connect('"><script>alert(1)</script>');
    const page = await enter(newBrowser());
    expect(page.body).not.toContain('<script>');
    expect(page.body).toContain('&lt;script&gt;');
  });
});

describe('the session of that page', () => {
  it('has a cookie of its own, for its path alone, with a new value after the sign-in', async () => {
    const browser = newBrowser();
    const page = await browser.request(`${fixture.issuer}/account`);
    const [before = ''] = page.headers.getSetCookie();
    expect(before).toMatch(
      /^catalog_account_[0-9a-f]{8}=[\w-]{43}; Path=\/account; HttpOnly; SameSite=Lax$/,
    );
    const sent = await browser.request(page.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...readForm(page).fields, person: 'ada' }).toString(),
    });
    const [after = ''] = sent.headers.getSetCookie();
    expect(sent.status).toBe(303);
    expect(after.split(';')[0]).not.toBe(before.split(';')[0]);
    // A value that was known before the sign-in opens nothing (session fixation).
    const stranger = await fetch(`${fixture.issuer}/account`, {
      headers: { cookie: before.split(';')[0] ?? '' },
    });
    expect(await stranger.text()).not.toContain('Signed in as');
  });

  it('signs nobody in for apps, nor the other way round', async () => {
    const browser = newBrowser();
    await enter(browser);
    const client = await registerClient(fixture);
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    expect(page.body).not.toContain(', signed in<');
  });

  it('ends with the sign-out, with the one for apps in this browser; apps stay connected', async () => {
    const tokens = await connect('Course Helper');
    const browser = newBrowser();
    const client = await registerClient(fixture);
    const consent = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    await browser.submit(consent, { ...readForm(consent).fields, person: 'ada' });
    const page = await enter(browser);
    const forms = [...page.body.matchAll(/name="decision"\s+value="sign-out"/g)];
    expect(forms.length).toBe(1);
    const out = await browser.submit(page, { ...readForm(page).fields, decision: 'sign-out' });
    expect(out.body).toContain('Connected apps stay connected.');
    expect((await browser.open(`${fixture.issuer}/account`)).body).not.toContain('Signed in as');
    const again = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    expect(again.body).not.toContain('north, signed in');
    expect(await isActive(tokens)).toBe(true);
  });

  it('ends after an hour, and when the person is disabled', async () => {
    const browser = newBrowser();
    await enter(browser);
    const user = await fixture.stores.users.find('ada');
    if (user === undefined) throw new Error('no ada');
    await fixture.stores.users.upsert({ ...user, isDisabled: true });
    expect((await browser.open(`${fixture.issuer}/account`)).body).not.toContain('Signed in as');
    await fixture.stores.users.upsert(user);
    expect((await browser.open(`${fixture.issuer}/account`)).body).toContain('Signed in as');
    fixture.clock.advanceSeconds(3601);
    expect((await browser.open(`${fixture.issuer}/account`)).body).not.toContain('Signed in as');
  });
});

describe('the language of pages', () => {
  it.each([
    ['de-AT,de;q=0.9,en;q=0.5', 'de', 'Anmelden'],
    ['fr, en;q=0.8, de;q=0.3', 'en', 'Sign in'],
    ['fr;q=0.9, de;q=0.8', 'de', 'Anmelden'],
    ['de;q=0, en', 'en', 'Sign in'],
    ['xx', 'en', 'Sign in'],
  ])('is chosen by Accept-Language %j: %s', async (header, language, heading) => {
    const response = await fetch(`${fixture.issuer}/account`, {
      headers: { 'accept-language': header },
    });
    const body = await response.text();
    expect(body).toContain(`<html lang="${language}">`);
    expect(body).toContain(`<h1>${heading}</h1>`);
  });

  it('is chosen by ui_locales of the client first', async () => {
    const client = await registerClient(fixture);
    const url = authorizationUrl(fixture, client, newVerifier(), { ui_locales: 'fr de-CH en' });
    const page = await newBrowser().open(url);
    expect(page.body).toContain('möchte Zugriff');
    expect(page.body).toContain('Demo-Anmeldung: erlauben als');
  });
});
