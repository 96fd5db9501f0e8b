import { afterEach, describe, expect, it } from 'vitest';
import type { AuthorizationEvent } from '../../../src/authorization/index.js';
import { readForm } from '../../support/scripted-browser.js';
import { authorizationUrl, newVerifier, readToken, redeem, refresh } from '../fixture.js';
import { EmulatedOpenId } from './support/emulated-openid.js';
import { type Federated, PROVIDER_ID, newBrowser, signInAtProvider } from './support/federated.js';
import { ISSUER, startPlain } from './support/plain.js';

let federated: Federated | undefined;
afterEach(async () => {
  await federated?.close();
  federated = undefined;
});

async function start(...options: Parameters<typeof startPlain>): Promise<Federated> {
  federated = await startPlain(...options);
  return federated;
}

describe('who may come in', () => {
  it('shows a page that says no and whom to ask, and lets the person try another account', async () => {
    const events: AuthorizationEvent[] = [];
    const running = await start(
      { allow: [{ domain: 'south.example', tenant: 'south' }], contact: 'it@south.example' },
      { events },
    );
    const browser = newBrowser();
    const { last } = await signInAtProvider(running, browser);
    expect(last.status).toBe(403);
    expect(last.body).toContain('OpenID Connect says that you are Ines Duarte');
    expect(last.body).toContain('Ask it@south.example to give you access.');
    expect(
      await running.fixture.stores.identities.find({ issuer: ISSUER, subject: 'person-1' }),
    ).toBeUndefined();
    const { fields } = readForm(last);
    const sent = await browser.submit(last, { ...fields, provider: PROVIDER_ID });
    expect(new URL(sent.url).searchParams.get('prompt')).toBe('select_account');
    const back = await browser.submit(last, { ...fields, decision: 'deny' });
    expect(new URL(back.url).searchParams.get('error')).toBe('access_denied');
    expect(events.map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
      'sign-in-refused denied',
    ]);
  });

  it('lets everybody in without rules on loopback, as the default tenant', async () => {
    const running = await start({ allow: undefined });
    const { code, login } = await signInAtProvider(running);
    const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
    const { payload } = await readToken(running.fixture, String(answer.json['access_token']));
    expect(payload).toMatchObject({ tenant: 'default' });
  });

  it('gives only the scopes of the rule', async () => {
    const running = await start({
      allow: [{ everyone: true, tenant: 'north', scopes: ['catalog:read'] }],
    });
    const { code, login } = await signInAtProvider(running);
    const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
    const { payload } = await readToken(running.fixture, String(answer.json['access_token']));
    expect(payload).toMatchObject({ tenant: 'north', scope: 'catalog:read' });
  });

  it('takes the scopes away from a person whom no rule lets in any more', async () => {
    const allow = [
      { group: 'staff', tenant: 'north' },
      { everyone: true, tenant: 'north' },
    ] as const;
    const rules: { group?: string; everyone?: true; tenant: string }[] = [...allow];
    const running = await start({ allow: rules });
    const { code, login } = await signInAtProvider(running);
    const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
    rules.pop();
    expect((await signInAtProvider(running)).last.status).toBe(403);
    const renewed = await refresh(
      running.fixture,
      login.client,
      String(answer.json['refresh_token']),
    );
    const { payload } = await readToken(running.fixture, String(renewed.json['access_token']));
    expect(payload['scope'] ?? '').toBe('');
  });

  it('keeps a disabled person out, whatever the rules say', async () => {
    const running = await start();
    await signInAtProvider(running);
    const { users, identities } = running.fixture.stores;
    const known = await identities.find({ issuer: ISSUER, subject: 'person-1' });
    const user = await users.find(known?.userId ?? '');
    if (user === undefined) throw new Error('no user');
    await users.upsert({ ...user, isDisabled: true });
    const { last } = await signInAtProvider(running);
    expect(last.status).toBe(403);
    expect(last.body).toContain('is switched off on this server');
  });

  it('ends refreshes of people whose provider is not configured any more', async () => {
    const running = await start();
    const { code, login } = await signInAtProvider(running);
    const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
    const known = await running.fixture.stores.identities.find({
      issuer: ISSUER,
      subject: 'person-1',
    });
    running.fixture.database.run('UPDATE as_identity SET issuer = ?', 'https://gone.example');
    expect(known).toBeDefined();
    const renewed = await refresh(
      running.fixture,
      login.client,
      String(answer.json['refresh_token']),
    );
    expect(renewed).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('records who came in and how, for the audit log', async () => {
    const events: AuthorizationEvent[] = [];
    const running = await start({}, { events });
    await signInAtProvider(running);
    expect(events).toEqual([
      expect.objectContaining({
        kind: 'sign-in',
        outcome: 'ok',
        method: PROVIDER_ID,
        tenant: 'north',
      }),
    ]);
  });
});

describe('kept tokens', () => {
  it('are refreshed once when many ask at the same time', async () => {
    const running = await start({ keepTokens: true });
    const logins = [];
    for (let n = 0; n < 4; n++) {
      const { code, login } = await signInAtProvider(running);
      const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
      logins.push({ client: login.client, token: String(answer.json['refresh_token']) });
    }
    running.fixture.clock.advanceSeconds(3601);
    const answers = await Promise.all(
      logins.map(({ client, token }) => refresh(running.fixture, client, token)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(running.upstream.refreshes).toBe(1);
  });

  it('do not sign anybody out while the provider is down', async () => {
    const running = await start({ keepTokens: true });
    const { code, login } = await signInAtProvider(running);
    const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
    running.net.add('id.example.com', async () => new Response('down', { status: 502 }));
    running.fixture.clock.advanceSeconds(3601);
    const renewed = await refresh(
      running.fixture,
      login.client,
      String(answer.json['refresh_token']),
    );
    expect(renewed.status).toBe(200);
  });
});

describe('a logout message of the provider (OpenID Connect Back-Channel Logout)', () => {
  async function send(running: Federated, token: string): Promise<number> {
    const response = await fetch(`${running.fixture.issuer}/idp/logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
    return response.status;
  }

  async function signedIn(running: Federated) {
    const browser = newBrowser();
    const { code, login } = await signInAtProvider(running, browser);
    const answer = await redeem(running.fixture, { ...login, code: code ?? '' });
    return { browser, client: login.client, refreshToken: String(answer.json['refresh_token']) };
  }

  function tokenOf(running: Federated, changes: Record<string, unknown> = {}): Promise<string> {
    if (!(running.upstream instanceof EmulatedOpenId)) throw new Error('not OpenID');
    return running.upstream.logoutToken('person-1', changes);
  }

  it('ends the browser sessions of the person, and leaves connected apps', async () => {
    const running = await start();
    const { browser, client, refreshToken } = await signedIn(running);
    const token = await tokenOf(running);
    expect(await send(running, token)).toBe(200);
    const page = await browser.open(authorizationUrl(running.fixture, client, newVerifier()));
    expect(page.body).not.toContain('Allow as');
    expect((await refresh(running.fixture, client, refreshToken)).status).toBe(200);
    expect(await send(running, token)).toBe(400);
  });

  it('ends the connected apps as well where that is configured', async () => {
    const running = await start({ logoutEnds: 'everything' });
    const { client, refreshToken } = await signedIn(running);
    expect(await send(running, await tokenOf(running))).toBe(200);
    expect((await refresh(running.fixture, client, refreshToken)).status).toBe(400);
  });

  it.each([
    ['another audience', { aud: 'somebody-else' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['a nonce, as an ID token has it', { nonce: 'x' }],
    ['no events', { events: undefined }],
    ['no jti', { jti: undefined }],
  ])('is refused with %s', async (_name, changes) => {
    const running = await start();
    await signedIn(running);
    expect(await send(running, await tokenOf(running, changes))).toBe(400);
  });
});
