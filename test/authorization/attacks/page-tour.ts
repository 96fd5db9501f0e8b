import { hashPassword } from '../../../src/authorization/index.js';
import { type BrowserResponse, ScriptedBrowser } from '../../support/scripted-browser.js';
import { DEVICE_GRANT, startDevice } from '../device-fixture.js';
import { DocumentHost } from '../documents-fixture.js';
import { EmulatedNet } from '../federation/support/emulated-net.js';
import { EmulatedOpenId } from '../federation/support/emulated-openid.js';
import {
  type Fixture,
  type TestClient,
  authorizationUrl,
  newVerifier,
  registerClient,
  startFixture,
} from '../fixture.js';

const PASSWORD = 'correct horse battery staple';

/** A server with every way to sign in, whose clients, people and providers say `text` wherever they can. */
export interface TouredServer {
  readonly fixture: Fixture;
  readonly documents: DocumentHost;
  readonly upstream: EmulatedOpenId;
  readonly stranger: EmulatedOpenId;
  close(): Promise<void>;
}

export async function startToured(text: string): Promise<TouredServer> {
  const net = new EmulatedNet();
  const documents = new DocumentHost();
  const upstreamAt = (issuer: string, email: string) =>
    EmulatedOpenId.start(
      issuer,
      {
        refreshToken: () => false,
        authMethod: 'client_secret_basic',
        userInfoClaims: { name: text, email, email_verified: true },
      },
      net,
    );
  const upstream = await upstreamAt('https://id.example.com', 'ines@north.example');
  const stranger = await upstreamAt('https://else.example.com', `${text}@east.example`);
  const allow = [{ domain: 'north.example', tenant: 'north' }];
  const providers = [upstream, stranger].map(({ issuer, clientId, clientSecret }, index) => ({
    id: index === 0 ? 'friends' : 'strangers',
    profile: 'openid' as const,
    issuer,
    clientId,
    clientSecret,
    allow,
  }));
  const fixture = await startFixture({
    options: {
      signIn: {
        kind: 'any-of',
        methods: [
          { kind: 'demo' },
          { kind: 'local-users' },
          { kind: 'identity-providers', fetch: net.fetch, providers },
        ],
      },
      registration: { documents: { fetch: documents.fetch } },
    },
  });
  const anna = { id: 'anna', displayName: text, tenant: text, scopes: ['catalog:read'] };
  await fixture.stores.passwords.create(
    { ...anna, isDisabled: false },
    {
      userName: 'anna',
      userId: 'anna',
      passwordHash: await hashPassword(PASSWORD),
      changedAt: 1,
    },
  );
  return {
    fixture,
    documents,
    upstream,
    stranger,
    async close() {
      await fixture.close();
      await upstream.close();
      await stranger.close();
    },
  };
}

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
}

/** The client that says `text` in every member of its metadata that may hold any. */
function registerTalker(fixture: Fixture, text: string): Promise<TestClient> {
  const uri = `https://evil.example/${text}`;
  return registerClient(fixture, {
    client_name: text,
    client_uri: uri,
    logo_uri: uri,
    policy_uri: uri,
    tos_uri: uri,
    contacts: [text],
    scope: text,
    software_version: text,
    grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
  });
}

/** Every page there is, as somebody sees it who is sent `text` in every field. */
export async function tourPages(
  { fixture, documents, upstream, stranger }: TouredServer,
  text: string,
): Promise<ReadonlyMap<string, BrowserResponse>> {
  const { issuer } = fixture;
  const pages = new Map<string, BrowserResponse>();
  const keep = (name: string, page: BrowserResponse): BrowserResponse => {
    pages.set(name, page);
    return page;
  };
  const client = await registerTalker(fixture, text);
  const said = { state: text, nonce: text, login_hint: text, ui_locales: text, acr_values: text };
  // One with a quote in it is refused before there is a page (RFC 6749 §3.3).
  const scopeText = text.replaceAll('"', '').trim();
  const urlFor = (changes: Record<string, string> = {}, as = client) =>
    authorizationUrl(fixture, as, newVerifier(), {
      ...said,
      scope: `openid catalog:read ${scopeText}`,
      ...changes,
    });

  const browser = newBrowser();
  const consent = keep('consent', await browser.open(urlFor()));
  keep(
    'consent after a wrong password',
    await browser.submit(consent, { user_name: text, password: text }),
  );
  keep('consent with a bad token', await browser.submit(consent, { csrf: text }));
  keep('consent for nobody', await browser.submit(consent, { person: text }));
  keep('consent at no provider', await browser.submit(consent, { provider: text }));
  keep('consent of another browser', await newBrowser().open(consent.url));

  const atProvider = await browser.submit(consent, { provider: 'friends' });
  const turned = new URL(await upstream.visit(atProvider.url));
  turned.searchParams.delete('code');
  turned.searchParams.set('error', text);
  turned.searchParams.set('error_description', text);
  keep('an error of the provider', await browser.open(turned.href));
  const denied = newBrowser();
  const asked = await denied.submit(await denied.open(urlFor()), { provider: 'strangers' });
  keep('denied', await denied.open(await stranger.visit(asked.url)));
  const search = new URLSearchParams({ state: text, error: text, error_description: text });
  keep('an unknown state', await browser.open(`${issuer}/idp/callback?${search.toString()}`));

  const error = newBrowser();
  for (const [name, changes] of [
    ['redirect URI', { redirect_uri: `https://evil.example/${text}` }],
    ['client', { client_id: text }],
    ['document', { client_id: `https://evil.example/${encodeURIComponent(text)}` }],
  ] as const) {
    keep(`an error for a bad ${name}`, await error.open(urlFor(changes)));
  }
  const clientId = documents.publish('https://talker.example/client', { client_name: text });
  const talker = { clientId, redirectUri: 'http://127.0.0.1:9696/callback' };
  keep('consent of a document', await newBrowser().open(urlFor({}, talker)));

  await browser.submit(await browser.open(urlFor()), { provider: 'friends' });
  const federated = newBrowser();
  const sent = await federated.submit(await federated.open(urlFor()), { provider: 'friends' });
  await federated.open(await upstream.visit(sent.url));
  keep('consent as a person of the provider', await federated.open(urlFor()));

  const local = newBrowser();
  const signIn = keep('account sign-in', await local.open(`${issuer}/account`));
  keep(
    'account after a wrong password',
    await local.submit(signIn, { user_name: text, password: text }),
  );
  await local.submit(await local.open(urlFor()), { user_name: 'anna', password: PASSWORD });
  const account = keep(
    'account',
    await local.submit(signIn, { user_name: 'anna', password: PASSWORD }),
  );
  keep('account with no such app', await local.submit(account, { revoke: text }));
  keep('account without an app', await local.submit(account, { revoke: client.clientId }));
  keep('signed out', await local.submit(account, { decision: 'sign-out' }));
  const path = encodeURIComponent(text);
  keep('no page of the account', await local.open(`${issuer}/account/${path}`));
  keep('no page of the engine', await local.open(`${issuer}/authorize/${path}`));
  keep('no interaction', await local.open(`${issuer}/interaction/${path}`));

  const device = newBrowser();
  const query = new URLSearchParams({ user_code: text });
  keep('device', await device.open(`${issuer}/device?${query.toString()}`));
  const { link } = await startDevice(fixture, client, { scope: `catalog:read ${scopeText}` });
  const filled = keep('device with a code', await device.open(link));
  keep('device with a wrong code', await device.submit(filled, { user_code: text }));
  const confirm = keep('device to confirm', await device.submit(await device.open(link), {}));
  const allow = keep('device consent', await device.submit(confirm, { confirm: 'yes' }));
  keep('device done', await device.submit(allow, { person: 'ada' }));
  const stopped = await startDevice(fixture, client);
  const again = await device.submit(await device.open(stopped.link), {});
  keep('device stopped', await device.submit(again, { abort: 'yes' }));
  return pages;
}
