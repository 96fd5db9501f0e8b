import { generateKeyPairSync } from 'node:crypto';
import { type FlattenedJWSInput, type JWK, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { IssuerMetadataError } from '../../../src/server/http/issuers/errors.js';
import { createIntrospection } from '../../../src/server/http/issuers/introspection.js';
import { readIssuerMetadata } from '../../../src/server/http/issuers/metadata.js';
import { openRemoteIssuer } from '../../../src/server/http/issuers/remote-issuer.js';
import { createRemoteKeys } from '../../../src/server/http/issuers/remote-keys.js';
import { silentLogger } from '../../../src/shared/logger.js';

const ISSUER = 'https://as.example/tenant';
const KEYS = 'https://as.example/keys';
const OPENID = 'https://as.example/tenant/.well-known/openid-configuration';

const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: 'https://as.example/authorize',
  token_endpoint: 'https://as.example/token',
  jwks_uri: KEYS,
  introspection_endpoint: 'https://as.example/introspect',
  code_challenge_methods_supported: ['S256'],
};

let jwks: JWK[];
beforeAll(async () => {
  jwks = await Promise.all(
    ['one', 'two'].map(async (kid) => {
      const { publicKey } = await generateKeyPair('ES256');
      return { ...(await exportJWK(publicKey)), kid, alg: 'ES256' };
    }),
  );
});

/** Answers by URL; a number is a status, an Error is thrown. What is not listed is a 404. */
class Web {
  readonly answers = new Map<string, unknown>();
  readonly requests: { readonly url: string; readonly init: RequestInit | undefined }[] = [];

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    this.requests.push({ url, init });
    const answer = this.answers.get(url) ?? 404;
    if (answer instanceof Error) throw answer;
    return typeof answer === 'number'
      ? new Response('no', { status: answer })
      : Response.json(answer);
  };

  count(url: string): number {
    return this.requests.filter((request) => request.url === url).length;
  }
}

describe('the keys of an issuer elsewhere', () => {
  const token: FlattenedJWSInput = { payload: '', signature: '' };

  function setUp(options: { maxOutageSeconds?: number } = {}) {
    let nowMs = 1_800_000_000_000;
    const web = new Web();
    web.answers.set(KEYS, { keys: [jwks[0]] });
    const warn = vi.fn<(message: string) => void>();
    const keys = createRemoteKeys({
      uri: () => KEYS,
      fetch: web.fetch,
      clock: { nowMs: () => nowMs },
      logger: { ...silentLogger, warn },
      ...options,
    });
    return {
      web,
      warn,
      find: (kid: string) => keys.find({ alg: 'ES256', kid }, token),
      advance: (seconds: number) => {
        nowMs += seconds * 1000;
      },
    };
  }

  it('are fetched with the first token, and once for many at a time', async () => {
    const { web, find } = setUp();
    await Promise.all([find('one'), find('one'), find('one')]);
    await find('one');
    expect(web.count(KEYS)).toBe(1);
  });

  it('that are new are found at once, without a wait', async () => {
    const { web, find } = setUp();
    await find('one');
    web.answers.set(KEYS, { keys: jwks });
    await find('two');
    expect(web.count(KEYS)).toBe(2);
  });

  it('are fetched nine times a minute at most for a flood of unknown ids, and a new one is known in ten seconds', async () => {
    const { web, find, advance } = setUp();
    await find('one');
    for (let second = 0; second < 60; second++) {
      for (let at = 0; at < 20; at++) await expect(find(`no-${second}-${at}`)).rejects.toThrow();
      advance(1);
    }
    expect(web.count(KEYS) - 1).toBeLessThanOrEqual(9);
    web.answers.set(KEYS, { keys: jwks });
    advance(10);
    await find('two');
  });

  it('are fetched again in the background after five minutes, and no request waits for it', async () => {
    const { web, find, advance } = setUp();
    await find('one');
    advance(301);
    web.answers.set(KEYS, { keys: [jwks[1]] });
    // The old set answers this one.
    await find('one');
    await vi.waitFor(() => expect(web.count(KEYS)).toBe(2));
    await find('two');
    await expect(find('one')).rejects.toThrow('no applicable key');
  });

  it('outlive their host for a day, then they are unavailable; when it is back all is well', async () => {
    const { web, warn, find, advance } = setUp();
    await find('one');
    web.answers.set(KEYS, new Error('connect ECONNREFUSED'));
    for (let hour = 0; hour < 23; hour++) {
      advance(3600);
      await find('one');
    }
    // A new id might be a new key: nobody can say.
    await expect(find('two')).rejects.toThrow('ECONNREFUSED');
    expect(warn).toHaveBeenCalledTimes(1);
    advance(7200);
    await expect(find('one')).rejects.toThrow('ECONNREFUSED');
    web.answers.set(KEYS, { keys: jwks });
    advance(1);
    await find('two');
    expect(warn).toHaveBeenCalledTimes(2);
  });

  it('are asked for once a second while there are none', async () => {
    const { web, find, advance } = setUp();
    web.answers.set(KEYS, 500);
    for (let at = 0; at < 10; at++) await expect(find('one')).rejects.toThrow('status 500');
    expect(web.count(KEYS)).toBe(1);
    advance(1);
    web.answers.set(KEYS, { keys: jwks });
    await find('one');
  });

  it.each([
    ['no list', {}, 'has no list "keys"'],
    ['symmetric keys alone', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, 'no public key'],
    ['something other than an object', [1], 'something other than an object'],
  ])('are none when the document holds %s', async (_name, document, message) => {
    const { web, find } = setUp();
    web.answers.set(KEYS, document);
    await expect(find('one')).rejects.toThrow(message);
  });
});

describe('the metadata of an issuer', () => {
  const read = (web: Web, introspectionMethod?: 'client_secret_basic' | 'private_key_jwt') =>
    readIssuerMetadata({ issuer: ISSUER, fetch: web.fetch, introspectionMethod });

  it.each([
    'https://as.example/.well-known/oauth-authorization-server/tenant',
    'https://as.example/.well-known/openid-configuration/tenant',
    OPENID,
  ])('is found at %s', async (url) => {
    const web = new Web();
    web.answers.set(url, METADATA);
    expect(await read(web)).toEqual({
      jwksUri: KEYS,
      introspectionEndpoint: METADATA.introspection_endpoint,
      warnings: [],
    });
  });

  it('is taken from a place that is right although one before it is wrong', async () => {
    const web = new Web();
    web.answers.set('https://as.example/.well-known/oauth-authorization-server/tenant', {
      ...METADATA,
      issuer: 'https://as.example',
    });
    web.answers.set(OPENID, METADATA);
    expect((await read(web)).jwksUri).toBe(KEYS);
  });

  const wrong: readonly [string, object, string | undefined][] = [
    ['issuer', { issuer: `${ISSUER}/` }, undefined],
    ['jwks_uri', { jwks_uri: undefined }, undefined],
    ['jwks_uri', { jwks_uri: 'http://as.example/keys' }, undefined],
    ['jwks_uri', { jwks_uri: 'https://user:secret@as.example/keys' }, undefined],
    ['authorization_endpoint', { authorization_endpoint: 7 }, undefined],
    ['introspection_endpoint', { introspection_endpoint: undefined }, 'client_secret_basic'],
    [
      'introspection_endpoint_auth_methods_supported',
      { introspection_endpoint_auth_methods_supported: ['client_secret_basic'] },
      'private_key_jwt',
    ],
  ];
  it.each(wrong)('names the field %s of %j', async (field, changes, method) => {
    const web = new Web();
    web.answers.set(OPENID, { ...METADATA, ...changes });
    const failure = read(web, method as 'client_secret_basic');
    await expect(failure).rejects.toBeInstanceOf(IssuerMetadataError);
    await expect(failure).rejects.toMatchObject({
      code: 'ERR_ISSUER_METADATA',
      issuer: ISSUER,
      field,
      received: (changes as Record<string, unknown>)[field],
    });
  });

  it('warns of what will stop the clients', async () => {
    const web = new Web();
    const { code_challenge_methods_supported: _, token_endpoint: __, ...rest } = METADATA;
    web.answers.set(OPENID, rest);
    const { warnings } = await read(web);
    expect(warnings.join('\n')).toContain('"token_endpoint" is missing');
    expect(warnings.join('\n')).toContain('lacks "S256"');
  });
});

describe('openRemoteIssuer', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('refuses to start without keys, naming jwks_uri', async () => {
    const web = new Web();
    web.answers.set(OPENID, METADATA);
    web.answers.set(KEYS, 403);
    await expect(openRemoteIssuer({ issuer: ISSUER, fetch: web.fetch })).rejects.toMatchObject({
      field: 'jwks_uri',
      received: `${KEYS} answered status 403`,
    });
  });

  it('follows its metadata, and keeps the last good one when that fails', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const web = new Web();
    web.answers.set(OPENID, METADATA);
    web.answers.set(KEYS, { keys: [jwks[0]] });
    const moved = 'https://as.example/new-keys';
    web.answers.set(moved, { keys: [jwks[1]] });
    const warn = vi.fn<(message: string, fields?: object) => void>();
    const remote = await openRemoteIssuer({
      issuer: ISSUER,
      fetch: web.fetch,
      logger: { ...silentLogger, warn },
      refreshMs: 1000,
    });
    web.answers.set(OPENID, 500);
    await vi.advanceTimersByTimeAsync(1000);
    await vi.waitFor(() => expect(warn).toHaveBeenCalledTimes(1));
    const find = remote.trusted.keys;
    const input = { payload: '', signature: '' };
    await expect(find?.({ alg: 'ES256', kid: 'one' }, input)).resolves.toBeDefined();
    web.answers.set(OPENID, { ...METADATA, jwks_uri: moved });
    await vi.advanceTimersByTimeAsync(1000);
    await vi.waitFor(async () => {
      await expect(find?.({ alg: 'ES256', kid: 'two' }, input)).resolves.toBeDefined();
    });
    remote.close();
  });

  it('fetches nothing before the first token when it is told where the keys are', async () => {
    const web = new Web();
    const remote = await openRemoteIssuer({ issuer: ISSUER, jwksUri: KEYS, fetch: web.fetch });
    expect(web.requests).toEqual([]);
    remote.close();
  });
});

describe('introspection (RFC 7662)', () => {
  const ENDPOINT = METADATA.introspection_endpoint;

  async function setUp(
    method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt',
    secret = 'shh',
  ) {
    const web = new Web();
    const error = vi.fn<(message: string, fields?: object) => void>();
    const introspect = await createIntrospection({
      issuer: ISSUER,
      endpoint: () => ENDPOINT,
      client: { clientId: 'catalog', method, secret },
      fetch: web.fetch,
      logger: { ...silentLogger, error },
    });
    const sent = () => {
      const { init } = web.requests[0] ?? {};
      return {
        headers: new Headers(init?.headers),
        body: new URLSearchParams(init?.body as URLSearchParams),
      };
    };
    return { web, introspect, sent, error };
  }

  it('gives the claims of an active token, and asks with the secret in the header', async () => {
    const { web, introspect, sent } = await setUp('client_secret_basic');
    web.answers.set(ENDPOINT, { active: true, sub: 'ada' });
    expect(await introspect('token')).toEqual({ ok: true, value: { active: true, sub: 'ada' } });
    expect(sent().headers.get('authorization')).toBe(
      `Basic ${Buffer.from('catalog:shh').toString('base64')}`,
    );
    expect(sent().body.get('token')).toBe('token');
    expect(sent().body.has('client_secret')).toBe(false);
  });

  it('asks with the secret in the body', async () => {
    const { web, introspect, sent } = await setUp('client_secret_post');
    web.answers.set(ENDPOINT, { active: false });
    expect(await introspect('token')).toEqual({ ok: false, error: 'inactive' });
    expect(sent().body.get('client_secret')).toBe('shh');
    expect(sent().headers.has('authorization')).toBe(false);
  });

  it.each(['pem', 'jwk'])('asks with an assertion that a private key (%s) signed', async (form) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secret =
      form === 'pem'
        ? String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
        : JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'mine' });
    const { web, introspect, sent } = await setUp('private_key_jwt', secret);
    web.answers.set(ENDPOINT, { active: true });
    await introspect('token');
    const assertion = sent().body.get('client_assertion') ?? '';
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKey);
    expect(protectedHeader.kid).toBe(form === 'jwk' ? 'mine' : undefined);
    expect(payload).toMatchObject({ iss: 'catalog', sub: 'catalog', aud: ISSUER });
    expect(payload.jti).toBeDefined();
  });

  it('refuses a private key that it cannot read, without quoting it', async () => {
    await expect(setUp('private_key_jwt', '{"kty":"oct","k":"hunter2"}')).rejects.toThrow(
      TypeError,
    );
    await expect(setUp('private_key_jwt', 'hunter2')).rejects.not.toThrow('hunter2');
  });

  it.each([
    ['does not answer', new Error('connect ECONNREFUSED')],
    ['fails', 500],
    ['refuses our own credentials', 401],
    ['answers something else', ['hello']],
    ['answers without a decision', { sub: 'ada' }],
  ])('is unavailable when the issuer %s, and says so once', async (_name, answer) => {
    const { web, introspect, error } = await setUp('client_secret_basic');
    web.answers.set(ENDPOINT, answer);
    expect(await introspect('the-token')).toEqual({ ok: false, error: 'unavailable' });
    expect(await introspect('the-token')).toEqual({ ok: false, error: 'unavailable' });
    expect(error).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(error.mock.calls)).not.toMatch(/the-token|shh/);
  });

  it('asks about 64 tokens at a time at most', async () => {
    const { web, introspect } = await setUp('client_secret_basic');
    web.answers.set(ENDPOINT, { active: false });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => introspect(`token-${at}`)),
    );
    expect(answers.filter((answer) => !answer.ok && answer.error === 'inactive')).toHaveLength(64);
    expect((await introspect('later')).ok).toBe(false);
  });
});
