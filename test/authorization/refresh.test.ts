import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AuthorizationStores } from '../../src/authorization/ports.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { replayContext } from '../../src/authorization/refresh-replay.js';
import {
  type Fixture,
  PEOPLE,
  type Tokens,
  getCode,
  logIn,
  readToken,
  redeem,
  refresh,
  registerClient,
  startFixture,
} from './fixture.js';

let fixture: Fixture;
/** Makes the next commit of the artifact store fail, as a process that dies before it. */
let failNextCommit = false;
/** Spends what the next commit wants to spend, just before it does. */
let stealNextCommit = false;

const withFailures = (stores: AuthorizationStores): AuthorizationStores => ({
  ...stores,
  artifacts: {
    ...stores.artifacts,
    async commit(writes) {
      if (failNextCommit) {
        failNextCommit = false;
        throw new Error('the disk is full');
      }
      const spending = writes.filter(({ kind }) => kind === 'consume');
      if (stealNextCommit && spending.length > 0) {
        stealNextCommit = false;
        await stores.artifacts.commit(spending);
      }
      return stores.artifacts.commit(writes);
    },
  },
});

beforeAll(async () => {
  fixture = await startFixture({ wrapStores: withFailures });
});
afterEach(() => {
  fixture.clock.offsetMs = 0;
});
afterAll(() => fixture.close());

const refreshTokenOf = (answer: { json: Record<string, unknown> }): string =>
  String(answer.json['refresh_token']);

async function isFamilyDead(tokens: Tokens, newest: string): Promise<boolean> {
  const answer = await refresh(fixture, tokens.client, newest);
  expect(answer.json['error'] ?? 'none').toBe(answer.status === 200 ? 'none' : 'invalid_grant');
  return answer.status === 400;
}

describe('rotation', () => {
  test('hands out a new refresh token and an access token for the same audience', async () => {
    const tokens = await logIn(fixture);
    const answer = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(refreshTokenOf(answer)).not.toBe(tokens.refreshToken);
    const { payload } = await readToken(fixture, String(answer.json['access_token']));
    expect(payload).toMatchObject({ sub: 'ada', aud: fixture.resource, tenant: 'north' });
  });

  test('narrows the scope on request and refuses to widen it', async () => {
    const tokens = await logIn(fixture);
    const wider = await refresh(fixture, tokens.client, tokens.refreshToken, {
      scope: 'catalog:read enrollment:write',
    });
    const narrower = await refresh(fixture, tokens.client, tokens.refreshToken, {
      scope: 'catalog:read',
    });

    expect(wider).toMatchObject({ status: 400, json: { error: 'invalid_scope' } });
    expect(narrower).toMatchObject({ status: 200, json: { scope: 'catalog:read' } });
  });

  test('refuses a disabled person', async () => {
    const tokens = await logIn(fixture, { person: 'ben', changes: { scope: 'catalog:read' } });
    const ben = PEOPLE.find(({ id }) => id === 'ben');
    if (ben === undefined) throw new Error('no ben');
    await fixture.stores.users.upsert({ ...ben, isDisabled: true });
    const answer = await refresh(fixture, tokens.client, tokens.refreshToken);
    await fixture.stores.users.upsert(ben);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('leaves out a scope that the person has lost since', async () => {
    const tokens = await logIn(fixture);
    const ada = PEOPLE.find(({ id }) => id === 'ada');
    if (ada === undefined) throw new Error('no ada');
    await fixture.stores.users.upsert({ ...ada, scopes: ['catalog:read'] });
    const answer = await refresh(fixture, tokens.client, tokens.refreshToken);
    await fixture.stores.users.upsert(ada);

    expect(answer).toMatchObject({ status: 200, json: { scope: 'catalog:read' } });
  });
});

describe('a spent refresh token shown again', () => {
  test('gets the very same bytes within 60 s, as often as it is shown', async () => {
    const tokens = await logIn(fixture);
    const first = await refresh(fixture, tokens.client, tokens.refreshToken);
    fixture.clock.advanceSeconds(59);
    const second = await refresh(fixture, tokens.client, tokens.refreshToken);
    const third = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(first.status).toBe(200);
    expect(second).toMatchObject({ status: 200, text: first.text });
    expect(third.text).toBe(first.text);
    expect(second.headers.get('cache-control')).toBe('no-store');
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(await isFamilyDead(tokens, refreshTokenOf(first))).toBe(false);
  });

  const endings: {
    readonly name: string;
    readonly act: (tokens: Tokens, successor: string) => Promise<{ status: number }>;
  }[] = [
    {
      name: 'after 60 s',
      act: (tokens) => {
        fixture.clock.advanceSeconds(62);
        return refresh(fixture, tokens.client, tokens.refreshToken);
      },
    },
    {
      name: 'with another scope parameter',
      act: (tokens) =>
        refresh(fixture, tokens.client, tokens.refreshToken, { scope: 'catalog:read' }),
    },
    {
      name: 'with a scope that would be refused',
      act: (tokens) => refresh(fixture, tokens.client, tokens.refreshToken, { scope: 'made:up' }),
    },
    {
      name: 'without the resource parameter it was spent with',
      act: (tokens) =>
        refresh(fixture, tokens.client, tokens.refreshToken, { resource: undefined }),
    },
    {
      name: 'by another client',
      act: async (tokens) => refresh(fixture, await registerClient(fixture), tokens.refreshToken),
    },
  ];
  test.each(endings)('ends the family $name', async ({ act }) => {
    const tokens = await logIn(fixture);
    const first = await refresh(fixture, tokens.client, tokens.refreshToken);
    const again = await act(tokens, refreshTokenOf(first));

    expect(again).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(await isFamilyDead(tokens, refreshTokenOf(first))).toBe(true);
  });

  test('ends the family when the successor was used', async () => {
    const tokens = await logIn(fixture);
    const first = await refresh(fixture, tokens.client, tokens.refreshToken);
    const second = await refresh(fixture, tokens.client, refreshTokenOf(first));
    const again = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(second.status).toBe(200);
    expect(again).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect(await isFamilyDead(tokens, refreshTokenOf(second))).toBe(true);
  });

  test('gets nothing back when the person was disabled meanwhile', async () => {
    const tokens = await logIn(fixture, { person: 'ben', changes: { scope: 'catalog:read' } });
    await refresh(fixture, tokens.client, tokens.refreshToken);
    const ben = PEOPLE.find(({ id }) => id === 'ben');
    if (ben === undefined) throw new Error('no ben');
    await fixture.stores.users.upsert({ ...ben, isDisabled: true });
    const again = await refresh(fixture, tokens.client, tokens.refreshToken);
    await fixture.stores.users.upsert(ben);

    expect(again).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('gets nothing back when the grant was revoked meanwhile', async () => {
    const tokens = await logIn(fixture);
    const first = await refresh(fixture, tokens.client, tokens.refreshToken);
    await fetch(`${fixture.issuer}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: tokens.client.clientId,
        token: refreshTokenOf(first),
      }),
    });
    const again = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(again).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('needs the same client authentication for the same answer', async () => {
    const client = await registerClient(fixture, {
      token_endpoint_auth_method: 'client_secret_post',
    });
    const login = await getCode(fixture, { client });
    const secret = { client_secret: client.clientSecret };
    const tokens = await redeem(fixture, login, secret);
    const first = await refresh(fixture, client, refreshTokenOf(tokens), secret);
    const wrong = await refresh(fixture, client, refreshTokenOf(tokens), { client_secret: 'x' });
    const right = await refresh(fixture, client, refreshTokenOf(tokens), secret);

    expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    expect(right.text).toBe(first.text);
  });
});

describe('a unit that another process was faster than', () => {
  test('gives a code to nobody and ends what the winner got', async () => {
    const login = await getCode(fixture);
    stealNextCommit = true;
    const loser = await redeem(fixture, login);

    expect(loser).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const left = fixture.database.all(
      "SELECT model FROM as_artifact WHERE client_id = ? AND model <> 'Session'",
      login.client.clientId,
    );
    expect(left).toEqual([]);
  });

  test('is not the same request when the client proved itself in another way', () => {
    const contextOf = (tokenEndpointAuthMethod: string) =>
      replayContext({
        oidc: {
          client: { clientId: 'app', tokenEndpointAuthMethod },
          params: { grant_type: 'refresh_token', refresh_token: 'spent' },
        },
      } as never);

    expect(contextOf('none')).toBe(contextOf('none'));
    expect(contextOf('none')).not.toBe(contextOf('private_key_jwt'));
    expect(contextOf('none')).not.toContain('spent');
  });
});

describe('crashes and races', () => {
  test('leaves the old token usable when the process dies before the commit', async () => {
    const tokens = await logIn(fixture);
    failNextCommit = true;
    const crashed = await refresh(fixture, tokens.client, tokens.refreshToken);
    const repeated = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(crashed).toMatchObject({ status: 500, json: { error: 'server_error' } });
    expect(crashed.json['access_token']).toBeUndefined();
    expect(repeated.status).toBe(200);
    expect(await isFamilyDead(tokens, refreshTokenOf(repeated))).toBe(false);
  });

  test('leaves a code usable when the process dies before the commit', async () => {
    const login = await getCode(fixture);
    failNextCommit = true;
    const crashed = await redeem(fixture, login);
    const repeated = await redeem(fixture, login);

    expect(crashed.status).toBe(500);
    expect(repeated.status).toBe(200);
  });

  test('repeats the answer after a response that never arrived', async () => {
    const tokens = await logIn(fixture);
    const aborter = new AbortController();
    const lost = fetch(`${fixture.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: tokens.client.clientId,
        refresh_token: tokens.refreshToken,
        resource: fixture.resource,
      }),
      signal: aborter.signal,
    });
    // Whether the abort comes before or after the commit, the repeat has to work.
    setImmediate(() => aborter.abort());
    await lost.catch(() => undefined);
    const repeated = await refresh(fixture, tokens.client, tokens.refreshToken);

    expect(repeated.status).toBe(200);
    expect(await isFamilyDead(tokens, refreshTokenOf(repeated))).toBe(false);
  });

  test('gives 8 concurrent refreshes one and the same answer, and keeps the family alive', async () => {
    const tokens = await logIn(fixture);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => refresh(fixture, tokens.client, tokens.refreshToken)),
    );

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const live = fixture.database.get<{ n: number }>(
      `SELECT count(*) AS n FROM as_artifact WHERE model = 'RefreshToken' AND consumed_at IS NULL AND client_id = ?`,
      tokens.client.clientId,
    );
    expect(live).toEqual({ n: 1 });
    const [first] = answers;
    if (first === undefined) throw new Error('no answer');
    expect(await isFamilyDead(tokens, refreshTokenOf(first))).toBe(false);
  });
});

describe('two servers on one database file', () => {
  test('let exactly one of 10 concurrent code redemptions win, and end its family', async () => {
    await withTwoServers(async (one, two) => {
      const login = await getCode(one);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          redeem({ ...(i % 2 === 0 ? one : two), resource: one.resource }, login),
        ),
      );
      const won = answers.filter(({ status }) => status === 200);
      const [winner] = won;

      expect(won).toHaveLength(1);
      expect(answers.filter(({ json }) => json['error'] === 'invalid_grant')).toHaveLength(9);
      if (winner === undefined) throw new Error('nobody won');
      const refreshed = await refresh(one, login.client, refreshTokenOf(winner));
      expect(refreshed).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    });
  });

  test('give concurrent refreshes at both the same answer', async () => {
    await withTwoServers(async (one, two) => {
      const tokens = await logIn(one);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          refresh(
            { ...(i % 2 === 0 ? one : two), resource: one.resource },
            tokens.client,
            tokens.refreshToken,
          ),
        ),
      );

      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers[0]?.status).toBe(200);
    });
  });

  test('sign with the same key although both started on an empty file', async () => {
    await withTwoServers((one, two) => {
      expect(one.as.jwks()).toEqual(two.as.jwks());
      expect(one.as.jwks().keys).toHaveLength(1);
      return Promise.resolve();
    });
  });
});

/** Two servers on one database file, each with a connection of its own, started at once. */
async function withTwoServers(work: (one: Fixture, two: Fixture) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'catalog-as-'));
  const databases = [openSqlite(join(folder, 'as.db')), openSqlite(join(folder, 'as.db'))] as const;
  const issuer = 'http://localhost:4999';
  const resources = [
    { resource: `${issuer}/mcp`, scopes: { 'catalog:read': 'Read', 'learner:read': 'Read you' } },
  ];
  const fixtures = await Promise.all(
    databases.map((database) => startFixture({ database, options: { resources } })),
  );
  const [one, two] = fixtures;
  try {
    if (one === undefined || two === undefined) throw new Error('two are needed');
    const resource = `${issuer}/mcp`;
    await work({ ...one, resource }, { ...two, resource });
  } finally {
    await Promise.all(fixtures.map((each) => each.close()));
    for (const database of databases) database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
