import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClaimMapping, lookUp, readPrincipalClaims } from '../../src/oauth/claim-mapping.js';
import type { JsonObject } from '../../src/shared/json.js';

const read = (claims: JsonObject, mapping?: ClaimMapping) =>
  readPrincipalClaims(
    { sub: 'ada', client_id: 'app', ...claims },
    { identity: 'https://as.example', ...(mapping !== undefined && { claims: mapping }) },
    1000,
  );

const SCOPES = { scopes: ['scope', 'scp', 'permissions', 'realm_access.roles'] };

describe('the scopes of a token', () => {
  const cases: readonly [string, JsonObject, readonly string[]][] = [
    ['text (RFC 9068 §2.2.3)', { scope: 'a b a' }, ['a', 'b']],
    ['an array', { scope: ['a', 'b', 'a'] }, ['a', 'b']],
    ['scp as text', { scp: 'a b' }, ['a', 'b']],
    ['scp as an array', { scp: ['a'] }, ['a']],
    ['permissions', { permissions: ['a'] }, ['a']],
    ['a path', { realm_access: { roles: ['a'] } }, ['a']],
    ['nothing', {}, []],
    ['an array entry with a space, which is no scope', { scope: ['a b', 'c'] }, ['c']],
  ];
  it.each(cases)('are read from %s', (_name, claims, scopes) => {
    expect(read(claims, SCOPES)).toMatchObject({ ok: true, value: { scopes } });
  });

  it('are those of the first claim alone: a down-scoped token does not grow by roles', () => {
    const claims = { scope: '', permissions: ['admin'], realm_access: { roles: ['admin'] } };
    expect(read(claims, SCOPES)).toMatchObject({ ok: true, value: { scopes: [] } });
  });

  it.each([[{ scope: 1 }], [{ scope: [1] }], [{ scope: { a: true } }], [{ scope: true }]])(
    'of another form than text and texts (%j) refuse the token',
    (claims) => {
      expect(read(claims as JsonObject).ok).toBe(false);
    },
  );
});

describe('who a token is of', () => {
  it('is its subject, whichever claim that is', () => {
    const claims = { oid: 'object-7', azp: 'desktop', client_id: null };
    expect(read(claims, { subject: 'oid', clientId: ['client_id', 'azp'] })).toMatchObject({
      ok: true,
      value: { subject: 'object-7', clientId: 'desktop', isMachine: false },
    });
  });

  it('is of the tenant that the claim names, and of none without it', () => {
    const mapping = { tenant: 'https://acme.example/org.id' };
    expect(read({ 'https://acme.example/org.id': 'north' }, mapping)).toMatchObject({
      ok: true,
      value: { tenant: 'north' },
    });
    expect(read({}, mapping).ok).toBe(false);
    expect(read({ 'https://acme.example/org.id': '' }, mapping).ok).toBe(false);
    expect(read({ 'https://acme.example/org.id': 7 }, mapping).ok).toBe(false);
  });

  it('is of the one tenant that its issuer is for', () => {
    expect(read({ tenant: 'ignored' }, { fixedTenant: 'acme' })).toMatchObject({
      value: { tenant: 'acme' },
    });
  });

  it('is a machine when subject and client are one (RFC 9068 §5), or when its issuer says so', () => {
    expect(read({ sub: 'app' })).toMatchObject({ value: { isMachine: true } });
    const isMachine = (claims: JsonObject) => claims['gty'] === 'client-credentials';
    expect(read({ gty: 'client-credentials' }, { isMachine })).toMatchObject({
      value: { isMachine: true },
    });
    expect(read({ gty: 'password' }, { isMachine })).toMatchObject({ value: { isMachine: false } });
  });
});

describe('lookUp', () => {
  it('prefers the name as it stands to the path', () => {
    expect(lookUp({ 'a.b': 1, a: { b: 2 } }, 'a.b')).toBe(1);
    expect(lookUp({ a: { b: 2 } }, 'a.b')).toBe(2);
  });

  it('finds own claims only, and follows five steps at most', () => {
    expect(lookUp({}, 'constructor')).toBeUndefined();
    expect(lookUp({ a: {} }, 'a.toString')).toBeUndefined();
    expect(lookUp({ a: { b: { c: { d: { e: { f: 1 } } } } } }, 'a.b.c.d.e.f')).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, name) => {
        lookUp({ claim: value as never }, name);
        lookUp({ claim: value as never }, `claim.${name}`);
      }),
      { seed: 7519 },
    );
  });
});
