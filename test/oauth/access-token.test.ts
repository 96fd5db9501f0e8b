import { type CryptoKey, SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } from 'jose';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AccessTokenVerifier,
  type TrustedIssuer,
  createAccessTokenVerifier,
} from '../../src/oauth/access-token.js';
import type { JsonObject } from '../../src/shared/json.js';
import { err, ok } from '../../src/shared/result.js';

const NOW = 1_800_000_000;
const RESOURCE = 'https://api.example/mcp';
const clock = { nowMs: () => NOW * 1000 };

let key: CryptoKey;
let trusted: TrustedIssuer;
let verify: AccessTokenVerifier;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  key = pair.privateKey;
  trusted = {
    issuer: 'https://as.example',
    identity: 'local',
    keys: createLocalJWKSet({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }] }),
    claims: { tenant: 'tenant' },
  };
  verify = createAccessTokenVerifier({ trustedIssuers: [trusted], resource: RESOURCE, clock });
});

const good = {
  iss: 'https://as.example',
  aud: RESOURCE,
  sub: 'ada',
  client_id: 'app',
  tenant: 'acme',
  scope: 'a b a',
  exp: NOW + 60,
};

function sign(changes: object = {}, header: object = {}, signingKey: CryptoKey = key) {
  return new SignJWT({ ...good, ...changes })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k', ...header })
    .sign(signingKey);
}

const unreachable = () => Promise.reject(new TypeError('fetch failed'));

describe('an access token (RFC 9068 §4)', () => {
  it('is accepted with the claims a principal is made of', async () => {
    expect(await verify(await sign())).toEqual({
      ok: true,
      value: {
        identity: 'local',
        subject: 'ada',
        clientId: 'app',
        tenant: 'acme',
        scopes: ['a', 'b'],
        expiresAt: NOW + 60,
        isMachine: false,
        tokenId: undefined,
      },
    });
  });

  const accepted: readonly [string, object, object][] = [
    ['with the media type in full', {}, { typ: 'application/at+jwt' }],
    ['with the type in another case', {}, { typ: 'AT+JWT' }],
    ['with our audience among several', { aud: ['https://other.example', RESOURCE] }, {}],
    ['expired within the skew', { exp: NOW - 29 }, {}],
    ['valid from a moment within the skew', { nbf: NOW + 30 }, {}],
    ['without scope', { scope: undefined }, {}],
  ];
  it.each(accepted)('is accepted %s', async (_name, claims, header) => {
    expect((await verify(await sign(claims, header))).ok).toBe(true);
  });

  const refused: readonly [string, object, object, string][] = [
    ['another type', {}, { typ: 'JWT' }, 'wrong_type'],
    ['no type', {}, { typ: undefined }, 'wrong_type'],
    ['an issuer that is not trusted', { iss: 'https://evil.example' }, {}, 'untrusted_issuer'],
    ['an issuer with a slash more', { iss: 'https://as.example/' }, {}, 'untrusted_issuer'],
    ['no issuer', { iss: undefined }, {}, 'untrusted_issuer'],
    ['another audience', { aud: 'https://api.example/other' }, {}, 'wrong_audience'],
    ['an audience with a slash more', { aud: `${RESOURCE}/` }, {}, 'wrong_audience'],
    ['no audience', { aud: undefined }, {}, 'wrong_audience'],
    ['an expiry past the skew', { exp: NOW - 30 }, {}, 'expired'],
    ['no expiry', { exp: undefined }, {}, 'bad_claims'],
    ['an expiry that is no number', { exp: '9999999999' }, {}, 'bad_claims'],
    ['a start past the skew', { nbf: NOW + 31 }, {}, 'not_yet_valid'],
    ['no subject', { sub: undefined }, {}, 'bad_claims'],
    ['no client', { client_id: undefined }, {}, 'bad_claims'],
    ['no tenant', { tenant: undefined }, {}, 'bad_claims'],
    ['a scope that is no text', { scope: [1] }, {}, 'bad_claims'],
    ['an unknown key', {}, { kid: 'other' }, 'bad_signature'],
    ['a critical extension', {}, { crit: ['b64'], b64: false }, 'malformed'],
  ];
  it.each(refused)('is refused with %s', async (_name, claims, header, reason) => {
    let token: string;
    try {
      token = await sign(claims, header);
    } catch {
      // jose refuses to sign some of these: then the header is put in front of a good signature.
      const [, payload = '', signature = ''] = (await sign(claims)).split('.');
      const raw = JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'k', ...header });
      token = `${Buffer.from(raw).toString('base64url')}.${payload}.${signature}`;
    }
    expect(await verify(token)).toEqual({ ok: false, error: reason });
  });

  it('is refused when it was signed by somebody else, or altered', async () => {
    const other = await generateKeyPair('ES256');
    const forged = await sign({}, {}, other.privateKey);
    expect(await verify(forged)).toEqual({ ok: false, error: 'bad_signature' });
    const [header = '', , signature = ''] = (await sign()).split('.');
    const payload = Buffer.from(JSON.stringify({ ...good, sub: 'eve' })).toString('base64url');
    expect(await verify(`${header}.${payload}.${signature}`)).toEqual({
      ok: false,
      error: 'bad_signature',
    });
  });

  it.each(['none', 'HS256', 'RS256', 'ES384', 'EdDSA'])(
    'is refused with the algorithm %s, which is not pinned',
    async (alg) => {
      const [, payload = '', signature = ''] = (await sign()).split('.');
      const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: 'k' }));
      expect(await verify(`${header.toString('base64url')}.${payload}.${signature}`)).toEqual({
        ok: false,
        error: 'wrong_algorithm',
      });
    },
  );

  it('of a client for itself makes a machine, not a person', async () => {
    const checked = await verify(await sign({ sub: 'app' }));
    expect(checked).toMatchObject({ ok: true, value: { isMachine: true } });
  });

  it('is not blamed when the keys cannot be fetched', async () => {
    const offline = createAccessTokenVerifier({
      trustedIssuers: [{ ...trusted, keys: unreachable }],
      resource: RESOURCE,
      clock,
    });
    expect(await offline(await sign())).toEqual({ ok: false, error: 'keys_unavailable' });
  });

  it('is refused by its length alone above 8 KiB', async () => {
    const long = await sign({ pad: 'x'.repeat(9000) });
    expect(await verify(long)).toEqual({ ok: false, error: 'malformed' });
  });

  it('never throws, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { maxLength: 5 }).map((parts) => parts.join('.')),
        ),
        async (token) => {
          expect((await verify(token)).ok).toBe(false);
        },
      ),
      { seed: 9068, numRuns: 200 },
    );
  });
});

describe('an issuer with ways of its own', () => {
  const verifying = (changes: Partial<TrustedIssuer>) =>
    createAccessTokenVerifier({
      trustedIssuers: [{ ...trusted, ...changes }],
      resource: RESOURCE,
      clock,
    });

  it('may know this server by another name, compared exactly', async () => {
    const check = verifying({ audiences: ['urn:api'] });
    expect((await check(await sign({ aud: 'urn:api' }))).ok).toBe(true);
    expect((await check(await sign({ aud: RESOURCE }))).ok).toBe(true);
    expect(await check(await sign({ aud: 'urn:api/' }))).toEqual({
      ok: false,
      error: 'wrong_audience',
    });
  });

  it('may sign with algorithms of its own, and with no others', async () => {
    const check = verifying({ algorithms: ['RS256'] });
    expect(await check(await sign())).toEqual({ ok: false, error: 'wrong_algorithm' });
  });

  it.each(['JWT', 'jwt', undefined])('may type its access tokens as %s', async (typ) => {
    const check = verifying({ allowsUntypedJwt: true });
    expect((await check(await sign({}, { typ }))).ok).toBe(true);
  });

  const others: readonly [string, object][] = [
    ['an ID token by its nonce', { nonce: 'n' }],
    ['an ID token by its hash', { at_hash: 'h' }],
    ['a logout token', { events: {} }],
    ['a refresh token of Keycloak', { typ: 'Refresh' }],
    ['an ID token of Keycloak', { typ: 'ID' }],
    ['an ID token of Cognito', { token_use: 'id' }],
  ];
  it.each(others)('does not get %s taken for an access token', async (_name, claims) => {
    const check = verifying({ allowsUntypedJwt: true });
    expect(await check(await sign(claims, { typ: 'JWT' }))).toEqual({
      ok: false,
      error: 'wrong_type',
    });
  });

  it('does not get a token that is bound to its sender taken from a bearer (RFC 9449 §7.2)', async () => {
    expect(await verify(await sign({ cnf: { jkt: 'x' } }))).toEqual({
      ok: false,
      error: 'sender_constrained',
    });
  });
});

describe('an opaque token (RFC 7662)', () => {
  const answer = { active: true, sub: 'ada', client_id: 'app', aud: RESOURCE, scope: 'a' };
  const introspecting = (
    issuer: string,
    answers: Readonly<Record<string, JsonObject | 'unavailable'>>,
  ): TrustedIssuer & { readonly asked: string[] } => {
    const asked: string[] = [];
    return {
      issuer,
      identity: issuer,
      asked,
      async introspect(token) {
        asked.push(token);
        const found = answers[token];
        if (found === undefined) return err('inactive');
        return found === 'unavailable' ? err('unavailable') : ok(found);
      },
    };
  };
  const check = (token: string, ...trustedIssuers: TrustedIssuer[]) =>
    createAccessTokenVerifier({ trustedIssuers, resource: RESOURCE, clock })(token);

  it('is of the issuer that knows it, asked in turn', async () => {
    const first = introspecting('https://one.example', {});
    const second = introspecting('https://two.example', { token: answer });
    expect(await check('token', trusted, first, second)).toMatchObject({
      ok: true,
      value: { identity: 'https://two.example', subject: 'ada', expiresAt: NOW + 300 },
    });
    expect([first.asked, second.asked]).toEqual([['token'], ['token']]);
  });

  it('is not asked about at the others when one knows it and it is not good here', async () => {
    const first = introspecting('https://one.example', { token: { ...answer, aud: 'other' } });
    const second = introspecting('https://two.example', { token: answer });
    expect(await check('token', first, second)).toEqual({ ok: false, error: 'wrong_audience' });
    expect(second.asked).toEqual([]);
  });

  it('is not blamed when one of the issuers does not answer and no other knows it', async () => {
    const first = introspecting('https://one.example', { token: 'unavailable' });
    const second = introspecting('https://two.example', {});
    expect(await check('token', first, second)).toEqual({
      ok: false,
      error: 'introspection_unavailable',
    });
  });

  it.each([
    ['no audience', { aud: undefined }, 'wrong_audience'],
    ['an end in the past', { exp: NOW - 60 }, 'expired'],
    ['another issuer', { iss: 'https://two.example' }, 'untrusted_issuer'],
    ['the type of a refresh token', { token_type: 'refresh_token' }, 'wrong_type'],
    ['a binding to its sender', { cnf: {} }, 'sender_constrained'],
  ])('is refused with %s', async (_name, changes, error) => {
    const claims = JSON.parse(JSON.stringify({ ...answer, ...changes })) as JsonObject;
    const issuer = introspecting('https://one.example', { token: claims });
    expect(await check('token', issuer)).toEqual({ ok: false, error });
  });

  it('without a subject is of a client that acts for itself', async () => {
    const { sub: _, ...claims } = answer;
    const issuer = introspecting('https://one.example', { token: claims });
    expect(await check('token', issuer)).toMatchObject({
      value: { subject: 'app', clientId: 'app', isMachine: true },
    });
  });

  it('is malformed where nobody introspects', async () => {
    expect(await check('token', trusted)).toEqual({ ok: false, error: 'malformed' });
  });

  it('may be a JWT of an issuer whose keys are not known, and goes to that issuer alone', async () => {
    const jwt = await sign({ iss: 'https://two.example' });
    const first = introspecting('https://one.example', { [jwt]: answer });
    const second = introspecting('https://two.example', { [jwt]: answer });
    expect(await check(jwt, first, second)).toMatchObject({
      value: { identity: 'https://two.example' },
    });
    expect(first.asked).toEqual([]);
  });
});

describe('createAccessTokenVerifier', () => {
  it.each(['/mcp', 'api.example', 'https://api.example/mcp#part'])(
    'throws on the resource %s',
    (resource) => {
      const options = { trustedIssuers: [], resource, clock };
      expect(() => createAccessTokenVerifier(options)).toThrow(TypeError);
    },
  );

  it('throws on a skew above 300 seconds', () => {
    const options = { trustedIssuers: [], resource: RESOURCE, clock, clockToleranceSeconds: 301 };
    expect(() => createAccessTokenVerifier(options)).toThrow(RangeError);
  });
});
