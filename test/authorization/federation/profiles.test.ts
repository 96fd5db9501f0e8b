import { afterEach, describe, expect, it } from 'vitest';
import { readForm } from '../../support/scripted-browser.js';
import { readToken, redeem, refresh } from '../fixture.js';
import {
  type Federated,
  newBrowser,
  approve,
  signInAtProvider,
  startFederated,
} from './support/federated.js';
import type { ProfileCase } from './support/profile-case.js';
import { PROFILE_CASES } from './support/profiles.js';

let federated: Federated | undefined;
afterEach(async () => {
  await federated?.close();
  federated = undefined;
});

async function start(
  { start: upstream, provider, profile, allow }: ProfileCase,
  keepTokens: boolean,
): Promise<Federated> {
  federated = await startFederated(upstream, { ...provider, profile, allow: [allow], keepTokens });
  return federated;
}

const cases = PROFILE_CASES.map((entry) => ({
  name: `${entry.profile} (${entry.identity[0]})`,
  entry,
}));

describe.each(cases)('an emulated $name', ({ entry }) => {
  it('signs a person in, keyed by the configured issuer and the subject', async () => {
    const { fixture, ...rest } = await start(entry, false);
    const { login, code } = await signInAtProvider({ fixture, ...rest });
    if (code === null) throw new Error('no code');
    const answer = await redeem(fixture, { ...login, code });
    expect(answer.status).toBe(200);
    const { payload } = await readToken(fixture, String(answer.json['access_token']));
    expect(payload).toMatchObject({ tenant: 'north' });
    const [issuer, subject] = entry.identity;
    const identity = await fixture.stores.identities.find({ issuer, subject });
    expect(identity?.userId).toBe(payload.sub);
    expect(await fixture.stores.users.find(String(payload.sub))).toMatchObject({
      displayName: entry.displayName,
    });
    expect(await fixture.stores.upstreamTokens.find(String(payload.sub), issuer)).toBeUndefined();
  });

  it('is asked for what it wants to hear, PKCE included, and for nothing it refuses', async () => {
    const running = await start(entry, true);
    const { atProvider } = await approve(running, newBrowser());
    const sent = new URL(atProvider).searchParams;
    expect(Object.fromEntries(sent)).toMatchObject({
      client_id: 'our-client',
      redirect_uri: `${running.fixture.issuer}/idp/callback`,
      response_type: 'code',
      code_challenge_method: 'S256',
      ...entry.sends,
    });
    expect(entry.omits.filter((name) => sent.has(name))).toEqual([]);
  });

  it('has its tokens refreshed after they expire, and ends the sign-in when it refuses to', async () => {
    const { fixture, upstream, ...rest } = await start(entry, true);
    const { login, code } = await signInAtProvider({ fixture, upstream, ...rest });
    const first = await redeem(fixture, { ...login, code: code ?? '' });
    const userId = String(
      (await readToken(fixture, String(first.json['access_token']))).payload.sub,
    );
    const [issuer] = entry.identity;
    const kept = await fixture.stores.upstreamTokens.find(userId, issuer);
    expect(kept?.version).toBe(1);

    const lifetime = entry.lifetime ?? 0;
    fixture.clock.advanceSeconds(lifetime + 1);
    const second = await refresh(fixture, login.client, String(first.json['refresh_token']));
    expect(second.status).toBe(200);
    expect(upstream.refreshes).toBe(1);
    const renewed = await fixture.stores.upstreamTokens.find(userId, issuer);
    expect(renewed?.version).toBe(2);
    expect(renewed?.tokens).not.toBe(kept?.tokens);

    upstream.isRevoked = true;
    fixture.clock.advanceSeconds(lifetime + 1);
    const third = await refresh(fixture, login.client, String(second.json['refresh_token']));
    expect(third).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const fourth = await refresh(fixture, login.client, String(second.json['refresh_token']));
    expect(fourth.status).toBe(400);
    // It was asked once: a refusal is remembered.
    expect(upstream.refreshes).toBe(2);
  });

  it('is left by its own way out, and is given its tokens back', async () => {
    const running = await start(entry, true);
    const { fixture, upstream, net } = running;
    const browser = newBrowser();
    const page = await browser.open(`${fixture.issuer}/account`);
    const sent = await browser.submit(page, { ...readForm(page).fields, provider: 'upstream' });
    const account = await browser.open(await upstream.visit(sent.url));
    expect(account.status).toBe(200);
    expect(account.body).toContain(`Signed in as ${entry.displayName}`);

    const out = await browser.submit(account, {
      ...readForm(account).fields,
      decision: 'sign-out',
    });
    expect(out.status).toBe(200);
    expect(out.body).toContain('You are signed out');
    const [, link] = /<a href="(https:[^"]+)"/.exec(out.body) ?? [];
    const target = link === undefined ? undefined : new URL(link.replaceAll('&amp;', '&'));
    expect(target === undefined ? undefined : `${target.origin}${target.pathname}`).toBe(
      entry.logout,
    );
    if (target !== undefined) {
      const params = [...target.searchParams.keys()].toSorted();
      expect(params).toEqual([...(entry.logoutSends ?? [])].toSorted());
      const back = `${fixture.issuer}/account/signed-out`;
      expect([...target.searchParams.values()]).toContain(back);
      if (entry.redirectsFromLogout === true) {
        const left = await net.fetch(target.href);
        expect(left.headers.get('location')).toBe(back);
      } else if (target.pathname.endsWith('/session/end')) {
        // The engine behind the emulation checks the client, the return address and the hint.
        expect((await net.fetch(target.href)).status).toBe(200);
      }
    }
    if (entry.revokes) {
      const wasRevoked =
        upstream.revoked.length > 0 || net.log.some((line) => line.includes('revoke'));
      expect(wasRevoked).toBe(true);
    }
    expect((await browser.open(`${fixture.issuer}/account`)).body).not.toContain('Signed in as');
  });
});
