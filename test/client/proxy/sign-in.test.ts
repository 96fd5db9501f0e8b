import { describe, expect, it } from 'vitest';
import { login } from '../../../src/client/login/login.js';
import type { HelperRequest } from '../../../src/client/proxy/sign-in.js';
import { type FakeServer, fakeBrowser, startFakeServer } from '../support/fake-server.js';
import { TestHost, afterThis, emptyBroker, textOf } from './support.js';

async function start(): Promise<FakeServer> {
  const server = await startFakeServer();
  afterThis(() => server.close());
  return server;
}

const names = (answer: { result?: Record<string, unknown> }): string[] =>
  (answer.result?.['tools'] as { name: string }[]).map(({ name }) => name);

/** Proxies of one profile, with a helper that signs in within this process. */
function profileOf(server: FakeServer) {
  const { broker, home } = emptyBroker();
  const launched: HelperRequest[] = [];
  const launchHelper = async (request: HelperRequest): Promise<void> => {
    launched.push(request);
    const grant = await broker.findGrant(server.mcp);
    await login(
      server.mcp,
      {
        broker,
        openBrowser: fakeBrowser,
        callbackPort: 0,
        ...(request.scopes.length > 0 && { scopes: request.scopes }),
      },
      { notGrant: request.refusedToken === undefined ? undefined : grant },
    );
    await broker.store.changeLogin(server.mcp, request.id, () => undefined);
  };
  return {
    broker,
    launched,
    open: () => new TestHost(server.mcp, { broker, home, launchHelper }),
  };
}

describe('the proxy with nobody signed in', () => {
  it('answers initialize without a login, and offers sign_in alone', async () => {
    const { open, launched } = profileOf(await start());
    const host = open();
    expect((await host.initialize()).result).toMatchObject({
      protocolVersion: '2025-11-25',
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'catalog-client-proxy' },
    });
    expect(names(await host.request('tools/list'))).toEqual(['sign_in']);
    expect((await host.request('prompts/list')).result).toEqual({ prompts: [] });
    expect((await host.request('resources/list')).result).toEqual({ resources: [] });
    expect(launched).toEqual([]);
  });

  it('answers server/discover of a 2026 host likewise', async () => {
    const { open } = profileOf(await start());
    const host = open();
    expect((await host.modern('server/discover')).result).toMatchObject({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      ttlMs: 0,
    });
    const listed = await host.modern('tools/list');
    expect(names(listed)).toEqual(['sign_in']);
    expect(listed.result).toMatchObject({ resultType: 'complete', cacheScope: 'private' });
  });

  it('tells a model that calls another tool what to do, without going to the network again', async () => {
    const server = await start();
    const { open } = profileOf(server);
    const host = open();
    await host.initialize();
    await host.request('tools/list');
    const requests = server.log.length;
    const answer = await host.request('tools/call', { name: 'echo', arguments: { text: 'x' } });
    expect(answer.result).toMatchObject({ isError: true });
    expect(textOf(answer)).toContain('Call the tool sign_in');
    expect(server.log.length).toBe(requests);
  });

  it('has the real tools after sign_in, and says that the lists have changed', async () => {
    const { open } = profileOf(await start());
    const host = open();
    await host.initialize();
    await host.request('tools/list');
    expect(textOf(await host.request('tools/call', { name: 'sign_in' }))).toContain('Signed in');
    await host.until(({ method }) => method === 'notifications/tools/list_changed');
    expect(names(await host.request('tools/list'))).toContain('echo');
    const answer = await host.request('tools/call', { name: 'echo', arguments: { text: 'hi' } });
    expect(textOf(answer)).toBe('hi');
  });

  it('asks one person once, however many hosts ask, and serves them all', async () => {
    const { open, launched } = profileOf(await start());
    const hosts = Array.from({ length: 5 }, open);
    await Promise.all(
      hosts.map(async (host) => {
        await host.initialize();
        await host.request('tools/list');
      }),
    );
    await Promise.all(
      hosts.slice(1).map((host) => host.request('tools/call', { name: 'sign_in' })),
    );
    // The one that asked nothing hears of it too.
    for (const host of hosts) {
      await host.until(({ method }) => method === 'notifications/tools/list_changed');
      expect(names(await host.request('tools/list'))).toContain('echo');
    }
    expect(launched.length).toBe(1);
  });

  it('says why a login failed, and may try again', async () => {
    const server = await start();
    server.behaviour.answer = (params) => params.set('error', 'access_denied');
    const { open, launched } = profileOf(server);
    const host = open();
    await host.initialize();
    const answer = await host.request('tools/call', { name: 'sign_in' });
    expect(answer.result).toMatchObject({ isError: true });
    expect(textOf(answer)).toContain('access_denied');
    server.behaviour.answer = () => undefined;
    expect(textOf(await host.request('tools/call', { name: 'sign_in' }))).toContain('Signed in');
    expect(launched.length).toBe(2);
  });
});

describe('the proxy with somebody signed in', () => {
  async function signedIn() {
    const server = await start();
    const profile = profileOf(server);
    await login(server.mcp, { broker: profile.broker, openBrowser: fakeBrowser, callbackPort: 0 });
    const host = profile.open();
    await host.initialize();
    return { server, host, ...profile };
  }

  it('lists the real tools at once', async () => {
    const { host, launched } = await signedIn();
    expect(names(await host.request('tools/list'))).toContain('echo');
    expect(launched).toEqual([]);
  });

  it('renews a token that is refused in mid-session, once for all calls', async () => {
    const { server, host, launched } = await signedIn();
    await host.request('tools/list');
    server.rejectAccessTokens();
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((text) =>
        host.request('tools/call', { name: 'echo', arguments: { text } }),
      ),
    );
    expect(answers.map(textOf)).toEqual(['a', 'b', 'c', 'd']);
    expect(server.counts).toMatchObject({ refreshes: 1, reuses: 0 });
    expect(launched).toEqual([]);
  });

  it('asks for the union of scopes in the middle of a call, then makes the call', async () => {
    const { server, host, launched } = await signedIn();
    const answer = await host.request('tools/call', {
      name: 'write_note',
      arguments: { text: 'x' },
    });
    expect(answer.result?.['isError']).not.toBe(true);
    expect(launched.map(({ scopes }) => scopes)).toEqual([['notes:read', 'notes:write']]);
    expect(server.lastAuthorization().get('scope')).toBe('notes:read notes:write');
  });

  it('goes back to sign_in when the grant has ended, and says that the lists have changed', async () => {
    const { server, host, broker } = await signedIn();
    await host.request('tools/list');
    server.behaviour.onToken = (_params, res) => {
      res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
      return true;
    };
    server.rejectAccessTokens();
    const answer = await host.request('tools/call', { name: 'echo', arguments: { text: 'x' } });
    expect(textOf(answer)).toContain('Call the tool sign_in');
    await host.until(({ method }) => method === 'notifications/tools/list_changed');
    expect(names(await host.request('tools/list'))).toEqual(['sign_in']);
    expect((await broker.findGrant(server.mcp))?.ended).toBeDefined();
    server.behaviour.onToken = () => false;
    await host.request('tools/call', { name: 'sign_in' });
    expect(names(await host.request('tools/list'))).toContain('echo');
  });
});
