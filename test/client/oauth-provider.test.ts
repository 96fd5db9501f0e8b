import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOAuthProvider } from '../../src/client/index.js';
import { json } from './support/fake-server.js';
import { type FakeSession, startFakeSession } from './support/fake-session.js';

const INFO = { name: 'foreign-client', version: '1.0.0' };
const echo = { name: 'echo', arguments: { text: 'hello' } };
const HELLO = [{ type: 'text', text: 'hello' }];

interface ForeignClient {
  call(): Promise<unknown>;
  close(): Promise<void>;
}

/** The clients that the provider is for, each with nothing of this project but the provider. */
const clients = {
  'SDK v2': async (session: FakeSession): Promise<ForeignClient> => {
    const authProvider = createOAuthProvider({
      broker: session.broker,
      serverUrl: session.server.mcp,
    });
    const client = new Client(INFO, { versionNegotiation: { mode: 'auto' } });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(session.server.mcp), { authProvider }),
    );
    return {
      call: async () => (await client.callTool(echo)).content,
      close: () => client.close(),
    };
  },
  'SDK v1': async (session: FakeSession): Promise<ForeignClient> => {
    const authProvider = createOAuthProvider({
      broker: session.broker,
      serverUrl: session.server.mcp,
    });
    const client = new ClientV1(INFO);
    const transport = new TransportV1(new URL(session.server.mcp), { authProvider });
    await client.connect(transport);
    return {
      call: async () => (await client.callTool(echo)).content,
      close: () => client.close(),
    };
  },
  MultiServerMCPClient: async (session: FakeSession): Promise<ForeignClient> => {
    const authProvider = createOAuthProvider({
      broker: session.broker,
      serverUrl: session.server.mcp,
    });
    const client = new MultiServerMCPClient({
      prefixToolNameWithServerName: false,
      mcpServers: {
        notes: {
          transport: 'http',
          url: session.server.mcp,
          authProvider,
          automaticSSEFallback: false,
        },
      },
    });
    const tools = await client.getTools();
    const tool = tools.find(({ name }) => name === 'echo');
    return {
      call: async () => [
        { type: 'text', text: (await tool?.invoke({ text: 'hello' })) as unknown },
      ],
      close: () => client.close(),
    };
  },
};

describe.each(Object.entries(clients))('the OAuth provider under %s', (_name, open) => {
  let session: FakeSession;

  beforeEach(async () => {
    session = await startFakeSession();
    // The SDK tells the console when it gives up on credentials.
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await session.close();
  });

  it('calls with the stored login', async () => {
    await session.signIn();
    const client = await open(session);
    expect(await client.call()).toEqual(HELLO);
    await client.close();
  });

  it('renews before the end of a token', async () => {
    await session.signIn();
    session.clock.advance(3595);
    const client = await open(session);
    expect(await client.call()).toEqual(HELLO);
    expect(session.server.counts).toMatchObject({ refreshes: 1, reuses: 0 });
    await client.close();
  });

  it('renews after a surprise 401, through the broker, and stores what came', async () => {
    await session.signIn();
    const client = await open(session);
    session.server.rejectAccessTokens();
    expect(await client.call()).toEqual(HELLO);
    expect(session.server.counts).toMatchObject({ reuses: 0, authorizations: 1 });
    await client.close();
  });

  it('renews one at a time when several calls meet the same 401', async () => {
    await session.signIn();
    const client = await open(session);
    session.server.rejectAccessTokens();
    const answers = await Promise.all(Array.from({ length: 4 }, () => client.call()));
    expect(answers).toEqual(Array.from({ length: 4 }, () => HELLO));
    expect(session.server.counts.reuses).toBe(0);
    await client.close();
  });

  it('lets this project renew as well, after it', async () => {
    await session.signIn();
    const client = await open(session);
    session.server.rejectAccessTokens();
    await client.call();
    session.clock.advance(4000);
    expect(await session.broker.accessToken(session.server.mcp)).toMatch(/^secret-access-/);
    expect(session.server.counts.reuses).toBe(0);
    await client.close();
  });

  it('opens no browser and registers nothing when nobody is signed in', async () => {
    await expect(open(session)).rejects.toThrow(/login/);
    expect(session.server.counts).toMatchObject({ registrations: 0, authorizations: 0 });
  });

  it('marks the login as over when the server refuses to renew it', async () => {
    await session.signIn();
    const client = await open(session);
    session.server.rejectAccessTokens();
    session.server.behaviour.onToken = (_params, res) => {
      json(res, 400, { error: 'invalid_grant' });
      return true;
    };
    await expect(client.call()).rejects.toThrow();
    expect(await session.broker.findGrant(session.server.mcp)).toMatchObject({
      ended: { reason: 'the server refuses to renew it' },
    });
    await client.close();
  });
});

describe('the OAuth provider', () => {
  it("gives the last used issuer's tokens without a context, and another issuer nothing", async () => {
    const session = await startFakeSession();
    const grant = await session.signIn();
    const provider = createOAuthProvider({ broker: session.broker, serverUrl: session.server.mcp });
    expect(await provider.tokens()).toMatchObject({
      access_token: grant.accessToken,
      issuer: session.server.origin,
    });
    expect(await provider.tokens({ issuer: 'https://other.example' })).toBeUndefined();
    expect(JSON.stringify(await provider.tokens())).not.toContain('refresh');
    await session.close();
  });
});
