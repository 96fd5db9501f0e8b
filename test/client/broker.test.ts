import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Broker } from '../../src/client/index.js';
import { defer } from '../../src/client/waiting.js';
import { NetworkError } from '../../src/net/errors.js';
import { json } from './support/fake-server.js';
import { type FakeSession, startFakeSession } from './support/fake-session.js';

const CHILD = fileURLToPath(new URL('./support/call-once.child.ts', import.meta.url));

interface Child {
  readonly ready: Promise<void>;
  readonly done: Promise<string>;
  go(): void;
  kill(): void;
}

function startChild(args: readonly string[]): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...args]);
  let output = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('ready\n')) resolve();
    });
  });
  const done = new Promise<string>((resolve) => {
    child.on('close', () => resolve(`${output.replace('ready\n', '')}${errors}`.trim()));
  });
  return {
    ready,
    done,
    go: () => child.stdin.write('go\n'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** A process is killed after the server has acted on its refresh request and before the answer arrives. */
async function interruptRefresh({ server, home }: FakeSession): Promise<void> {
  const arrival = defer<void>();
  server.behaviour.onToken = async (params, res) => {
    server.behaviour.onToken = () => false;
    await fetch(`${server.origin}/token`, { method: 'POST', body: params });
    arrival.resolve();
    return new Promise<boolean>((resolve) => res.once('close', () => resolve(true)));
  };
  const child = startChild([home, server.mcp, 'reject']);
  await child.ready;
  child.go();
  await arrival.promise;
  child.kill();
  await child.done;
}

describe('the broker', () => {
  let session: FakeSession;

  beforeEach(async () => {
    session = await startFakeSession();
    await session.signIn();
  });

  afterEach(() => session.close());

  const token = (): Promise<string | undefined> => session.broker.accessToken(session.server.mcp);

  it('hands the stored token out without any request', async () => {
    const before = session.server.log.length;
    expect(await token()).toBe('secret-access-2');
    expect(session.server.log).toHaveLength(before);
  });

  it('renews early by at most a tenth of the life of a token', async () => {
    session.server.behaviour.accessTokenTtl = 10;
    await session.signIn({}, { force: true });
    session.clock.advance(8);
    await token();
    expect(session.server.counts.refreshes).toBe(0);
    session.clock.advance(1);
    await token();
    expect(session.server.counts.refreshes).toBe(1);
  });

  it('keeps the refresh token when the server sends no new one (RFC 6749 §6)', async () => {
    session.server.behaviour.onToken = (_params, res) => {
      json(res, 200, { access_token: 'new', token_type: 'bearer', expires_in: 60 });
      return true;
    };
    session.clock.advance(4000);
    expect(await token()).toBe('new');
    const grant = await session.broker.findGrant(session.server.mcp);
    expect(grant).toMatchObject({ refreshToken: 'secret-refresh-2', scopes: ['notes:read'] });
  });

  it('sends resource with every refresh (RFC 8707)', async () => {
    const seen: (string | null)[] = [];
    session.server.behaviour.onToken = (params) => {
      seen.push(params.get('resource'));
      return false;
    };
    session.clock.advance(4000);
    await token();
    expect(seen).toEqual([session.server.mcp]);
  });

  it('spends one refresh token when many callers of one process meet an expiry', async () => {
    session.clock.advance(4000);
    const tokens = await Promise.all(Array.from({ length: 10 }, token));
    expect(new Set(tokens).size).toBe(1);
    expect(session.server.counts).toMatchObject({ refreshes: 1, reuses: 0 });
  });

  it.each(['expired', 'reject'])(
    'spends one refresh token when several processes meet the same expiry (%s)',
    async (mode) => {
      if (mode === 'expired') {
        const grant = await session.broker.findGrant(session.server.mcp);
        if (grant === undefined) throw new Error('no grant');
        const { version: _version, ...rest } = grant;
        await session.broker.store.saveGrant({ ...rest, expiresAt: 1 });
      }
      const children = Array.from({ length: 5 }, () =>
        startChild([session.home, session.server.mcp, mode]),
      );
      await Promise.all(children.map((child) => child.ready));
      for (const child of children) child.go();
      const tokens = await Promise.all(children.map((child) => child.done));
      expect(new Set(tokens).size).toBe(1);
      expect(tokens[0]).toMatch(/^secret-access-\d+$/);
      expect(session.server.counts).toMatchObject({ refreshes: 1, reuses: 0 });
    },
    60_000,
  );

  describe('after a process was killed while its refresh was on its way', () => {
    it('never spends the token again at a strict server: one clear message, then a login', async () => {
      await interruptRefresh(session);
      const grant = await session.broker.findGrant(session.server.mcp);
      expect(grant?.intent).toMatchObject({ owner: { pid: expect.any(Number) } });
      session.clock.advance(4000);
      await expect(token()).rejects.toMatchObject({ code: 'ERR_LOGIN_REQUIRED' });
      expect(await token()).toBeUndefined();
      expect(session.server.counts).toMatchObject({ refreshes: 1, reuses: 0 });
      await session.signIn();
      expect(await token()).toBeDefined();
    }, 30_000);

    it('asks again at a server that repeats its answers: nothing is lost', async () => {
      session.server.behaviour.serverMetadata['refresh_token_replay_seconds'] = 60;
      session.server.behaviour.replays = true;
      await session.signIn({}, { force: true });
      await interruptRefresh(session);
      const grant = await session.broker.findGrant(session.server.mcp);
      if (grant === undefined) throw new Error('no grant');
      expect((await session.broker.refresh(grant)).accessToken).not.toBe(grant.accessToken);
      expect(session.server.counts).toMatchObject({ refreshes: 1, reuses: 0 });
    }, 30_000);
  });

  it.each([429, 500, 502, 503])(
    'keeps the login after an answer %i and tries again later',
    async (status) => {
      session.clock.advance(4000);
      session.server.behaviour.onToken = (_params, res) => {
        json(res, status, {});
        return true;
      };
      await expect(token()).rejects.toMatchObject({ code: 'ERR_REFRESH_FAILED' });
      session.server.behaviour.onToken = () => false;
      expect(await token()).toBeDefined();
      expect(session.server.counts.reuses).toBe(0);
    },
  );

  it('keeps the login when the request could not leave this machine', async () => {
    session.clock.advance(4000);
    const offline = new Broker({
      home: session.home,
      clock: session.clock,
      fetch: () => Promise.reject(new NetworkError('https://as.example', 'ENOTFOUND', false)),
    });
    await expect(offline.accessToken(session.server.mcp)).rejects.toMatchObject({
      code: 'ERR_REFRESH_FAILED',
    });
    expect(await token()).toBeDefined();
  });

  it('uses a token that is still good when it cannot be renewed early', async () => {
    session.clock.advance(3585);
    session.server.behaviour.onToken = (_params, res) => {
      json(res, 503, {});
      return true;
    };
    expect(await token()).toBe('secret-access-2');
  });

  it('registers anew after the server has forgotten this client (invalid_client)', async () => {
    session.clock.advance(4000);
    session.server.behaviour.onToken = (_params, res) => {
      json(res, 401, { error: 'invalid_client' });
      return true;
    };
    await expect(token()).rejects.toMatchObject({ code: 'ERR_LOGIN_REQUIRED' });
    session.server.behaviour.onToken = () => false;
    await session.signIn();
    expect(session.server.counts.registrations).toBe(2);
  });

  it('revokes refresh and access token on logout, and forgets them (RFC 7009)', async () => {
    expect(await session.broker.logout(session.server.mcp)).toEqual({
      wasSignedIn: true,
      revoked: true,
    });
    expect(session.server.revoked).toEqual(['secret-refresh-2', 'secret-access-2']);
    expect(await token()).toBeUndefined();
    expect(await session.broker.logout(session.server.mcp)).toMatchObject({ wasSignedIn: false });
  });

  it('forgets the tokens also when the server does not revoke them, and says so', async () => {
    delete session.server.behaviour.serverMetadata['revocation_endpoint'];
    await session.signIn({}, { force: true });
    const outcome = await session.broker.logout(session.server.mcp);
    expect(outcome).toMatchObject({ wasSignedIn: true, revoked: false });
    expect(outcome.problem).toMatch(/revocation endpoint/);
    expect(await token()).toBeUndefined();
  });

  it('does not bring a login back that was logged out while its refresh was on its way', async () => {
    session.clock.advance(4000);
    session.server.behaviour.onToken = async () => {
      const grants = await session.broker.store.listGrants();
      for (const { issuer, resource, client } of grants) {
        await session.broker.store.removeGrant(JSON.stringify([issuer, resource, client.clientId]));
      }
      return false;
    };
    await expect(token()).rejects.toMatchObject({ code: 'ERR_LOGIN_REQUIRED' });
    expect(session.server.revoked).toHaveLength(2);
  });
});
