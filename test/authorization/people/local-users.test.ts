import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../../../src/authorization/index.js';
import {
  checkNewPassword,
  normaliseUserName,
  verifyPassword,
} from '../../../src/authorization/people/password.js';
import { ScriptedBrowser, readForm } from '../../support/scripted-browser.js';
import {
  type Fixture,
  authorizationUrl,
  newVerifier,
  readToken,
  redeem,
  registerClient,
  startFixture,
} from '../fixture.js';

const PASSWORD = 'correct horse battery staple';

/** Stands still: a slow machine must not wait out a back-off. */
function stillClock() {
  const startMs = Date.now();
  return {
    offsetMs: 0,
    nowMs(): number {
      return startMs + this.offsetMs;
    },
    advanceSeconds(seconds: number): void {
      this.offsetMs += seconds * 1000;
    },
  };
}

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture({
    clock: stillClock(),
    options: { signIn: { kind: 'any-of', methods: [{ kind: 'local-users' }] } },
  });
  const { passwords } = fixture.stores;
  await passwords.create(
    {
      id: 'local-1',
      displayName: 'Anna Weber',
      tenant: 'north',
      scopes: ['catalog:read'],
      isDisabled: false,
    },
    {
      userName: 'anna',
      userId: 'local-1',
      passwordHash: await hashPassword(PASSWORD),
      changedAt: 1,
    },
  );
});
afterEach(() => fixture.close());

function newBrowser(): ScriptedBrowser {
  return new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
}

async function openForm(browser: ScriptedBrowser) {
  const client = await registerClient(fixture);
  const verifier = newVerifier();
  const page = await browser.open(authorizationUrl(fixture, client, verifier));
  return { page, client, verifier };
}

async function attempt(userName: string, password: string) {
  const browser = newBrowser();
  const { page } = await openForm(browser);
  return browser.submit(page, { ...readForm(page).fields, user_name: userName, password });
}

describe('a person with a password here', () => {
  it.each(['anna', ' Anna ', 'ＡＮＮＡ'])('signs in as %j', async (userName) => {
    const browser = newBrowser();
    const { page, client, verifier } = await openForm(browser);
    const last = await browser.submit(page, {
      ...readForm(page).fields,
      user_name: userName,
      password: PASSWORD,
    });
    const code = new URL(last.url).searchParams.get('code');
    const answer = await redeem(fixture, { client, verifier, code: code ?? '' });
    const { payload } = await readToken(fixture, String(answer.json['access_token']));
    expect(payload).toMatchObject({ sub: 'local-1', tenant: 'north', scope: 'catalog:read' });
  });

  it('is told the same for a wrong password, an unknown name and a disabled account', async () => {
    const wrong = await attempt('anna', 'wrong');
    const unknown = await attempt('nobody', PASSWORD);
    const user = await fixture.stores.users.find('local-1');
    if (user === undefined) throw new Error('no user');
    await fixture.stores.users.upsert({ ...user, isDisabled: true });
    const disabled = await attempt('anna', PASSWORD);
    for (const page of [wrong, unknown, disabled]) {
      expect(page.status).toBe(403);
      expect(page.body).toContain('That did not work. Check the user name and the password.');
      expect(page.body).toContain('role="alert"');
      expect(page.body).not.toContain(PASSWORD);
    }
  });

  it('waits longer and longer after five wrong passwords, also with the right one', async () => {
    for (let n = 0; n < 5; n++) expect((await attempt('anna', 'wrong')).status).toBe(403);
    const blocked = await attempt('anna', PASSWORD);
    expect(blocked.status).toBe(429);
    expect(blocked.headers.get('retry-after')).toBe('1');
    expect(blocked.body).toContain('Too many attempts. Try again in 1 s.');
    fixture.clock.advanceSeconds(1);
    expect((await attempt('anna', 'wrong')).status).toBe(403);
    expect((await attempt('anna', PASSWORD)).headers.get('retry-after')).toBe('2');
    fixture.clock.advanceSeconds(2);
    expect((await attempt('anna', PASSWORD)).status).not.toBe(429);
    // The right password ends it.
    for (let n = 0; n < 5; n++) expect((await attempt('anna', 'wrong')).status).toBe(403);
  });

  it('counts attempts that come at the same time one by one', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => attempt('anna', 'wrong')));
    expect(answers.filter(({ status }) => status === 403).length).toBe(5);
    expect(answers.filter(({ status }) => status === 429).length).toBe(7);
  });

  it('is kept with an Argon2id hash, and what was typed nowhere', async () => {
    await attempt('anna', 'typed-by-mistake');
    await attempt('typed-password-as-name', 'x');
    const dump = ['as_password', 'as_sign_in_attempt', 'as_artifact']
      .map((table) => JSON.stringify(fixture.database.all(`SELECT * FROM ${table}`)))
      .join('\n');
    expect(dump).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    for (const text of [PASSWORD, 'typed-by-mistake', 'typed-password-as-name']) {
      expect(dump).not.toContain(text);
    }
  });

  it('is not offered where local users are off', async () => {
    const other = await startFixture();
    const browser = newBrowser();
    const client = await registerClient(other);
    const page = await browser.open(authorizationUrl(other, client, newVerifier()));
    expect(page.body).not.toContain('type="password"');
    const sent = await browser.submit(page, {
      ...readForm(page).fields,
      user_name: 'anna',
      password: PASSWORD,
    });
    expect(sent.status).toBe(403);
    await other.close();
  });
});

describe('the demo sign-in', () => {
  it('does not work where it is off, whatever is posted', async () => {
    const browser = newBrowser();
    const { page } = await openForm(browser);
    expect((await browser.submit(page, { ...readForm(page).fields, person: 'ada' })).status).toBe(
      403,
    );
  });
});

describe('passwords', () => {
  it.each([
    ['eleven char', 'x', /fewer than 12/],
    ['anna likes passwords', 'anna', /contains the user name/],
    ['x'.repeat(1025), 'x', /longer than 1024/],
  ])('%j is refused', (password, userName, message) => {
    expect(checkNewPassword(password, userName)).toMatch(message);
  });

  it('are the same however the keyboard composes them', async () => {
    const stored = await hashPassword('Zürich liegt am See');
    expect(await verifyPassword(stored, 'Zu\u0308rich liegt am See')).toBe(true);
    expect(await verifyPassword(stored, 'Zurich liegt am See')).toBe(false);
    expect(await verifyPassword(undefined, 'Zürich liegt am See')).toBe(false);
  });

  it.each([['', 'with space', 'nul\u0000', 'x'.repeat(129)].map((name) => [name] as const)].flat())(
    'no user name: %j',
    (name) => {
      expect(normaliseUserName(name)).toBeUndefined();
    },
  );
});
