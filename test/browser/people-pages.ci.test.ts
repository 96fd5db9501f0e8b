import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, startCatalog } from '../support/catalog-server.js';
import {
  accessibilityProblems,
  isTooWide,
  launchChromium,
  screenshot,
} from '../support/chromium.js';
import {
  IDP_CLIENT_ID,
  IDP_SECRET,
  type LoopbackIdp,
  startLoopbackIdp,
} from '../support/loopback-idp.js';
import { ROOT, runNode, startNode, temporaryFolder } from '../support/processes.js';

const PASSWORD = 'correct horse battery staple';
const VIEWS = [
  ['desktop', { width: 1280, height: 800 }],
  ['phone', { width: 360, height: 640 }],
] as const;
const LOOKS = VIEWS.flatMap(([view, viewport]) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ view, viewport, colorScheme })),
);

function providersFile(idp: LoopbackIdp, partner: LoopbackIdp): string {
  const path = join(temporaryFolder(), 'providers.json');
  const shared = { profile: 'openid', clientId: IDP_CLIENT_ID, clientSecretEnv: 'IDP_SECRET' };
  const providers = [
    {
      ...shared,
      id: 'university',
      label: 'University login',
      issuer: idp.issuer,
      allow: [{ domain: 'north.example', tenant: 'north' }],
    },
    {
      ...shared,
      id: 'partner',
      label: 'Partner Organisation',
      issuer: partner.issuer,
      allow: [],
      contact: 'it@north.example',
    },
  ];
  writeFileSync(path, JSON.stringify({ providers }));
  return path;
}

describe('the pages of the authorization server in Chromium, without scripts', () => {
  let idp: LoopbackIdp;
  let partner: LoopbackIdp;
  let server: Awaited<ReturnType<typeof startCatalog>>;
  let browser: Browser;

  beforeAll(async () => {
    [idp, partner] = await Promise.all([startLoopbackIdp(), startLoopbackIdp()]);
    const ways = ['--sign-in', 'idp,local', '--idp', providersFile(idp, partner)];
    server = await startCatalog(ways, { env: { IDP_SECRET } });
    const added = await runNode(
      [
        join(ROOT, 'dist/bin/catalog-server.js'),
        'users',
        'add',
        'anna',
        '--display-name',
        'Anna Weber',
        '--data',
        server.data,
      ],
      { input: `${PASSWORD}\n` },
    );
    if (added.code !== 0) throw new Error(added.stderr);
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
    await Promise.all([idp.close(), partner.close()]);
  });

  async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
    return browser.newPage({ javaScriptEnabled: false, ...options });
  }

  /** A sign-in that the client has begun. */
  async function begin(home = temporaryFolder()) {
    const run = startNode([CLIENT, 'login', server.ready.mcp, '--json', '--no-browser'], {
      env: { CATALOG_CLIENT_HOME: home },
    });
    let stderr = '';
    const url = await new Promise<string>((resolve, reject) => {
      run.child.stderr?.on('data', (text: string) => {
        stderr += text;
        const found = /https?:\/\/\S+\/authorize\?\S+/.exec(stderr);
        if (found !== null) resolve(found[0]);
      });
      run.promise.then((outcome) => reject(new Error(outcome.stderr)), reject);
    });
    return { url, run, home };
  }

  async function abandon({ run }: Awaited<ReturnType<typeof begin>>): Promise<void> {
    run.child.kill('SIGTERM');
    await run.promise;
  }

  async function fillPassword(page: Page, password = PASSWORD): Promise<void> {
    await page.getByLabel('User name').fill('anna');
    await page.getByLabel('Password').fill(password);
  }

  /** What every page has to hold to. */
  async function check(page: Page, name: string): Promise<void> {
    await screenshot(page, name);
    expect(await isTooWide(page)).toBe(false);
    expect(await accessibilityProblems(page)).toEqual([]);
  }

  describe.each(LOOKS)('on a $view, $colorScheme', ({ view, viewport, colorScheme }) => {
    const look = `${view}-${colorScheme}`;

    it('ask for consent, with a button for each provider and a form for passwords', async () => {
      const login = await begin();
      const page = await openPage({ viewport, colorScheme });
      await page.goto(login.url);
      const text = await page.locator('body').innerText();
      for (const expected of ['University login', 'Partner Organisation', 'User name', 'Deny']) {
        expect(text).toContain(expected);
      }
      await check(page, `consent-${look}`);
      await fillPassword(page, 'wrong password');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      expect(await page.getByLabel('User name').inputValue()).toBe('anna');
      expect(await page.getByLabel('Password').inputValue()).toBe('');
      await check(page, `consent-failed-${look}`);
      await abandon(login);
      await page.close();
    });

    it('say whom to ask when somebody may not come in', async () => {
      const login = await begin();
      const page = await openPage({ viewport, colorScheme });
      await page.goto(login.url);
      await page.getByRole('button', { name: /Partner/ }).click();
      await page.getByRole('heading', { name: 'You cannot sign in here' }).waitFor();
      await check(page, `not-allowed-${look}`);
      await page.getByRole('button', { name: /return to the app/ }).click();
      await page.waitForURL(/oauth\/callback/);
      expect(await login.run.promise).toMatchObject({ code: 4 });
      await page.close();
    });

    it('list connected apps, disconnect one, and sign out', async () => {
      const page = await openPage({ viewport, colorScheme });
      const login = await begin();
      await page.goto(login.url);
      await page.getByRole('button', { name: /University login/ }).click();
      await page.waitForURL(/oauth\/callback/);
      expect(await login.run.promise).toMatchObject({ code: 0 });

      await page.goto(`${server.ready.issuer}/account`);
      await check(page, `sign-in-${look}`);
      await page.getByRole('button', { name: /University login/ }).click();
      await page.getByRole('heading', { name: 'Your connected apps' }).waitFor();
      await check(page, `connected-apps-${look}`);
      await page
        .getByRole('button', { name: /Disconnect/ })
        .first()
        .click();
      await page.getByRole('status').waitFor();
      await check(page, `disconnected-${look}`);
      const call = await runNode([CLIENT, 'call', 'get_learner', '{}', '--json'], {
        env: { CATALOG_CLIENT_HOME: login.home },
      });
      expect(call.code).not.toBe(0);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
      await check(page, `signed-out-${look}`);
      await page.close();
    });
  });

  it('can be used with the keyboard alone, in an order that makes sense', async () => {
    const login = await begin();
    const page = await openPage();
    await page.goto(login.url);
    const order: string[] = [];
    for (let press = 0; press < 6; press++) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      const name = (await focused.getAttribute('name')) ?? '';
      order.push(`${name}=${(await focused.getAttribute('value')) ?? ''}`);
    }
    expect(order).toEqual([
      'provider=university',
      'provider=partner',
      'user_name=',
      'password=',
      'method=password',
      'decision=deny',
    ]);
    await page.getByLabel('User name').focus();
    await page.keyboard.type('anna');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(/oauth\/callback/);
    expect(await login.run.promise).toMatchObject({ code: 0 });
    await page.close();
  });

  it('show where the focus is', async () => {
    const page = await openPage();
    await page.goto(`${server.ready.issuer}/account`);
    await page.keyboard.press('Tab');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineWidth');
    expect(outline).toBe('3px');
    await page.close();
  });

  it('fit at 200 % zoom, and at 400 % in one column', async () => {
    const login = await begin();
    for (const [percent, width] of [
      [200, 640],
      [400, 320],
    ] as const) {
      // Zoom is a smaller page with more pixels for each of its own.
      const page = await openPage({
        viewport: { width, height: 512 },
        deviceScaleFactor: percent / 100,
      });
      await page.goto(login.url);
      await check(page, `consent-zoom-${percent}`);
      await page.close();
    }
    await abandon(login);
  });

  it('speak German to a German browser', async () => {
    const login = await begin();
    const page = await openPage({ locale: 'de-DE' });
    await page.goto(login.url);
    expect(await page.locator('html').getAttribute('lang')).toBe('de');
    const text = await page.locator('body').innerText();
    for (const expected of ['möchte Zugriff', 'Den Katalog durchsuchen', 'Ablehnen']) {
      expect(text).toContain(expected);
    }
    await check(page, 'consent-german');
    await abandon(login);
    await page.close();
  });

  it('load nothing, run nothing and break no policy', async () => {
    const page = await openPage({ javaScriptEnabled: true });
    const problems: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('request', (request) => requests.push(request.resourceType()));
    await page.goto(`${server.ready.issuer}/account`);
    expect(problems).toEqual([]);
    expect(requests).toEqual(['document']);
    await page.close();
  });
});
