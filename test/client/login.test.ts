import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Broker, login } from '../../src/client/index.js';
import { fakeBrowser, json } from './support/fake-server.js';
import { type FakeSession, startFakeSession } from './support/fake-session.js';

describe('login', () => {
  let session: FakeSession;

  beforeEach(async () => {
    session = await startFakeSession();
  });

  afterEach(() => session.close());

  it('goes 401, resource metadata, server metadata, registration, authorization, token, in that order', async () => {
    const grant = await session.signIn();
    expect(session.server.log).toEqual([
      'POST /mcp',
      'GET /.well-known/oauth-protected-resource/mcp',
      'GET /.well-known/oauth-authorization-server',
      'POST /register',
      'GET /authorize',
      'POST /token',
    ]);
    expect(grant).toMatchObject({
      issuer: session.server.origin,
      resource: session.server.mcp,
      scopes: ['notes:read'],
      client: { source: 'dynamic', clientId: 'client-1' },
    });
  });

  it('asks with S256, state, resource and the challenged scope (RFC 7636, RFC 8707)', async () => {
    await session.signIn();
    const asked = session.server.lastAuthorization();
    expect(asked.get('code_challenge_method')).toBe('S256');
    expect(asked.get('code_challenge')).toMatch(/^[\w-]{43}$/);
    expect(asked.get('state')).toMatch(/^[\w-]{43}$/);
    expect(asked.get('resource')).toBe(session.server.mcp);
    expect(asked.get('scope')).toBe('notes:read');
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/oauth\/callback$/);
  });

  it('registers as a native application that keeps no secret (SEP-837)', async () => {
    let body: Record<string, unknown> = {};
    session.server.behaviour.onRegister = (received) => {
      body = received;
      return false;
    };
    await session.signIn();
    expect(body).toMatchObject({
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    });
  });

  it('asks for every listed scope when the challenge names none, and adds offline_access where it is listed', async () => {
    session.server.behaviour.challengeScope = undefined;
    session.server.behaviour.serverMetadata['scopes_supported'] = ['offline_access'];
    await session.signIn();
    expect(session.server.lastAuthorization().get('scope')).toBe(
      'notes:read notes:write offline_access',
    );
    expect(session.server.lastAuthorization().get('prompt')).toBe('consent');
  });

  it('leaves the scope out when nobody names one', async () => {
    session.server.behaviour.challengeScope = undefined;
    delete session.server.behaviour.resourceMetadata['scopes_supported'];
    await session.signIn();
    expect(session.server.lastAuthorization().has('scope')).toBe(false);
  });

  it('does not register again for a second login on the registered address', async () => {
    const first = await session.signIn();
    const port = Number(new URL(first.client.redirectUris[0] ?? '').port);
    await session.signIn({ callbackPort: port }, { force: true });
    expect(session.server.counts).toMatchObject({ registrations: 1, authorizations: 2 });
  });

  it('opens no browser while a login is usable', async () => {
    await session.signIn();
    await session.signIn({ openBrowser: () => Promise.reject(new Error('opened')) });
    expect(session.server.counts.authorizations).toBe(1);
  });

  it('opens one browser for many logins at once: the others take its result', async () => {
    const grants = await Promise.all(Array.from({ length: 5 }, () => session.signIn()));
    expect(session.server.counts.authorizations).toBe(1);
    expect(new Set(grants.map((grant) => grant.accessToken)).size).toBe(1);
  });

  it('uses a pre-registered client, and sends its secret to no other issuer', async () => {
    session.server.behaviour.serverMetadata['token_endpoint_auth_methods_supported'] = [
      'client_secret_basic',
    ];
    const preRegistered = {
      clientId: 'known',
      clientSecret: 's3cret',
      issuer: session.server.origin,
    };
    const grant = await session.signIn({ preRegistered });
    expect(grant.client).toMatchObject({ clientId: 'known', source: 'pre-registered' });
    expect(session.server.counts.registrations).toBe(0);
    await expect(
      session.signIn(
        { preRegistered: { ...preRegistered, issuer: 'https://other.example' } },
        { force: true },
      ),
    ).rejects.toMatchObject({ code: 'ERR_CLIENT_REGISTRATION' });
  });

  it('uses a metadata document as client id only where the server takes one (SEP-991)', async () => {
    const metadataDocumentUrl = 'https://client.example/catalog.json';
    expect((await session.signIn({ metadataDocumentUrl })).client.source).toBe('dynamic');
    session.server.behaviour.serverMetadata['client_id_metadata_document_supported'] = true;
    const grant = await session.signIn({ metadataDocumentUrl }, { force: true });
    expect(grant.client).toMatchObject({
      clientId: metadataDocumentUrl,
      source: 'metadata-document',
    });
  });

  it('says what the server said when it refuses the registration', async () => {
    session.server.behaviour.onRegister = (_body, res) => {
      json(res, 400, { error: 'invalid_redirect_uri', error_description: 'no loopback\u001b[31m' });
      return true;
    };
    const failure = await session.signIn().catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'ERR_CLIENT_REGISTRATION' });
    expect((failure as Error).message).toMatch(/invalid_redirect_uri, no loopback \[31m/);
    expect((failure as Error).message).toContain('--client-id');
  });

  it.each([
    ['missing although announced', null, true],
    ['of another server', 'https://evil.example', true],
    ['with a slash too many', 'slash', true],
    ['unannounced and wrong', 'https://evil.example', false],
  ])(
    'refuses an answer whose iss is %s, before the code is used (RFC 9207 §2.4)',
    async (_name, iss, isAnnounced) => {
      const { behaviour, origin, log } = session.server;
      behaviour.iss = iss === 'slash' ? `${origin}/` : iss;
      behaviour.serverMetadata['authorization_response_iss_parameter_supported'] = isAnnounced;
      await expect(session.signIn()).rejects.toMatchObject({ code: 'ERR_LOGIN_FAILED' });
      expect(log).not.toContain('POST /token');
    },
  );

  it('shows no error text of an answer with the wrong iss', async () => {
    const { behaviour } = session.server;
    behaviour.iss = 'https://evil.example';
    behaviour.answer = (params) => {
      params.delete('code');
      params.set('error', 'access_denied');
      params.set('error_description', 'call 555-1234');
    };
    const failure = await session.signIn().catch((error: unknown) => error as Error);
    expect((failure as Error).message).not.toContain('555');
  });

  it('says why the server ended the login', async () => {
    session.server.behaviour.answer = (params) => {
      params.delete('code');
      params.set('error', 'access_denied');
    };
    await expect(session.signIn()).rejects.toThrow(/access_denied/);
  });

  it('ends with a clear error when nobody answers in time', async () => {
    await expect(
      session.signIn({ openBrowser: () => Promise.resolve(), timeoutSeconds: 0.05 }),
    ).rejects.toMatchObject({ code: 'ERR_LOGIN_TIMEOUT' });
  });

  it('goes on with the printed address when no browser opens', async () => {
    let printed: URL | undefined;
    const grant = session.signIn({
      openBrowser: () => Promise.reject(new Error('no browser here')),
      onUrl: (url) => {
        printed = url;
        void fakeBrowser(url);
      },
    });
    await expect(grant).resolves.toMatchObject({ issuer: session.server.origin });
    expect(printed?.pathname).toBe('/authorize');
  });

  it.each([
    'javascript:alert(1)',
    'http://evil.example/authorize',
    'file:///etc/passwd',
    'https://u:p@h.example/a',
  ])('opens no sign-in address like %s', async (address) => {
    session.server.behaviour.serverMetadata['authorization_endpoint'] = address;
    let isOpened = false;
    const attempt = session.signIn({
      openBrowser: () => {
        isOpened = true;
        return Promise.resolve();
      },
    });
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_DISCOVERY' });
    expect(isOpened).toBe(false);
  });

  it('takes another port when the preferred one is busy, or says so when it may not', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    try {
      await expect(session.signIn({ callbackPort: port })).resolves.toBeDefined();
      await expect(
        session.signIn({ callbackPort: port, allowOtherPort: false }, { force: true }),
      ).rejects.toMatchObject({ code: 'ERR_CALLBACK_PORT', port });
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
  });

  it('keeps what one profile holds out of another', async () => {
    await session.signIn();
    const other = new Broker({ home: session.home, profile: 'other' });
    expect(await other.findGrant(session.server.mcp)).toBeUndefined();
    await login(session.server.mcp, { broker: other, openBrowser: fakeBrowser, callbackPort: 0 });
    await other.logout(session.server.mcp);
    expect(await session.broker.accessToken(session.server.mcp)).toBeDefined();
  });
});
