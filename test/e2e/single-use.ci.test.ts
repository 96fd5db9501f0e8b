import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAssertionIssuer } from '../authorization/assertion-issuer.js';
import { allowDevice, poll, startDevice } from '../authorization/device-fixture.js';
import {
  type Fixture,
  getCode,
  newVerifier,
  authorizationUrl,
  post,
  redeem,
  refresh,
  registerClient,
} from '../authorization/fixture.js';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { freePort } from '../support/free-port.js';
import { type TestPostgres, queryPostgres, startPostgres } from '../support/postgres.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { ScriptedBrowser } from '../support/scripted-browser.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';

const MASTER_SECRET = randomBytes(32).toString('hex');
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Answer = Awaited<ReturnType<typeof post>>;

describe.each(['SQLite', 'PostgreSQL'])('two processes on one %s database', (engine) => {
  let postgres: TestPostgres | undefined;
  let servers: Awaited<ReturnType<typeof startCatalog>>[] = [];
  let one: Fixture;
  let two: Fixture;
  let env: Record<string, string>;
  const data = temporaryFolder();
  /** What was a secret at some time: none of it may be found in a dump. */
  const secrets: string[] = [MASTER_SECRET];

  beforeAll(async () => {
    postgres = engine === 'PostgreSQL' ? await startPostgres() : undefined;
    env = {
      CATALOG_MASTER_SECRET: MASTER_SECRET,
      ...(postgres && { CATALOG_DATABASE: await postgres.createDatabase() }),
    };
    const first = await startCatalog([], { data, env });
    const port = await freePort();
    const args = ['--port', `${port}`, '--public-url', first.ready.url];
    servers = [first, await startCatalog(args, { data, env })];
    secrets.push(...servers.map(({ ready }) => ready.apiKey));
    const { issuer, mcp: resource } = first.ready;
    one = { issuer, resource } as Fixture;
    two = { issuer: `http://localhost:${port}`, resource } as Fixture;
  });

  afterAll(async () => {
    for (const server of servers) await server.stop();
    await postgres?.stop();
  });

  /** The same request ten times at once, every other one at the other process. */
  const race = async (send: (at: Fixture) => Promise<Answer>): Promise<readonly Answer[]> => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => send(index % 2 === 0 ? one : two)),
    );
    remember(...answers);
    return answers;
  };

  const remember = (...answers: readonly Answer[]): void => {
    for (const { json } of answers) {
      for (const name of ['access_token', 'refresh_token', 'device_code', 'user_code']) {
        if (typeof json[name] === 'string') secrets.push(json[name]);
      }
    }
  };

  const winnersOf = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200);

  it('gives a code out to one of 10, and ends what it got', async () => {
    const browser = new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
    const client = await registerClient(one, { token_endpoint_auth_method: 'client_secret_post' });
    const secret = { client_secret: client.clientSecret };
    const login = await getCode(one, { client, browser, person: 'Nora' });
    const unused = await getCode(one, { client, browser, person: 'Nora' });
    await browser.open(authorizationUrl(one, client, newVerifier()));
    secrets.push(login.code, unused.code, client.clientSecret ?? '', ...browser.cookieValues());
    const answers = await race((at) => redeem(at, login, secret));

    const [winner] = winnersOf(answers);
    expect(winnersOf(answers)).toHaveLength(1);
    expect(answers.filter(({ json }) => json['error'] === 'invalid_grant')).toHaveLength(9);
    const next = await refresh(two, client, String(winner?.json['refresh_token']), secret);
    expect(next).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('spends a refresh token once: 10 requests get the one answer, and one family lives on', async () => {
    const login = await getCode(one, { person: 'Nora' });
    const tokens = await redeem(two, login);
    remember(tokens);
    const { client } = login;
    const spent = String(tokens.json['refresh_token']);
    const answers = await race((at) => refresh(at, client, spent));

    expect(winnersOf(answers)).toHaveLength(10);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const next = await refresh(one, client, String(answers[0]?.json['refresh_token']));
    remember(next);
    expect(next.status).toBe(200);
    expect((await refresh(two, client, spent)).json['error']).toBe('invalid_grant');
    const dead = await refresh(one, client, String(next.json['refresh_token']));
    expect(dead).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  it('gives a device code out to one of 10', async () => {
    const device = await startDevice(one);
    secrets.push(device.deviceCode, device.userCode);
    const browser = new ScriptedBrowser();
    expect((await allowDevice(device, servers[0]?.ready.learner, browser)).status).toBe(200);
    secrets.push(...browser.cookieValues());
    const answers = await race((at) => poll(at, device));

    expect(winnersOf(answers)).toHaveLength(1);
  });

  it('takes a client assertion from one of 10', async () => {
    const machine = await createAssertionIssuer('night-run');
    const jwks = join(data, 'machine-keys.json');
    writeFileSync(jwks, JSON.stringify({ keys: [machine.publicJwk] }));
    const added = await runNode(
      [SERVER, 'clients', 'add', 'Night run', '--id', 'night-run', '--tenant', 'demo']
        .concat(['--jwks', jwks, '--data', data])
        .concat(['--json']),
      { env },
    );
    expect(added, added.stderr).toMatchObject({ code: 0 });
    const assertion = await machine.sign({ sub: 'night-run', aud: one.issuer });
    secrets.push(assertion);
    const answers = await race((at) =>
      post(`${at.issuer}/token`, {
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
        resource: one.resource,
      }),
    );

    expect(winnersOf(answers)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  it('holds none of the codes, tokens, secrets and cookies of all these in a dump', async () => {
    const login = await getCode(one, { person: 'Nora' });
    const tokens = await redeem(one, login);
    remember(tokens);
    const authorization = `Bearer ${String(tokens.json['access_token'])}`;
    await modernCall(
      one.resource,
      'tools/call',
      { name: 'search_courses', arguments: { query: 'sql' } },
      { authorization },
    );
    const added = await runNode(
      [SERVER, 'clients', 'add', 'Importer', '--tenant', 'demo', '--json', '--data', data],
      { env },
    );
    secrets.push((JSON.parse(added.stdout) as { clientSecret: string }).clientSecret);
    const text = await dump();

    expect(text.length).toBeGreaterThan(20_000);
    expect(text).toContain('night-run');
    expect(secrets.length).toBeGreaterThan(25);
    // A number such as a count is no secret.
    for (const secret of secrets.filter(({ length }) => length >= 8)) {
      expect(text).not.toContain(secret);
      if (secret.split('.').length === 3) expect(text).not.toContain(secret.split('.')[2]);
    }
    expect(text).not.toMatch(/"d\\*":\s*\\*"/);
  });

  const dump = async (): Promise<string> => {
    const url = env['CATALOG_DATABASE'];
    if (url === undefined) {
      const database = openSqlite(join(data, 'catalog.sqlite'));
      try {
        return database
          .all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
          .map(({ name }) => JSON.stringify(database.all(`SELECT * FROM "${name}"`)))
          .join('\n');
      } finally {
        database.close();
      }
    }
    const tables = await queryPostgres(
      url,
      "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
    );
    const rows: unknown[] = [];
    for (const { name } of tables) {
      rows.push(await queryPostgres(url, `SELECT * FROM ${String(name)}`));
    }
    return rows.map((table) => JSON.stringify(table)).join('\n');
  };
});
