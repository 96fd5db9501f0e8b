import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Tokens, logIn, post } from '../authorization/fixture.js';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { freePort } from '../support/free-port.js';
import { type TestPostgres, startPostgres } from '../support/postgres.js';
import { runNode, temporaryFolder } from '../support/processes.js';

const SEARCH = { name: 'search_courses', arguments: { query: 'sql' } };
const WITHIN_MS = 5000;
// A key signs for 8 s, and is published 2 s before: several rotations in one test, which calls without a pause.
const SCHEDULE = ['--signing-key-rotation', '8s', '--signing-key-lead', '2s', '--rate-limit', '0'];

describe('two processes on one PostgreSQL database, with keys that change', () => {
  let postgres: TestPostgres;
  let first: Awaited<ReturnType<typeof startCatalog>>;
  let second: Awaited<ReturnType<typeof startCatalog>>;
  let mcps: readonly string[];
  let issuers: readonly string[];
  let env: Record<string, string>;
  const data = temporaryFolder();

  beforeAll(async () => {
    postgres = await startPostgres();
    env = { CATALOG_DATABASE: await postgres.createDatabase() };
    first = await startCatalog(SCHEDULE, { data, env });
    const port = await freePort();
    const args = ['--port', `${port}`, '--public-url', first.ready.url, ...SCHEDULE];
    second = await startCatalog(args, { data, env });
    issuers = [first.ready.issuer, `http://localhost:${port}`];
    mcps = issuers.map((origin) => `${origin}/mcp`);
  });

  afterAll(async () => {
    await first.stop();
    await second.stop();
    await postgres.stop();
  });

  const signIn = (): Promise<Tokens> =>
    logIn({ issuer: first.ready.issuer, resource: first.ready.mcp }, { person: 'Nora' });

  const refreshAt = (at: number, { client }: Tokens, refreshToken: string) =>
    post(`${issuers[at]}/token`, {
      grant_type: 'refresh_token',
      client_id: client.clientId,
      refresh_token: refreshToken,
    });

  const callAt = async (at: number, token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await modernCall(mcps[at] ?? '', 'tools/call', SEARCH, headers);
    await response.text();
    return response.status;
  };

  const untilRefused = async (at: number, token: string): Promise<number> => {
    for (;;) {
      const status = await callAt(at, token);
      if (status === 401) return Date.now();
      expect(status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  const operate = async (...args: readonly string[]) => {
    const run = await runNode([SERVER, ...args, '--data', data, '--json'], { env });
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return JSON.parse(run.stdout) as Record<string, unknown>;
  };

  it('a login lives on through rotations: every refresh at one process is good at the other, at once', async () => {
    const tokens = await signIn();
    let refreshToken = tokens.refreshToken;
    const kids = new Set<string | undefined>();
    const endsAt = Date.now() + 120_000;
    for (let round = 0; kids.size < 3 && Date.now() < endsAt; round++) {
      const at = round % 2;
      const answer = await refreshAt(at, tokens, refreshToken);
      expect(answer.status, answer.text).toBe(200);
      refreshToken = String(answer.json['refresh_token']);
      const token = String(answer.json['access_token']);
      kids.add(decodeProtectedHeader(token).kid);
      expect(await callAt(1 - at, token)).toBe(200);
      expect(await callAt(at, token)).toBe(200);
    }
    expect(kids.size).toBe(3);
  });

  it('a key that is removed ends its tokens and their streams in both within 5 s, and logs nobody out', async () => {
    const tokens = await signIn();
    const { kid = '' } = decodeProtectedHeader(tokens.accessToken);
    for (const at of [0, 1]) expect(await callAt(at, tokens.accessToken)).toBe(200);
    const stream = await modernCall(
      mcps[1] ?? '',
      'subscriptions/listen',
      { notifications: { toolsListChanged: true } },
      { authorization: `Bearer ${tokens.accessToken}` },
    );
    expect(stream.status).toBe(200);
    const ended = stream.text().then(
      () => Date.now(),
      () => Date.now(),
    );
    const removal = await operate('signing-keys', 'remove', kid, '--now');
    const removedAt = Date.now();
    expect(removal).toMatchObject({ kid, isRemoved: true });
    const times = await Promise.all([
      untilRefused(0, tokens.accessToken),
      untilRefused(1, tokens.accessToken),
      ended,
    ]);
    for (const at of times) expect(at - removedAt).toBeLessThan(WITHIN_MS);

    const answer = await refreshAt(1, tokens, tokens.refreshToken);
    expect(answer.status, answer.text).toBe(200);
    const token = String(answer.json['access_token']);
    expect(decodeProtectedHeader(token).kid).not.toBe(kid);
    for (const at of [0, 1]) expect(await callAt(at, token)).toBe(200);
    const audit = await operate('audit', 'list', '--operation', 'signing-keys/remove');
    expect(audit['rows']).toMatchObject([{ target: kid, outcome: 'ok', transport: 'local' }]);
  });

  it('a grant that the operator revokes ends within 5 s in both; another login of the same person goes on', async () => {
    const tokens = await signIn();
    const other = await signIn();
    const filter = ['--client', tokens.client.clientId];
    const { grants } = (await operate('grants', 'list', ...filter)) as {
      grants: { id: string; userId: string; clientId: string }[];
    };
    expect(grants).toMatchObject([{ clientId: tokens.client.clientId }]);
    const [grant] = grants;
    for (const at of [0, 1]) expect(await callAt(at, tokens.accessToken)).toBe(200);
    await operate('grants', 'revoke', grant?.id ?? '');
    const revokedAt = Date.now();
    const times = await Promise.all([0, 1].map((at) => untilRefused(at, tokens.accessToken)));
    for (const at of times) expect(at - revokedAt).toBeLessThan(WITHIN_MS);

    const answer = await refreshAt(0, tokens, tokens.refreshToken);
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    expect((await refreshAt(1, other, other.refreshToken)).status).toBe(200);
  });
});
