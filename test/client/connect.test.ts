import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, createAuthorizedFetch } from '../../src/client/index.js';
import { json, fakeBrowser } from './support/fake-server.js';
import { type FakeSession, startFakeSession } from './support/fake-session.js';

const echo = { name: 'echo', arguments: { text: 'hello' } };
const HELLO = [{ type: 'text', text: 'hello' }];

describe('connect', () => {
  let session: FakeSession;

  beforeEach(async () => {
    session = await startFakeSession();
  });

  afterEach(() => session.close());

  it('calls a tool with the stored login', async () => {
    await session.signIn();
    const client = await connect(session.server.mcp, { broker: session.broker });
    expect((await client.callTool(echo)).content).toEqual(HELLO);
    await client.close();
  });

  it('says that a login is needed when nobody is signed in, and opens nothing', async () => {
    await expect(connect(session.server.mcp, { broker: session.broker })).rejects.toMatchObject({
      code: 'ERR_LOGIN_REQUIRED',
      serverUrl: session.server.mcp,
    });
    expect(session.server.counts.authorizations).toBe(0);
  });

  it('signs in on the way where that is allowed', async () => {
    const client = await connect(session.server.mcp, {
      broker: session.broker,
      login: { openBrowser: fakeBrowser, callbackPort: 0 },
    });
    expect((await client.callTool(echo)).content).toEqual(HELLO);
    await client.close();
  });

  it('renews the token before it ends, without a 401', async () => {
    await session.signIn();
    session.clock.advance(3590);
    const client = await connect(session.server.mcp, { broker: session.broker });
    await client.close();
    expect(session.server.counts.refreshes).toBe(1);
  });

  it('renews once after a surprise 401, however many calls meet it, and repeats them', async () => {
    await session.signIn();
    const client = await connect(session.server.mcp, { broker: session.broker });
    session.server.rejectAccessTokens();
    const results = await Promise.all(Array.from({ length: 5 }, () => client.callTool(echo)));
    expect(results.map((result) => result.content)).toEqual(Array.from({ length: 5 }, () => HELLO));
    expect(session.server.counts).toMatchObject({ refreshes: 1, reuses: 0, authorizations: 1 });
    await client.close();
  });

  it('takes a refusal to renew as final: says so once, asks never again', async () => {
    await session.signIn();
    const client = await connect(session.server.mcp, { broker: session.broker });
    session.server.rejectAccessTokens();
    let asked = 0;
    session.server.behaviour.onToken = (_params, res) => {
      asked++;
      json(res, 400, { error: 'invalid_grant', error_description: 'revoked' });
      return true;
    };
    await expect(client.callTool(echo)).rejects.toMatchObject({ code: 'ERR_LOGIN_REQUIRED' });
    await expect(client.callTool(echo)).rejects.toThrow(/invalid_grant: revoked/);
    expect(asked).toBe(1);
    await client.close();
  });

  it('gives up after one renewal when the server refuses the new token as well', async () => {
    await session.signIn();
    session.server.behaviour.accessTokenTtl = -1;
    session.server.rejectAccessTokens();
    await expect(connect(session.server.mcp, { broker: session.broker })).rejects.toMatchObject({
      code: 'ERR_CREDENTIALS_REJECTED',
    });
    expect(session.server.counts.refreshes).toBe(1);
  });

  it('names the scopes that are missing when no login may start (RFC 6750 §3.1)', async () => {
    await session.signIn();
    const client = await connect(session.server.mcp, { broker: session.broker });
    await expect(
      client.callTool({ name: 'write_note', arguments: { text: 'x' } }),
    ).rejects.toMatchObject({ code: 'ERR_SCOPE_REQUIRED', scopes: ['notes:read', 'notes:write'] });
    await client.close();
  });

  it('steps up with the union of scopes and repeats the call (SEP-2350)', async () => {
    await session.signIn();
    const client = await connect(session.server.mcp, {
      broker: session.broker,
      login: { openBrowser: fakeBrowser, callbackPort: 0 },
    });
    const result = await client.callTool({ name: 'write_note', arguments: { text: 'x' } });
    expect(result.content).toEqual([{ type: 'text', text: 'written' }]);
    expect(session.server.lastAuthorization().get('scope')).toBe('notes:read notes:write');
    await client.close();
  });

  it('asks at most three times in all when the server never has enough', async () => {
    await session.signIn();
    session.server.behaviour.writeScope = 'notes:never';
    session.server.behaviour.onToken = (params, res) => {
      if (params.get('grant_type') !== 'authorization_code') return false;
      json(res, 200, {
        access_token: 'secret-access-1',
        token_type: 'Bearer',
        scope: 'notes:read',
      });
      return true;
    };
    const client = await connect(session.server.mcp, {
      broker: session.broker,
      login: { openBrowser: fakeBrowser, callbackPort: 0 },
    });
    await expect(
      client.callTool({ name: 'write_note', arguments: { text: 'x' } }),
    ).rejects.toThrow();
    expect(session.server.counts.authorizations).toBe(3);
    await client.close();
  });

  it('asks for a login when the server has moved to another authorization server', async () => {
    await session.signIn();
    const { behaviour, origin } = session.server;
    const other = origin.replace('127.0.0.1', 'localhost');
    behaviour.resourceMetadata['authorization_servers'] = [other];
    behaviour.serverMetadata['issuer'] = other;
    session.server.rejectAccessTokens();
    await expect(connect(session.server.mcp, { broker: session.broker })).rejects.toThrow(
      `moved from ${origin} to ${other}`,
    );
    expect(session.server.counts.refreshes).toBe(0);
  });

  it('sends an API key and own headers to the MCP server, and no token', async () => {
    await session.signIn();
    const client = await connect(session.server.mcp, {
      broker: session.broker,
      apiKey: 'key-that-is-good',
      headers: { 'x-team': 'blue' },
    });
    await client.listTools();
    const headers = session.server.lastMcpHeaders();
    expect(headers).toMatchObject({ 'x-api-key': 'key-that-is-good', 'x-team': 'blue' });
    expect(headers.authorization).toBeUndefined();
    await client.close();
  });

  it('says that an API key is not accepted', async () => {
    await expect(connect(session.server.mcp, { apiKey: 'key-that-is-bad' })).rejects.toMatchObject({
      code: 'ERR_CREDENTIALS_REJECTED',
    });
  });

  it('sends its token to no other origin', async () => {
    await session.signIn();
    const fetch = createAuthorizedFetch({
      serverUrl: session.server.mcp,
      broker: session.broker,
      fetch: () => Promise.reject(new Error('sent')),
      oauthFetch: () => Promise.reject(new Error('sent')),
    });
    await expect(fetch('https://evil.example/mcp')).rejects.toThrow(TypeError);
  });
});
