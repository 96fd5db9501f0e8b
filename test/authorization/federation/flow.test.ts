import { afterEach, describe, expect, it } from 'vitest';
import { ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import { authorizationUrl, newVerifier, redeem, registerClient } from '../fixture.js';
import {
  type Federated,
  PROVIDER_ID,
  approve,
  newBrowser,
  signInAtProvider,
} from './support/federated.js';
import { startPlain } from './support/plain.js';

let federated: Federated | undefined;
afterEach(async () => {
  await federated?.close();
  federated = undefined;
});

async function start(...options: Parameters<typeof startPlain>): Promise<Federated> {
  federated = await startPlain(...options);
  return federated;
}

function flowRows({ fixture }: Federated): number {
  const [row] = fixture.database.all<{ n: number }>(
    "SELECT count(*) AS n FROM as_artifact WHERE model = 'UpstreamFlow'",
  );
  return row?.n ?? 0;
}

describe('consent before the identity provider', () => {
  it('makes no state and asks the provider nothing before the person has allowed it', async () => {
    const running = await start();
    const client = await registerClient(running.fixture, { client_name: 'Course Helper' });
    const page = await newBrowser().open(authorizationUrl(running.fixture, client, newVerifier()));
    expect(page.status).toBe(200);
    for (const text of ['Course Helper (name not verified)', client.clientId, '127.0.0.1:9696']) {
      expect(page.body).toContain(text);
    }
    expect(readForm(page).buttons.map(({ name, text }) => `${name}: ${text}`)).toEqual([
      'provider: Allow and continue with OpenID Connect',
      'decision: Deny',
    ]);
    expect(flowRows(running)).toBe(0);
    expect(running.net.log).toEqual([]);
    await approve(running, newBrowser());
    expect(flowRows(running)).toBe(1);
  });

  it('shows the page again to another client, although the provider knows the person', async () => {
    const running = await start();
    const browser = newBrowser();
    await signInAtProvider(running, browser);
    const other = await registerClient(running.fixture, { client_name: 'Somebody else' });
    const page = await browser.open(authorizationUrl(running.fixture, other, newVerifier()));
    expect(page.status).toBe(200);
    expect(page.body).toContain('Somebody else');
    expect(readForm(page).buttons[0]?.text).toBe('Allow as Ines Duarte');
  });

  it('goes on without the provider for a person who is signed in', async () => {
    const running = await start();
    const browser = newBrowser();
    await signInAtProvider(running, browser);
    const client = await registerClient(running.fixture);
    const page = await browser.open(authorizationUrl(running.fixture, client, newVerifier()));
    const before = running.net.log.length;
    const last = await browser.submit(page, { ...readForm(page).fields, continue: 'yes' });
    expect(new URL(last.url).searchParams.get('code')).not.toBeNull();
    expect(running.net.log.length).toBe(before);
  });

  it.each([
    ['prompt=login', { prompt: 'login' }],
    ['max_age=0', { max_age: '0', scope: 'openid catalog:read' }],
  ])(
    'makes a signed-in person prove who they are at the provider with %s',
    async (_name, changes) => {
      const running = await start();
      const browser = newBrowser();
      await signInAtProvider(running, browser);
      const client = await registerClient(running.fixture);
      const url = authorizationUrl(running.fixture, client, newVerifier(), changes);
      const page = await browser.open(url);
      expect(page.body).not.toContain('Allow as');
      const forced = await browser.submit(page, { ...readForm(page).fields, continue: 'yes' });
      expect(forced.status).toBe(403);
      const sent = await browser.submit(page, { ...readForm(page).fields, provider: PROVIDER_ID });
      expect(new URL(sent.url).searchParams.get('prompt')).toBe('login');
    },
  );

  it('tells the client that the person said no, without the provider', async () => {
    const running = await start();
    const client = await registerClient(running.fixture);
    const browser = newBrowser();
    const page = await browser.open(authorizationUrl(running.fixture, client, newVerifier()));
    const last = await browser.submit(page, { ...readForm(page).fields, decision: 'deny' });
    expect(new URL(last.url).searchParams.get('error')).toBe('access_denied');
    expect(running.net.log).toEqual([]);
  });
});

describe('the way back from the provider', () => {
  it('is for the browser that began it alone (login CSRF)', async () => {
    const running = await start();
    const victim = newBrowser();
    const { atProvider } = await approve(running, newBrowser());
    const callback = await running.upstream.visit(atProvider);
    const page = await victim.open(callback);
    expect(page.status).toBe(400);
    expect(page.body).toContain('started in another browser');
  });

  it('does not accept the state of another sign-in of the same browser', async () => {
    const running = await start();
    const browser = newBrowser();
    const first = await approve(running, browser);
    const second = await approve(running, browser);
    const [one, two] = [first, second].map(({ atProvider }) => new URL(atProvider));
    const callback = new URL(await running.upstream.visit(second.atProvider));
    const uid = (url: string): string => new URL(url).pathname;
    // The answer of the second, at the address of the first.
    const hop = new URL(`${uid(first.page.url)}/idp${callback.search}`, running.fixture.issuer);
    const page = await browser.open(hop.href);
    expect(one?.searchParams.get('state')).not.toBe(two?.searchParams.get('state'));
    expect(page.status).toBe(400);
    expect(page.body).toContain('belongs to another browser');
  });

  it('works once', async () => {
    const running = await start();
    const browser = newBrowser();
    const { atProvider } = await approve(running, browser);
    const callback = await running.upstream.visit(atProvider);
    expect(new URL((await browser.open(callback)).url).searchParams.get('code')).not.toBeNull();
    const again = await browser.open(callback);
    expect(again.status).toBe(400);
  });

  it.each([
    ['an unknown state', '?code=x&state=unknown'],
    ['no state', '?code=x'],
    ['two states', '?code=x&state=a&state=b'],
  ])('answers a page for %s', async (_name, search) => {
    const running = await start();
    const page = await newBrowser().open(`${running.fixture.issuer}/idp/callback${search}`);
    expect(page.status).toBe(400);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.body).not.toContain('unknown');
  });

  it('refuses an answer of another issuer (mix-up, RFC 9207)', async () => {
    const running = await start();
    const browser = newBrowser();
    const { atProvider } = await approve(running, browser);
    const callback = new URL(await running.upstream.visit(atProvider));
    callback.searchParams.set('iss', 'https://evil.example');
    const page = await browser.open(callback.href);
    expect(page.status).toBe(503);
    expect(running.net.log.some((line) => line.startsWith('POST'))).toBe(false);
  });

  it('goes back to the page when the person turns back at the provider', async () => {
    const running = await start();
    running.upstream.isCancelling = true;
    const browser = newBrowser();
    const { last } = await signInAtProvider(running, browser);
    expect(last.status).toBe(200);
    expect(last.body).toContain('was not completed. Nothing has been allowed.');
    running.upstream.isCancelling = false;
    const sent = await browser.submit(last, { ...readForm(last).fields, provider: PROVIDER_ID });
    const done = await browser.open(await running.upstream.visit(sent.url));
    expect(new URL(done.url).searchParams.get('code')).not.toBeNull();
  });

  it('shows what is wrong when the provider cannot be reached, and keeps the sign-in', async () => {
    const running = await start();
    running.net.add('id.example.com', async () => new Response('down', { status: 502 }));
    const browser = newBrowser();
    const client = await registerClient(running.fixture);
    const page = await browser.open(authorizationUrl(running.fixture, client, newVerifier()));
    const answer = await browser.submit(page, { ...readForm(page).fields, provider: PROVIDER_ID });
    expect(answer.status).toBe(503);
    expect(answer.body).toContain('cannot be reached at the moment');
    expect(answer.body).toContain('role="alert"');
  });

  it('never puts anything of the provider into a Referer or the database in the clear', async () => {
    const running = await start({ keepTokens: true });
    const browser = newBrowser();
    const { atProvider } = await approve(running, browser);
    const callback = await running.upstream.visit(atProvider);
    const hop = await browser.request(callback);
    expect(hop.status).toBe(303);
    expect(hop.headers.get('referrer-policy')).toBe('no-referrer');
    expect(hop.headers.get('cache-control')).toBe('no-store');
    await browser.open(callback);
    const { database } = running.fixture;
    const dump = ['as_artifact', 'as_upstream_token', 'as_identity', 'as_user']
      .map((table) => JSON.stringify(database.all(`SELECT * FROM ${table}`)))
      .join('\n');
    const state = new URL(atProvider).searchParams.get('state') ?? '';
    const code = new URL(callback).searchParams.get('code') ?? '';
    for (const secret of [state, code, 'our-secret', ...browser.cookieValues()]) {
      expect(dump).not.toContain(secret);
    }
    expect(dump).not.toMatch(/eyJ[A-Za-z0-9_-]+\.eyJ/);
  });
});

describe('an issuer with a path', () => {
  it('takes people to the provider and back', async () => {
    const running = await start({}, { path: '/tenants/t1' });
    const browser = new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
    const { code, login } = await signInAtProvider(running, browser);
    expect((await redeem(running.fixture, { ...login, code: code ?? '' })).status).toBe(200);
  });
});
