import { expect, test } from 'vitest';
import type { SqliteDatabase } from '../../src/storage/sqlite/database.js';
import { ScriptedBrowser } from '../support/scripted-browser.js';
import {
  authorizationUrl,
  getCode,
  MASTER_SECRET,
  newVerifier,
  redeem,
  refresh,
  registerClient,
  startFixture,
} from './fixture.js';

function dump(database: SqliteDatabase): string {
  return database
    .all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
    .map(({ name }) => JSON.stringify(database.all(`SELECT * FROM "${name}"`)))
    .join('\n');
}

test('a dump of the database holds no code, token, secret, cookie or private key', async () => {
  const fixture = await startFixture();
  const browser = new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
  const client = await registerClient(fixture, {
    token_endpoint_auth_method: 'client_secret_post',
  });
  const auth = { client_secret: client.clientSecret };
  const open = await browser.open(authorizationUrl(fixture, client, newVerifier()));
  const unused = await getCode(fixture, { client, browser });
  const login = await getCode(fixture, { client, browser });
  const first = await redeem(fixture, login, auth);
  const second = await refresh(fixture, client, String(first.json['refresh_token']), auth);
  const third = await refresh(fixture, client, String(second.json['refresh_token']), auth);
  expect(third.status).toBe(200);

  const secrets = [
    unused.code,
    login.code,
    login.verifier,
    client.clientSecret ?? '',
    MASTER_SECRET.toString(),
    new URL(open.url).pathname.split('/').at(-1) ?? '',
    ...browser.cookieValues(),
    ...[first, second, third].flatMap(({ json }) => [
      String(json['access_token']),
      String(json['access_token']).split('.')[2] ?? '',
      String(json['refresh_token']),
    ]),
  ];
  const text = dump(fixture.database);

  expect(secrets.every((secret) => secret.length >= 16)).toBe(true);
  expect(text.length).toBeGreaterThan(5000);
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/"d\\*":/);
  expect(text).not.toContain('Test client');
  await fixture.close();
});

test('nothing that is logged holds a code, a token or a secret', async () => {
  const lines: unknown[] = [];
  const log = (message: string, fields?: unknown) => lines.push([message, fields]);
  const fixture = await startFixture({
    options: { logger: { debug: log, info: log, warn: log, error: log } },
  });
  const client = await registerClient(fixture, {
    token_endpoint_auth_method: 'client_secret_post',
  });
  const auth = { client_secret: client.clientSecret };
  const login = await getCode(fixture, { client });
  const tokens = await redeem(fixture, login, auth);
  await redeem(fixture, login, auth);
  await refresh(fixture, client, String(tokens.json['refresh_token']), auth);
  await refresh(fixture, client, String(tokens.json['refresh_token']), {
    client_secret: 'wrong-secret-value',
  });
  await fixture.close();

  const text = JSON.stringify(lines);
  expect(lines.length).toBeGreaterThan(2);
  for (const secret of [
    login.code,
    login.verifier,
    client.clientSecret ?? '',
    'wrong-secret-value',
    String(tokens.json['access_token']),
    String(tokens.json['refresh_token']),
  ]) {
    expect(text).not.toContain(secret);
  }
});
