import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowDevice, poll, startDevice } from '../authorization/device-fixture.js';
import {
  type Login,
  type Served,
  type Tokens,
  authorizationUrl,
  getCode,
  logIn,
  newVerifier,
  post,
  redeem,
  refresh,
  registerClient,
} from '../authorization/fixture.js';
import { modernCall } from '../support/catalog-server.js';
import { ScriptedBrowser, readForm } from '../support/scripted-browser.js';
import {
  type AuthorizationFleet,
  CLIENT_SECRET,
  LOCAL_USER,
  TOKEN_EXCHANGE,
  startAuthorizationFleet,
} from './support/authorization-fleet.js';
import type { Member } from './support/fleet.js';

const SCOPE = { scope: 'catalog:read' };
const person = 'Sam';
const basic = (clientId: string) => ({
  authorization: `Basic ${Buffer.from(`${clientId}:${CLIENT_SECRET}`).toString('base64')}`,
});

let running: AuthorizationFleet;
let served: Served;
beforeAll(async () => {
  running = await startAuthorizationFleet();
  ({ served } = running);
});
afterAll(() => running.stop());

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: ({ port }) => port === '9696' });
}

/** What the MCP server says to a token. */
async function statusWith(accessToken: string): Promise<number> {
  const params = { name: 'search_courses', arguments: { query: 'math' } };
  const headers = { authorization: `Bearer ${accessToken}` };
  const answer = await modernCall(served.resource, 'tools/call', params, headers);
  await answer.text();
  return answer.status;
}

/** A sign-in whose form is filled in otherwise than with a person of the demo. */
async function getCodeWith(values: Readonly<Record<string, string>>): Promise<Login> {
  const client = await registerClient(served);
  const verifier = newVerifier();
  const browser = newBrowser();
  const page = await browser.open(authorizationUrl(served, client, verifier, SCOPE));
  const last = await browser.submit(page, { ...readForm(page).fields, ...values });
  const code = new URL(last.url).searchParams.get('code');
  if (code === null) throw new Error(`${last.url}: ${last.body}`);
  return { client, code, verifier };
}

async function tokensOf(login: Login): Promise<Tokens> {
  const { status, json } = await redeem(served, login);
  expect(status).toBe(200);
  return {
    client: login.client,
    accessToken: String(json['access_token']),
    refreshToken: String(json['refresh_token']),
  };
}

async function isActive({ client, accessToken }: Tokens): Promise<unknown> {
  const form = { token: accessToken, client_id: client.clientId };
  return (await post(`${served.issuer}/introspect`, form)).json['active'];
}

// Each step of a flow goes to another process than the one before; an odd number of extra requests turns it around.
describe.each(['first', 'second'])('two processes on PostgreSQL, %s time round', () => {
  beforeAll(async () => {
    await fetch(`${served.issuer}/healthz`);
  });

  it('sign a person in, serve them, and rotate refresh tokens', async () => {
    const tokens = await logIn(served, { person, changes: SCOPE });
    expect(await statusWith(tokens.accessToken)).toBe(200);
    let { refreshToken } = tokens;
    for (let turn = 0; turn < 3; turn++) {
      const { status, json } = await refresh(served, tokens.client, refreshToken);
      expect(status).toBe(200);
      expect(await statusWith(String(json['access_token']))).toBe(200);
      refreshToken = String(json['refresh_token']);
    }
  });

  it('repeat the answer to a spent refresh token, and end its family when the successor was used', async () => {
    const { client, refreshToken } = await logIn(served, { person, changes: SCOPE });
    const first = await refresh(served, client, refreshToken);
    for (let turn = 0; turn < 2; turn++) {
      expect((await refresh(served, client, refreshToken)).text).toBe(first.text);
    }
    const next = await refresh(served, client, String(first.json['refresh_token']));
    expect(next.status).toBe(200);
    expect((await refresh(served, client, refreshToken)).status).toBe(400);
    expect((await refresh(served, client, String(next.json['refresh_token']))).status).toBe(400);
  });

  it('sign in with a password', async () => {
    const { userName, password } = LOCAL_USER;
    const tokens = await tokensOf(await getCodeWith({ user_name: userName, password }));
    expect(await statusWith(tokens.accessToken)).toBe(200);
  });

  it('sign in at an identity provider, and exchange the token for the one of the provider', async () => {
    const tokens = await tokensOf(await getCodeWith({ provider: 'university' }));
    const exchanged = await post(
      `${served.issuer}/token`,
      {
        grant_type: TOKEN_EXCHANGE,
        subject_token: tokens.accessToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'university',
      },
      basic('resource-server'),
    );
    expect(exchanged.json).toMatchObject({ token_type: 'Bearer' });
    expect(exchanged.json['access_token']).not.toBe(tokens.accessToken);
  });

  it('sign a device in', async () => {
    const device = await startDevice(served, undefined, SCOPE);
    expect((await poll(served, device)).json['error']).toBe('authorization_pending');
    expect((await allowDevice(device, await idOfPerson())).status).toBe(200);
    const { status, json } = await poll(served, device);
    expect(status).toBe(200);
    expect(await statusWith(String(json['access_token']))).toBe(200);
  });

  it('give a machine a token', async () => {
    const form = { grant_type: 'client_credentials', resource: served.resource };
    const { status, json } = await post(`${served.issuer}/token`, form, basic('nightly-import'));
    expect(status).toBe(200);
    expect(await statusWith(String(json['access_token']))).toBe(200);
  });

  it('revoke for each other, within 5 s on every process', async () => {
    const tokens = await logIn(served, { person, changes: SCOPE });
    const other = await logIn(served, { person, changes: SCOPE });
    const form = { token: tokens.refreshToken, client_id: tokens.client.clientId };
    expect((await post(`${served.issuer}/revoke`, form)).status).toBe(200);
    for (let turn = 0; turn < 2; turn++) {
      expect(await isActive(tokens)).toBe(false);
      expect((await refresh(served, tokens.client, tokens.refreshToken)).status).toBe(400);
    }
    const both = async () => [
      await statusWith(tokens.accessToken),
      await statusWith(tokens.accessToken),
    ];
    await expect.poll(both, { timeout: 5000 }).toEqual([401, 401]);
    expect(await isActive(other)).toBe(true);
  });

  it('list the connected apps of a person and disconnect one', async () => {
    const client = await registerClient(served, {
      client_name: `App ${newVerifier().slice(0, 8)}`,
    });
    const tokens = await logIn(served, { client, person, changes: SCOPE });
    const browser = newBrowser();
    const signIn = await browser.open(`${served.issuer}/account`);
    const account = await browser.submit(signIn, { person: await idOfPerson() });
    expect(account.body).toContain(client.clientId);
    const done = await browser.submit(account, { revoke: client.clientId });
    expect(done.body).toContain('is disconnected');
    for (let turn = 0; turn < 2; turn++) {
      expect((await refresh(served, client, tokens.refreshToken)).status).toBe(400);
      expect((await browser.open(`${served.issuer}/account`)).body).not.toContain(client.clientId);
    }
  });

  it('let one of ten redemptions of a code win', async () => {
    const login = await getCode(served, { person, changes: SCOPE });
    const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(served, login)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
  });
});

describe('a process that is killed', () => {
  let third: Member;
  beforeAll(async () => {
    third = await running.fleet.start();
  });

  it('takes no login with it', async () => {
    const tokens = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => logIn(served, { person, changes: SCOPE })),
    );
    await third.stop('SIGKILL');
    for (const { client, refreshToken } of tokens) {
      expect((await refresh(served, client, refreshToken)).status).toBe(200);
    }
    expect(running.fleet.proxy.failures).toEqual([]);
  });
});

/** The id of the person of the demo, as its buttons have it. */
async function idOfPerson(): Promise<string> {
  const client = await registerClient(served);
  const page = await newBrowser().open(authorizationUrl(served, client, newVerifier(), SCOPE));
  const found = readForm(page).buttons.find(({ text }) => text.startsWith(person));
  return found?.value ?? '';
}
