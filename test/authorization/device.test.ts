import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ScriptedBrowser, readForm } from '../support/scripted-browser.js';
import { DEVICE_GRANT, allowDevice, poll, registerDevice, startDevice } from './device-fixture.js';
import {
  type Fixture,
  logIn,
  post,
  readToken,
  refresh,
  register,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
// Codes are counted by source, and all of these come from one.
beforeEach(() => fixture.clock.advanceSeconds(601));
afterAll(() => fixture.close());

describe('the device grant (RFC 8628)', () => {
  test('answers with codes, where to type them, and how often to poll (§3.2)', async () => {
    const { answer, userCode } = await startDevice(fixture);

    expect(answer).toEqual({
      device_code: expect.any(String) as string,
      user_code: expect.stringMatching(
        /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/,
      ) as string,
      verification_uri: `${fixture.issuer}/device`,
      verification_uri_complete: `${fixture.issuer}/device?user_code=${userCode}`,
      expires_in: 600,
      interval: 5,
    });
    expect(fixture.as.metadata()).toMatchObject({
      device_authorization_endpoint: `${fixture.issuer}/device_authorization`,
    });
  });

  test('gives tokens once a person has allowed it, with scopes and audience as asked', async () => {
    const device = await startDevice(fixture, undefined, { scope: 'catalog:read' });
    const before = await poll(fixture, device);
    const done = await allowDevice(device);
    const after = await poll(fixture, device);
    const { payload } = await readToken(fixture, String(after.json['access_token']));
    const next = await refresh(fixture, device.client, String(after.json['refresh_token']));

    expect(before).toMatchObject({ status: 400, json: { error: 'authorization_pending' } });
    expect(done.body).toContain('The device is connected');
    expect(after.status).toBe(200);
    expect(payload).toMatchObject({ sub: 'ada', scope: 'catalog:read', tenant: 'north' });
    expect(next.status).toBe(200);
  });

  test('works for a client without redirect URIs, and for a document of one', async () => {
    const response = await register(fixture, {
      client_name: 'Screen',
      token_endpoint_auth_method: 'none',
      grant_types: [DEVICE_GRANT],
    });

    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      grant_types: [DEVICE_GRANT],
      redirect_uris: [],
      response_types: [],
    });
  });

  test('is refused to a client that did not ask for it', async () => {
    const client = await registerClient(fixture);
    const answer = await post(`${fixture.issuer}/device_authorization`, {
      client_id: client.clientId,
    });

    expect(answer.status).toBe(400);
  });

  test('refuses a resource and a scope that it does not know', async () => {
    const client = await registerDevice(fixture);
    const ask = async (changes: Record<string, string>) =>
      post(`${fixture.issuer}/device_authorization`, { client_id: client.clientId, ...changes });

    expect((await ask({ resource: 'https://other.example/mcp' })).json['error']).toBe(
      'invalid_target',
    );
    expect((await ask({ scope: 'made:up' })).json['error']).toBe('invalid_scope');
  });

  test('tells the device when the person stopped it, and when the code is over', async () => {
    const stopped = await startDevice(fixture);
    const browser = new ScriptedBrowser();
    const confirm = await browser.submit(await browser.open(stopped.link), {});
    const page = await browser.submit(confirm, { abort: 'yes' });
    const denied = await startDevice(fixture);
    const other = new ScriptedBrowser();
    const ask = await other.submit(await other.open(denied.link), {});
    await other.submit(await other.submit(ask, { confirm: 'yes' }), { decision: 'deny' });

    expect(page.body).toContain('The device is not connected');
    expect((await poll(fixture, stopped)).json['error']).toBe('access_denied');
    expect((await poll(fixture, denied)).json['error']).toBe('access_denied');
  });

  test('can be switched off', async () => {
    const closed = await startFixture({ options: { grants: { device: false } } });
    const statuses = await Promise.all([
      post(`${closed.issuer}/device_authorization`, {}).catch(() => ({ status: 404 })),
      fetch(`${closed.issuer}/device`),
    ]);
    await closed.close();

    expect(closed.as.metadata()).not.toHaveProperty('device_authorization_endpoint');
    expect(closed.as.metadata()['grant_types_supported']).not.toContain(DEVICE_GRANT);
    expect(statuses.map(({ status }) => status)).toEqual([404, 404]);
  });
});

describe('polling', () => {
  test('too often gets slow_down, and costs 5 seconds more each time (§3.5)', async () => {
    const device = await startDevice(fixture);
    const errorAfter = async (seconds: number) => {
      fixture.clock.advanceSeconds(seconds);
      return (await poll(fixture, device)).json['error'];
    };

    expect(await errorAfter(0)).toBe('authorization_pending');
    expect(await errorAfter(1)).toBe('slow_down');
    expect(await errorAfter(10)).toBe('authorization_pending');
    expect(await errorAfter(5)).toBe('slow_down');
    expect(await errorAfter(15)).toBe('authorization_pending');
  });

  test('every 5 seconds never gets slow_down', async () => {
    const device = await startDevice(fixture);
    for (let i = 0; i < 6; i++) {
      expect((await poll(fixture, device)).json['error']).toBe('authorization_pending');
      fixture.clock.advanceSeconds(5);
    }
  });

  test('of a code that nobody gave out leaves nothing behind', async () => {
    const device = { ...(await startDevice(fixture)), deviceCode: 'made-up' };
    const before = countersOf(fixture);
    const answer = await poll(fixture, device);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(countersOf(fixture)).toBe(before);
  });

  test('by another client than the one that began gets nothing', async () => {
    const device = await startDevice(fixture);
    await allowDevice(device);
    const thief = { ...device, client: await registerDevice(fixture) };

    expect((await poll(fixture, thief)).json['error']).toBe('invalid_grant');
    expect((await poll(fixture, device)).status).toBe(200);
  });

  test('ten times at once has one winner', async () => {
    const device = await startDevice(fixture);
    await allowDevice(device);
    const answers = await Promise.all(Array.from({ length: 10 }, () => poll(fixture, device)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);

    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 400)]);
  });
});

function countersOf({ database }: Fixture): number {
  return database.all('SELECT name FROM as_counter').length;
}

describe('the page for devices', () => {
  test('fills in the code of a link and waits for the person', async () => {
    const { link, userCode } = await startDevice(fixture);
    const page = await new ScriptedBrowser().open(link);

    expect(page.status).toBe(200);
    expect(readForm(page).fields['user_code']).toBe(userCode);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.body).not.toContain('<script');
    expect(page.body).toContain('<label for="user_code">');
  });

  test('shows who asks, the code to compare and a warning before it asks for anything', async () => {
    const client = await registerDevice(fixture, { client_name: 'TV <script>x</script>' });
    const { link, userCode } = await startDevice(fixture, client);
    const browser = new ScriptedBrowser();
    const confirm = await browser.submit(await browser.open(link), {});

    expect(confirm.status).toBe(200);
    expect(confirm.body).toContain(userCode);
    expect(confirm.body).toContain('TV &lt;script&gt;');
    expect(confirm.body).toContain(client.clientId);
    expect(confirm.body).toContain('Stop here if somebody sent you the code');
  });

  test('takes a code in small letters and without its dash, and speaks German', async () => {
    const { link, userCode } = await startDevice(fixture);
    const browser = new ScriptedBrowser();
    const page = await browser.open(link.split('?')[0] ?? '', {
      headers: { 'accept-language': 'de-AT,de;q=0.9' },
    });
    const confirm = await browser.submit(page, {
      user_code: userCode.toLowerCase().replace('-', ''),
    });

    expect(page.body).toContain('Ein Gerät verbinden');
    expect(confirm.body).toContain(userCode);
  });

  test('says the same of every code that does not work', async () => {
    const used = await startDevice(fixture);
    await allowDevice(used);
    const bodies = await Promise.all(
      ['BBBB-BBBB', used.userCode, '', '<b>'].map(async (code) => {
        const browser = new ScriptedBrowser();
        const page = await browser.open(`${fixture.issuer}/device`);
        return (await browser.submit(page, { user_code: code })).body;
      }),
    );

    for (const body of bodies) {
      expect(body).toContain('This code does not work');
      expect(body.replace(/value="[^"]*"/g, '')).toBe(
        (bodies[0] ?? '').replace(/value="[^"]*"/g, ''),
      );
    }
  });

  test('asks even a signed-in person with a remembered consent', async () => {
    const client = await registerClient(fixture, {
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT],
    });
    const browser = new ScriptedBrowser();
    await logIn(fixture, { client, browser });
    const { link } = await startDevice(fixture, client);
    const confirm = await browser.submit(await browser.open(link), {});
    const page = await browser.submit(confirm, { confirm: 'yes' });

    expect(page.status).toBe(200);
    expect(readForm(page).buttons.map(({ name }) => name)).toContain('person');
    expect(page.body).toContain('The answer goes to the device');
  });

  test('refuses a form of another site, and one without its own token', async () => {
    const device = await startDevice(fixture);
    const { link, userCode } = device;
    const browser = new ScriptedBrowser();
    const page = await browser.open(link);
    const send = async (fields: Record<string, string>, origin: string) =>
      browser.request(`${fixture.issuer}/device`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
        body: new URLSearchParams(fields).toString(),
      });
    const { xsrf = '' } = readForm(page).fields;
    const fields = { xsrf, user_code: userCode, confirm: 'yes' };

    expect((await send(fields, 'https://evil.example')).status).toBe(403);
    expect((await send({ ...fields, xsrf: 'x' }, fixture.issuer)).status).toBe(400);
    const other = new ScriptedBrowser();
    const stolen = await other.request(`${fixture.issuer}/device`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
    expect(stolen.status).toBe(303);
    expect(stolen.headers.get('location')).toBe(`/device?user_code=${userCode}`);
    expect((await poll(fixture, device)).json['error']).toBe('authorization_pending');
  });

  test('holds up who guesses codes, in every process, until ten minutes are over', async () => {
    const browser = new ScriptedBrowser();
    const guess = async (at = fixture) => {
      const page = await browser.open(`${at.issuer}/device`);
      return browser.submit(page, { user_code: 'BBBB-CCCC' });
    };
    const statuses: number[] = [];
    for (let i = 0; i < 30; i++) statuses.push((await guess()).status);
    const over = await guess();
    const other = await startFixture({ database: fixture.database, clock: fixture.clock });
    const elsewhere = await guess(other);
    await other.close();
    fixture.clock.advanceSeconds(601);
    const later = await guess();

    expect(statuses.every((status) => status === 200)).toBe(true);
    expect(over.status).toBe(429);
    expect(Number(over.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(over.body).toContain('Too many codes were tried');
    expect(elsewhere.status).toBe(429);
    expect(later.status).toBe(200);
  });
});
