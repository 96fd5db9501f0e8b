import { inspect } from 'node:util';
import { decodeJwt, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  type Principal,
  type StoredUpstreamTokens,
  type UpstreamDefinition,
  UpstreamCredentialError,
  UpstreamOriginError,
  assertSubject,
  createUpstreams,
  err,
  ok,
} from '../../../src/server/index.js';
import {
  type UpstreamCredential,
  sealCredential,
} from '../../../src/server/upstream/credential.js';
import { sendWithCredential } from '../../../src/server/upstream/upstreams.js';

const ada: Principal = {
  issuer: 'local',
  subject: 'ada',
  tenant: 'acme',
  scopes: [],
  clientId: 'client',
  method: 'oauth',
  expiresAt: undefined,
};
const bob: Principal = { ...ada, subject: 'bob' };
const machine: Principal = { ...ada, subject: 'robot', method: 'machine' };
const API = 'https://api.example.com';
const TOKEN_ENDPOINT = 'https://as.example.com/token';
const never = new AbortController();

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly redirect: unknown;
}

/** An upstream API and a token endpoint in one. */
function setUp(definition: UpstreamDefinition, answers: readonly Response[] = []) {
  const sent: Sent[] = [];
  const queue = [...answers];
  let count = 0;
  let nowMs = 1_700_000_000_000;
  const upstreams = createUpstreams(
    { github: definition },
    {
      clock: { nowMs: () => nowMs },
      async fetch(input, init) {
        const { href } = new URL(input instanceof Request ? input.url : input);
        sent.push({
          url: href,
          headers: new Headers(init?.headers),
          body: typeof init?.body === 'string' ? init.body : '',
          redirect: init?.redirect,
        });
        const next = queue.shift();
        if (next !== undefined) return next;
        if (href !== TOKEN_ENDPOINT) return new Response('ok');
        count += 1;
        return Response.json({
          access_token: `up-${count}`,
          token_type: 'Bearer',
          expires_in: 300,
        });
      },
    },
  );
  return {
    sent,
    tick: (ms: number) => (nowMs += ms),
    open: (principal: Principal | undefined = ada) =>
      upstreams.open('github', principal, () => never.signal),
    upstreams,
  };
}

const fixed: UpstreamDefinition = {
  origins: [API],
  credential: { kind: 'static', secret: 'service-secret' },
};
const client = { tokenEndpoint: TOKEN_ENDPOINT, clientId: 'us:1', clientSecret: 's p' };

describe('an upstream', () => {
  it('is called with its own credential', async () => {
    const { open, sent } = setUp(fixed);
    const response = await open().fetch('/user?x=1', { headers: { accept: 'text/plain' } });
    expect(await response.text()).toBe('ok');
    expect(sent[0]?.url).toBe(`${API}/user?x=1`);
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer service-secret');
    expect(sent[0]?.headers.get('accept')).toBe('text/plain');
  });

  it('sends it in the header that the owner names', async () => {
    const { open, sent } = setUp({ ...fixed, header: { name: 'x-api-token' } });
    await open().fetch('/');
    expect(sent[0]?.headers.get('x-api-token')).toBe('service-secret');
    expect(sent[0]?.headers.get('authorization')).toBeNull();
  });

  it.each([
    'https://evil.example/',
    'https://api.example.com.evil.example/',
    'https://api.example.com:8443/',
    'http://api.example.com/',
    '//evil.example/x',
    'https://api.example.com@evil.example/',
    'data:text/plain,x',
    'https://',
  ])('is not called at %s, and no credential is even asked for', async (target) => {
    const { open, sent } = setUp({
      ...fixed,
      credential: { kind: 'client-credentials', ...client },
    });
    await expect(open().fetch(target)).rejects.toThrow(UpstreamOriginError);
    expect(sent).toEqual([]);
  });

  it.each(['Authorization', 'cookie', 'Proxy-Authorization'])(
    'leaves the header %s to nobody but itself',
    async (name) => {
      const { open, sent } = setUp(fixed);
      await expect(open().fetch('/', { headers: { [name]: 'x' } })).rejects.toThrow(TypeError);
      expect(sent).toEqual([]);
    },
  );

  it('follows no redirect, whatever a tool asks for', async () => {
    const { open, sent } = setUp(fixed);
    await open().fetch('/', { redirect: 'follow' } as object);
    expect(sent[0]?.redirect).toBeUndefined();
  });

  it('has to be known, with origins that keep a secret', () => {
    expect(() => setUp(fixed).upstreams.open('gitlab', ada, () => never.signal)).toThrow(
      'no upstream is called "gitlab": there is github',
    );
    for (const origins of [[], ['http://api.example.com'], [`${API}/v1`], ['nonsense']]) {
      expect(() => setUp({ ...fixed, origins })).toThrow(TypeError);
    }
    const credential = {
      kind: 'client-credentials',
      ...client,
      tokenEndpoint: 'http://as.example/t',
    } as const;
    expect(() => setUp({ ...fixed, credential })).toThrow('token endpoint');
  });
});

describe('a service credential (RFC 6749 §4.4)', () => {
  const service = (): UpstreamDefinition => ({
    origins: [API],
    credential: { kind: 'client-credentials', ...client, scopes: ['read', 'write'], resource: API },
  });

  it('is one for everybody, until shortly before it ends', async () => {
    const { open, sent, tick } = setUp(service());
    await Promise.all([open(ada).fetch('/'), open(bob).fetch('/')]);
    await open().fetch('/');
    const asked = () => sent.filter(({ url }) => url === TOKEN_ENDPOINT);
    expect(asked()).toHaveLength(1);
    expect(asked()[0]?.headers.get('authorization')).toBe(
      `Basic ${Buffer.from('us%3A1:s+p').toString('base64')}`,
    );
    expect(Object.fromEntries(new URLSearchParams(asked()[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'read write',
      resource: API,
    });
    tick(271_000);
    await open().fetch('/');
    expect(asked()).toHaveLength(2);
    expect(sent.at(-1)?.headers.get('authorization')).toBe('Bearer up-2');
  });

  it('is asked for anew when the upstream refuses it', async () => {
    const { open, sent } = setUp(service(), [
      Response.json({ access_token: 'old', token_type: 'bearer', expires_in: 300 }),
      new Response('', { status: 401 }),
    ]);
    expect((await open().fetch('/')).status).toBe(401);
    await open().fetch('/');
    expect(sent.at(-1)?.headers.get('authorization')).toBe('Bearer up-1');
  });

  it.each([
    [
      'an error',
      Response.json({ error: 'invalid_client' }, { status: 401 }),
      'refused',
      /invalid_client/,
    ],
    ['a fault', new Response('', { status: 503 }), 'unavailable', /503/],
    ['no token', Response.json({ token_type: 'Bearer' }), 'refused', /access_token/],
    [
      'a token that is bound',
      Response.json({ access_token: 'x', token_type: 'DPoP' }),
      'refused',
      /bearer/,
    ],
    ['no JSON', new Response('<html>'), 'refused', /access_token/],
  ] as const)(
    'is not had from %s, and nothing secret is in the reason',
    async (_name, answer, reason, text) => {
      const { open } = setUp(service(), [answer]);
      const error = await open()
        .fetch('/')
        .catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(UpstreamCredentialError);
      expect(error).toMatchObject({ reason });
      expect(String(error)).toMatch(text);
      expect(String(error)).not.toContain(client.clientSecret);
    },
  );
});

describe('token exchange (RFC 8693)', () => {
  it('gets a token for the person who calls, for a statement of this server and never for the token that came in', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const subjectToken = assertSubject({
      issuer: 'https://mcp.example.com',
      audience: TOKEN_ENDPOINT,
      key: privateKey,
      algorithm: 'ES256',
    });
    const { open, sent } = setUp({
      origins: [API],
      credential: { kind: 'token-exchange', ...client, audience: 'github', subjectToken },
    });
    await open(ada).fetch('/');
    await open(ada).fetch('/');
    await open(bob).fetch('/');
    const asked = sent.filter(({ url }) => url === TOKEN_ENDPOINT);
    expect(asked).toHaveLength(2);
    const { subject_token: subject, ...rest } = Object.fromEntries(
      new URLSearchParams(asked[0]?.body),
    );
    expect(rest).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'github',
    });
    expect(decodeJwt(subject ?? '')).toMatchObject({
      iss: 'https://mcp.example.com',
      sub: 'ada',
      aud: TOKEN_ENDPOINT,
      tenant: 'acme',
    });
    expect(
      sent
        .filter(({ url }) => url !== TOKEN_ENDPOINT)
        .map(({ headers }) => headers.get('authorization')),
    ).toEqual(['Bearer up-1', 'Bearer up-1', 'Bearer up-2']);
  });

  it('needs somebody', async () => {
    const { upstreams, sent } = setUp({
      origins: [API],
      credential: {
        kind: 'token-exchange',
        ...client,
        subjectToken: async () => ({ token: 't', type: 'x' }),
      },
    });
    const nobody = upstreams.open('github', undefined, () => never.signal);
    await expect(nobody.fetch('/')).rejects.toMatchObject({ reason: 'no_person' });
    expect(sent).toEqual([]);
  });
});

describe('a stored token', () => {
  const tokens: StoredUpstreamTokens = {
    tokenFor: async ({ subject }, provider) =>
      subject === 'ada' && provider === 'gh'
        ? ok({ accessToken: 'ada-at-github', expiresAt: undefined })
        : err(subject === 'carl' ? 'unavailable' : 'none'),
  };
  const stored: UpstreamDefinition = {
    origins: [API],
    credential: { kind: 'stored', provider: 'gh', tokens },
  };

  it('is the person’s own', async () => {
    const { open, sent } = setUp(stored);
    await open(ada).fetch('/');
    expect(sent[0]?.headers.get('authorization')).toBe('Bearer ada-at-github');
  });

  it.each([
    [bob, 'not_connected'],
    [{ ...ada, subject: 'carl' }, 'unavailable'],
    [machine, 'no_person'],
  ] as const)('is missing for some, and the reason says what to do', async (principal, reason) => {
    const { open, sent } = setUp(stored);
    await expect(open(principal).fetch('/')).rejects.toMatchObject({
      code: 'ERR_UPSTREAM_CREDENTIAL',
      reason,
    });
    expect(sent).toEqual([]);
  });
});

describe('the credential of an upstream', () => {
  it('cannot be read', () => {
    const credential = sealCredential('canary-secret', undefined);
    expect(JSON.stringify(credential)).toBe('{}');
    expect(Reflect.ownKeys(credential)).toEqual(['expiresAt']);
    expect(inspect(credential, { showHidden: true })).not.toContain('canary');
  });

  it('is no text, no principal and nothing that looks like it, for the compiler and at run time', async () => {
    const parts = { fetch: async () => new Response('sent'), header: {} };
    const send = (credential: UpstreamCredential) =>
      sendWithCredential(parts, credential, new URL(API), {}, never.signal);
    const inbound = 'the-token-that-came-in';
    // @ts-expect-error a text is not a credential
    await expect(send(inbound)).rejects.toThrow(TypeError);
    // @ts-expect-error who calls is not a credential
    await expect(send(ada)).rejects.toThrow(TypeError);
    // @ts-expect-error an object that holds a token is not a credential
    await expect(send({ expiresAt: undefined, token: inbound })).rejects.toThrow(TypeError);
    // @ts-expect-error no header of the request can stand in for it
    await expect(send(new Headers({ authorization: inbound }))).rejects.toThrow(TypeError);
    expect(await (await send(sealCredential('x', undefined))).text()).toBe('sent');
  });
});
