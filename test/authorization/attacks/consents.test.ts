import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ScriptedBrowser } from '../../support/scripted-browser.js';
import { DocumentHost } from '../documents-fixture.js';
import { type Fixture, authorizationUrl, newVerifier, startFixture } from '../fixture.js';

const REDIRECT = 'https://app.example/cb';

let fixture: Fixture;
let host: DocumentHost;
beforeAll(async () => {
  fixture = await startFixture({
    options: {
      registration: { documents: { fetch: (input, init) => host.fetch(input, init) } },
    },
  });
});
beforeEach(() => {
  host = new DocumentHost();
});
afterAll(() => fixture.close());

let count = 0;
/** A web client that a person has allowed, in a browser that is not asked about it again. */
async function allowed() {
  count += 1;
  const clientId = `https://app${count}.example/client`;
  const document = { client_name: 'Course Helper', redirect_uris: [REDIRECT] };
  host.publish(clientId, document, { 'cache-control': 'max-age=60' });
  const browser = new ScriptedBrowser();
  const open = (changes: Record<string, string> = {}) =>
    browser.open(
      authorizationUrl(fixture, { clientId, redirectUri: REDIRECT }, newVerifier(), changes),
    );
  await browser.submit(await open(), { person: 'ada' });
  const isAsked = async (changes: Record<string, string> = {}) =>
    new URL((await open(changes)).url).searchParams.get('code') === null;
  expect(await isAsked()).toBe(false);
  return { clientId, document, browser, isAsked };
}

describe('a remembered consent (confused deputy)', () => {
  test.each([
    ['its name', { client_name: 'Your bank' }],
    ['where answers go', { redirect_uris: [REDIRECT, 'https://evil.example/cb'] }],
  ])('ends when a client changes %s', async (_name, changes) => {
    const { clientId, document, isAsked } = await allowed();
    host.publish(clientId, { ...document, ...changes });
    fixture.clock.advanceSeconds(120);
    expect(await isAsked()).toBe(true);
  });

  test('goes on when nothing changes that matters', async () => {
    const { clientId, document, isAsked } = await allowed();
    host.publish(clientId, { ...document, software_version: '2' });
    fixture.clock.advanceSeconds(120);
    expect(await isAsked()).toBe(false);
  });

  test('is for the scopes that were allowed, and for no more', async () => {
    const { isAsked } = await allowed();
    expect(await isAsked({ scope: 'catalog:read' })).toBe(false);
    expect(await isAsked({ scope: 'catalog:read enrollment:write' })).toBe(true);
  });

  test('is no cookie: another browser of the same person is asked who it is', async () => {
    const { clientId } = await allowed();
    const client = { clientId, redirectUri: REDIRECT };
    const page = await new ScriptedBrowser().open(authorizationUrl(fixture, client, newVerifier()));
    expect(page.status).toBe(200);
    expect(page.body).toContain('name="person"');
  });

  test('does not let a client send the answer anywhere else', async () => {
    const { clientId, browser } = await allowed();
    const client = { clientId, redirectUri: 'https://evil.example/cb' };
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    expect(page.status).toBe(400);
    expect(page.headers.get('location')).toBeNull();
  });
});
