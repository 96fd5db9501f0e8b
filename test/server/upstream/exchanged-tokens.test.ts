import { z } from 'zod';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ExchangedTokensOptions,
  type Principal,
  createExchangedTokens,
  createInboundTokens,
  createRegistry,
  createUpstreams,
  defineTool,
} from '../../../src/server/index.js';
import { rememberToken } from '../../../src/server/upstream/inbound-tokens.js';
import { type TestServer, startTestServer, testClock } from '../support/test-server.js';
import {
  type RpcMessage,
  legacyRequest,
  messagesOf,
  modernRequest,
  openSession,
} from '../support/wire.js';

const AS = 'https://as.example.com';
const ada: Principal = {
  issuer: 'local',
  subject: 'ada',
  tenant: 'acme',
  scopes: [],
  clientId: 'client',
  method: 'oauth',
  expiresAt: undefined,
};

/** An authorization server that gives `up-1`, `up-2` and so on, and an API: both keep what they are sent. */
function setUp(answers: Response[] = [], changes: Partial<ExchangedTokensOptions> = {}) {
  const sent: { url: string; authorization: string | null; body: string }[] = [];
  const clock = testClock();
  const inboundTokens = createInboundTokens();
  let count = 0;
  const fetch: NonNullable<ExchangedTokensOptions['fetch']> = async (input, init) => {
    const { href } = new URL(input instanceof Request ? input.url : input);
    const authorization = new Headers(init?.headers).get('authorization');
    sent.push({ url: href, authorization, body: typeof init?.body === 'string' ? init.body : '' });
    if (!href.startsWith(AS)) return new Response('fine');
    count += 1;
    const token = { access_token: `up-${count}`, token_type: 'Bearer', expires_in: 600 };
    return answers.shift() ?? Response.json(token);
  };
  const tokens = createExchangedTokens({
    issuer: AS,
    identity: 'local',
    clientId: 'mcp',
    clientSecret: 'client-secret',
    inboundTokens,
    clock,
    fetch,
    ...changes,
  });
  return { tokens, inboundTokens, sent, clock, fetch };
}

describe('tokens exchanged at the issuer (RFC 8693)', () => {
  it('are had for the very token that the caller showed, and name the provider', async () => {
    const { tokens, inboundTokens, sent, clock } = setUp();
    rememberToken(inboundTokens, ada, 'inbound');
    expect(await tokens.tokenFor(ada, 'university')).toEqual({
      ok: true,
      value: { accessToken: 'up-1', expiresAt: clock.nowMs() / 1000 + 600 },
    });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toBe(`${AS}/token`);
    expect(Object.fromEntries(new URLSearchParams(sent[0]?.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'inbound',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'university',
    });
  });

  it('are asked for once for calls at the same time, and again after a minute', async () => {
    const { tokens, inboundTokens, sent, clock } = setUp();
    rememberToken(inboundTokens, ada, 'inbound');
    await Promise.all([tokens.tokenFor(ada, 'u'), tokens.tokenFor(ada, 'u')]);
    clock.advance(59);
    await tokens.tokenFor(ada, 'u');
    expect(sent).toHaveLength(1);
    clock.advance(1);
    expect(await tokens.tokenFor(ada, 'u')).toMatchObject({ value: { accessToken: 'up-2' } });
  });

  it('are not kept beyond their own end', async () => {
    const brief = { access_token: 'brief', token_type: 'Bearer', expires_in: 40 };
    const { tokens, inboundTokens, clock } = setUp([Response.json(brief)]);
    rememberToken(inboundTokens, ada, 'inbound');
    await tokens.tokenFor(ada, 'u');
    clock.advance(10);
    expect(await tokens.tokenFor(ada, 'u')).toMatchObject({ value: { accessToken: 'up-2' } });
  });

  it('belong to the call: an equal principal of another call has none', async () => {
    const { tokens, inboundTokens, sent } = setUp();
    rememberToken(inboundTokens, ada, 'inbound');
    await tokens.tokenFor(ada, 'u');
    expect(await tokens.tokenFor({ ...ada }, 'u')).toEqual({ ok: false, error: 'none' });
    expect(sent).toHaveLength(1);
  });

  it("are never asked for with another issuer's token", async () => {
    const { tokens, inboundTokens, sent } = setUp();
    const stranger = { ...ada, issuer: 'https://other.example.com' };
    rememberToken(inboundTokens, stranger, 'inbound');
    expect(await tokens.tokenFor(stranger, 'u')).toEqual({ ok: false, error: 'none' });
    expect(sent).toEqual([]);
  });

  it.each([
    ['invalid_target', 400, 'none'],
    [undefined, 503, 'unavailable'],
  ])(
    'are told apart: the answer %s (%s) means %s, and is asked for anew',
    async (error, status, expected) => {
      const { tokens, inboundTokens, sent } = setUp([Response.json({ error }, { status })]);
      rememberToken(inboundTokens, ada, 'inbound');
      expect(await tokens.tokenFor(ada, 'u')).toEqual({ ok: false, error: expected });
      expect(await tokens.tokenFor(ada, 'u')).toMatchObject({ ok: true });
      expect(sent).toHaveLength(2);
    },
  );

  it('are refused with a reason for the owner when the client is, without anything that was sent', async () => {
    const { tokens, inboundTokens } = setUp([
      Response.json({ error: 'invalid_client' }, { status: 401 }),
    ]);
    rememberToken(inboundTokens, ada, 'inbound-token');
    const refused = await tokens.tokenFor(ada, 'u').catch((error: unknown) => error);
    expect(refused).toMatchObject({ reason: 'refused', oauthError: 'invalid_client' });
    expect(String(refused)).not.toMatch(/inbound-token|client-secret/);
  });

  it.each([
    ['http://as.example.com', undefined],
    ['not a URL', undefined],
    [AS, 'https://elsewhere.example.com/token'],
    [AS, 'http://as.example.com/token'],
  ])('cannot go to a place that is not the issuer: %s with %s', (issuer, tokenEndpoint) => {
    const changes = { issuer, ...(tokenEndpoint !== undefined && { tokenEndpoint }) };
    expect(() => setUp([], changes)).toThrow(TypeError);
  });
});

describe('a server whose tools call with exchanged tokens', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  const callApi = { name: 'call_api', arguments: {} };
  const isError = ([message]: RpcMessage[]): unknown => message?.result?.['isError'];

  async function start() {
    const { tokens, inboundTokens, sent, fetch } = setUp();
    const tool = defineTool({
      name: 'call_api',
      description: 'Calls the API on behalf of the person who asks.',
      scopes: ['notes:read'],
      input: z.object({}),
      async handler(_args, context) {
        const answer = await context.upstream('api').fetch('/');
        return { content: [{ type: 'text', text: await answer.text() }] };
      },
    });
    server = await startTestServer({
      registry: createRegistry({ tools: [tool] }),
      inboundTokens,
      upstreams: createUpstreams(
        {
          api: {
            origins: ['https://api.example.com'],
            credential: { kind: 'stored', provider: 'university', tokens },
          },
        },
        { fetch },
      ),
    });
    return { mcpUrl: server.mcpUrl, server, sent };
  }

  it('finds the token of the call on every way through the server, and shows it to its issuer alone', async () => {
    const { mcpUrl, server: running, sent } = await start();
    const meta = { _meta: { progressToken: 1 } };
    const ways = [
      (token: string) => fetch(mcpUrl, modernRequest('tools/call', callApi, { token })),
      async (token: string) => {
        const session = await openSession(mcpUrl, { token });
        return fetch(mcpUrl, legacyRequest('tools/call', callApi, { token, session }));
      },
      async (token: string) => {
        const session = await openSession(mcpUrl, { token });
        const params = { ...callApi, ...meta };
        return fetch(mcpUrl, legacyRequest('tools/call', params, { token, session }));
      },
    ];
    for (const way of ways) {
      sent.splice(0);
      const token = await running.token({ claims: { jti: `token-${ways.indexOf(way)}` } });
      expect(isError(await messagesOf(await way(token)))).toBeUndefined();
      expect(sent.map(({ url }) => url)).toEqual([`${AS}/token`, 'https://api.example.com/']);
      expect(new URLSearchParams(sent[0]?.body).get('subject_token')).toBe(token);
      expect(sent[1]?.authorization).toMatch(/^Bearer up-\d$/);
    }
  });

  it('tells a caller with an API key what is missing', async () => {
    const { mcpUrl, server: running, sent } = await start();
    const apiKey = await running.apiKey();
    const answer = await fetch(mcpUrl, modernRequest('tools/call', callApi, { apiKey }));
    expect((await messagesOf(answer))[0]?.result).toMatchObject({
      isError: true,
      content: [
        {
          text: 'no credential for the upstream "api": the person has to sign in there first',
        },
      ],
    });
    expect(sent).toEqual([]);
  });
});
