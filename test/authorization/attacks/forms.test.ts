import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BrowserResponse, ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import { DEVICE_GRANT, poll, startDevice } from '../device-fixture.js';
import {
  type Fixture,
  authorizationUrl,
  logIn,
  newVerifier,
  post,
  registerClient,
  startFixture,
} from '../fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
// All of these come from one address: past the minutes that its limit on device codes counts.
beforeEach(() => fixture.clock.advanceSeconds(601));
afterAll(() => fixture.close());

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: ({ port }) => port === '9696' });
}

/** A form that changes something, in front of a person. */
interface Opened {
  readonly browser: ScriptedBrowser;
  readonly page: BrowserResponse;
  readonly values: Readonly<Record<string, string>>;
  /** Name of the field with the form's own token. */
  readonly token: 'csrf' | 'xsrf';
  /** Whether what the form is for has happened. */
  readonly isDone: (last: BrowserResponse) => Promise<boolean>;
}

const hasCode = async ({ url, headers }: BrowserResponse): Promise<boolean> =>
  [url, headers.get('location') ?? ''].some((at) => /[?&]code=/.test(at));

async function openDevice(browser: ScriptedBrowser) {
  const device = await startDevice(fixture);
  const confirm = await browser.submit(await browser.open(device.link), {});
  return { device, confirm };
}

const forms: Readonly<Record<string, () => Promise<Opened>>> = {
  async consent() {
    const browser = newBrowser();
    const client = await registerClient(fixture);
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    return { browser, page, values: { person: 'ada' }, token: 'csrf', isDone: hasCode };
  },
  async 'consent of somebody who is signed in'() {
    const browser = newBrowser();
    await logIn(fixture, { browser });
    const client = await registerClient(fixture);
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    return { browser, page, values: { continue: 'yes' }, token: 'csrf', isDone: hasCode };
  },
  async 'the code of a device'() {
    const browser = newBrowser();
    const device = await startDevice(fixture);
    const page = await browser.open(`${fixture.issuer}/device`);
    const values = { user_code: device.userCode, confirm: 'yes' };
    const isDone = async () => (await poll(fixture, device)).status === 200;
    return { browser, page, values, token: 'xsrf', isDone };
  },
  async 'the confirmation of a device'() {
    const browser = newBrowser();
    const { device, confirm } = await openDevice(browser);
    const isDone = async ({ url, body }: BrowserResponse) =>
      url.includes('/interaction/') ||
      body.includes('Allow') ||
      (await poll(fixture, device)).status === 200;
    return { browser, page: confirm, values: { confirm: 'yes' }, token: 'xsrf', isDone };
  },
  async 'the consent for a device'() {
    const browser = newBrowser();
    const { device, confirm } = await openDevice(browser);
    const page = await browser.submit(confirm, { confirm: 'yes' });
    const isDone = async () => (await poll(fixture, device)).status === 200;
    return { browser, page, values: { person: 'ada' }, token: 'csrf', isDone };
  },
  async 'the sign-in to the connected apps'() {
    const browser = newBrowser();
    const page = await browser.open(`${fixture.issuer}/account`);
    const isDone = async () =>
      (await browser.open(`${fixture.issuer}/account`)).body.includes('Ada Okafor</') &&
      !(await browser.open(`${fixture.issuer}/account`)).body.includes('name="person"');
    return { browser, page, values: { person: 'ada' }, token: 'csrf', isDone };
  },
  async 'the disconnection of an app'() {
    const browser = newBrowser();
    const { client, accessToken } = await logIn(fixture);
    const page = await browser.submit(await browser.open(`${fixture.issuer}/account`), {
      person: 'ada',
    });
    const isDone = async () => {
      const form = { token: accessToken, client_id: client.clientId };
      return (await post(`${fixture.issuer}/introspect`, form)).json['active'] === false;
    };
    return { browser, page, values: { revoke: client.clientId }, token: 'csrf', isDone };
  },
};

interface Forged {
  readonly fields?: (own: Readonly<Record<string, string>>) => Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly by?: 'another browser';
  readonly method?: 'GET';
}

const own = (): Record<string, string> => ({ origin: fixture.origin });
const forgeries: Readonly<Record<string, (token: Opened['token']) => Forged>> = {
  'without its token': (token) => ({
    fields: ({ [token]: _gone, ...rest }) => rest,
    headers: own(),
  }),
  'with an empty token': (token) => ({
    fields: (fields) => ({ ...fields, [token]: '' }),
    headers: own(),
  }),
  'with a made-up token': (token) => ({
    fields: (fields) => ({ ...fields, [token]: 'x'.repeat(fields[token]?.length ?? 1) }),
    headers: own(),
  }),
  'from a page of another site': () => ({ headers: { origin: 'https://evil.example' } }),
  'from a sandboxed frame': () => ({ headers: { origin: 'null' } }),
  'from another port of this machine': () => ({ headers: { origin: 'http://localhost:1' } }),
  'as JSON': () => ({ headers: { ...own(), 'content-type': 'application/json' } }),
  'as plain text': () => ({ headers: { ...own(), 'content-type': 'text/plain' } }),
  'by another browser': () => ({ by: 'another browser', headers: own() }),
  'as a link': () => ({ method: 'GET' }),
};
const rows = Object.entries(forms).flatMap(([form, open]) =>
  Object.entries(forgeries).map(([how, forge]) => ({ form, open, how, forge })),
);

async function send(opened: Opened, forged: Forged): Promise<BrowserResponse> {
  const { page } = opened;
  const form = readForm(page);
  const target = new URL(form.action, page.url);
  const fields = { ...form.fields, ...opened.values };
  const body = new URLSearchParams(forged.fields?.(fields) ?? fields);
  const browser = forged.by === undefined ? opened.browser : newBrowser();
  if (forged.method === 'GET') return browser.open(`${target.href}?${body.toString()}`);
  return browser.open(target.href, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...forged.headers },
    body: body.toString(),
  });
}

describe('a forged form (CSRF)', () => {
  test.each(rows)('does nothing: $form, $how', async ({ open, forge }) => {
    const opened = await open();
    const last = await send(opened, forge(opened.token));
    expect(await opened.isDone(last)).toBe(false);
    expect([200, 303, 400, 403]).toContain(last.status);
  });

  test.each(Object.entries(forms).filter(([name]) => name !== 'the code of a device'))(
    'is told from the real one, which works: %s',
    async (_name, open) => {
      const opened = await open();
      const last = await send(opened, { headers: own() });
      expect(await opened.isDone(last)).toBe(true);
    },
  );

  test('does not work with the token of the attacker’s own form', async () => {
    const openConsent = forms['consent'];
    if (openConsent === undefined) throw new Error('no such form');
    const attacker = await openConsent();
    const victim = await openConsent();
    const stolen = readForm(attacker.page).fields['csrf'] ?? '';
    const last = await send(victim, {
      fields: (fields) => ({ ...fields, csrf: stolen }),
      headers: own(),
    });
    expect(await hasCode(last)).toBe(false);
    expect(last.status).toBe(403);
  });
});

describe('login CSRF', () => {
  test('a link into the sign-in of somebody else shows that browser nothing', async () => {
    const attacker = newBrowser();
    const client = await registerClient(fixture);
    const page = await attacker.open(authorizationUrl(fixture, client, newVerifier()));
    const seen = await newBrowser().open(page.url);
    expect(seen.status).toBe(400);
    expect(seen.body).not.toContain('<form');
  });

  test('a link that resumes a sign-in of somebody else gives that browser no session', async () => {
    const attacker = newBrowser();
    const client = await registerClient(fixture);
    const page = await attacker.open(authorizationUrl(fixture, client, newVerifier()));
    const { action, fields } = readForm(page);
    const answer = await attacker.request(new URL(action, page.url).href, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...fields, person: 'ben' }).toString(),
    });
    const resume = new URL(answer.headers.get('location') ?? '', page.url).href;
    expect(resume).toContain('/authorize/');
    const victim = newBrowser();
    const last = await victim.open(resume);
    expect(last.status).toBe(400);
    expect(await hasCode(last)).toBe(false);
    expect(victim.cookieValues()).toEqual([]);
  });
});

describe('phishing with a device code', () => {
  test('a link with a code changes nothing by being opened, by anybody, however often', async () => {
    const device = await startDevice(fixture);
    const browser = newBrowser();
    await logIn(fixture, { browser });
    for (const link of [device.link, `${device.link}&confirm=yes`, `${device.link}&xsrf=x`]) {
      const page = await browser.open(link);
      expect(page.status).toBe(200);
      expect(page.body).toContain('id="user_code"');
    }
    const answer = await poll(fixture, device);
    expect(['authorization_pending', 'slow_down']).toContain(answer.json['error']);
  });

  test('a person who follows it is asked three times: for the code, by whom, and for what', async () => {
    const client = await registerClient(fixture, {
      client_name: 'Your bank',
      grant_types: ['authorization_code', DEVICE_GRANT],
    });
    const { link, userCode } = await startDevice(fixture, client);
    const browser = newBrowser();
    const first = await browser.open(link);
    const second = await browser.submit(first, {});
    const third = await browser.submit(second, { confirm: 'yes' });
    expect(first.body).toContain('maxlength="20"');
    expect(second.body).toContain(userCode);
    expect(second.body).toContain('Your bank (name not verified)');
    expect(second.body).toContain('Stop here if somebody sent you the code');
    expect(third.body).toContain('The answer goes to the device');
  });
});
