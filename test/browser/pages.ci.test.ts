import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type Page, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, startCatalog } from '../support/catalog-server.js';
import { ROOT, startNode, temporaryFolder } from '../support/processes.js';

const ARTIFACTS = join(ROOT, 'test-artifacts');
const VIEWS = [
  ['desktop', { width: 1280, height: 800 }],
  ['phone', { width: 375, height: 667 }],
] as const;

/** What the client prints on stderr for a person to open. */
async function startLogin(
  mcp: string,
): Promise<{ url: string; run: ReturnType<typeof startNode> }> {
  const run = startNode([CLIENT, 'login', mcp, '--json', '--no-browser'], {
    env: { CATALOG_CLIENT_HOME: temporaryFolder() },
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
  return { url, run };
}

describe('the sign-in page in Chromium', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;
  let browser: Browser;

  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    server = await startCatalog();
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  async function screenshot(page: Page, name: string): Promise<void> {
    writeFileSync(join(ARTIFACTS, `${name}.png`), await page.screenshot({ fullPage: true }));
  }

  describe.each(VIEWS)('on a %s', (view, viewport) => {
    it.each(['light', 'dark'] as const)('shows who asks for what, in %s', async (colorScheme) => {
      const { url, run } = await startLogin(server.ready.mcp);
      const page = await browser.newPage({ viewport, colorScheme, javaScriptEnabled: false });
      await page.goto(url);
      await screenshot(page, `sign-in-${view}-${colorScheme}`);
      const text = await page.locator('body').innerText();
      expect(text).toContain('127.0.0.1');
      expect(text).toContain('Search the catalog and read its courses');
      expect(text).toContain('Nora');
      // Nothing is cut off sideways.
      const [content, width] = [await page.locator('body').boundingBox(), viewport.width];
      expect(content?.width).toBeLessThanOrEqual(width);
      await page.close();
      run.child.kill('SIGTERM');
      await run.promise;
    });
  });

  it('signs the command line in when a person presses a button, and says so in the tab', async () => {
    const { url, run } = await startLogin(server.ready.mcp);
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await page.goto(url);
    await page.getByRole('button', { name: /Nora/ }).click();
    await page.waitForURL(/oauth\/callback/);
    await screenshot(page, 'signed-in');
    expect(await page.locator('body').innerText()).toContain('You can close this window');
    const outcome = await run.promise;
    expect(outcome).toMatchObject({ code: 0 });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ resource: server.ready.mcp });
    expect(problems).toEqual([]);
    await page.close();
  });

  it('can be used with the keyboard alone', async () => {
    const { url, run } = await startLogin(server.ready.mcp);
    const page = await browser.newPage();
    await page.goto(url);
    const reached: string[] = [];
    for (let press = 0; press < 30; press++) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      if ((await focused.count()) === 0) break;
      reached.push(await focused.innerText());
      if (/Nora/.test(reached.at(-1) ?? '')) break;
    }
    expect(reached.at(-1)).toMatch(/Nora/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/oauth\/callback/);
    expect(await run.promise).toMatchObject({ code: 0 });
    await page.close();
  });

  it('tells the command line when the person says no', async () => {
    const { url, run } = await startLogin(server.ready.mcp);
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole('button', { name: /deny|no,|cancel/i }).click();
    await page.waitForURL(/oauth\/callback/);
    await screenshot(page, 'denied');
    const outcome = await run.promise;
    expect(outcome.code).toBe(4);
    await page.close();
  });

  it('shows an error page, and redirects nowhere, when the client is not known', async () => {
    const page = await browser.newPage();
    const target = encodeURIComponent('https://evil.example.com/callback');
    const response = await page.goto(
      `${server.ready.issuer}/authorize?client_id=nobody&response_type=code&redirect_uri=${target}`,
    );
    expect(response?.status()).toBe(400);
    expect(new URL(page.url()).origin).toBe(server.ready.issuer);
    await screenshot(page, 'error');
    await page.close();
  });
});
