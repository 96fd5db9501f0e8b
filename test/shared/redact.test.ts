import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MASK, createRedactor, isSecretName } from '../../src/shared/redact.js';

const OPAQUE = 'uZ1r0kq5b9XnD3eWc7LmT2vAaYh8oQpSg4JfRiVtBxE';
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.MEUCIQDx_abc-123';
const KEY = 'cmcp_JEnplbTTOCsU_zuH1IaMR-Byt3WJsEexoPiII3Se5nyGjxs0fi8Ta314';

describe('a redactor', () => {
  it.each([
    ['an API key', `key ${KEY} refused`],
    ['a JWT', `token ${JWT}.`],
    ['an opaque token', `code=${OPAQUE}`],
    ['an opaque token without a name', `got ${OPAQUE}!`],
    ['a Bearer header', 'Authorization: Bearer abc.def-123'],
    ['a Basic header', 'authorization: basic dXNlcjpwYXNzd29yZA=='],
    ['a code in a URL', 'https://a.example/cb?code=short1&x=1'],
    ['a token in a form', 'grant_type=refresh_token&refresh_token=abcdef'],
    ['a secret in JSON', '{"client_secret":"hunter2\\"x"}'],
    ['a password in a URL', 'postgres://app:hunter2@db.example/x'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----'],
  ])('takes out %s', (_name, text) => {
    const clean = createRedactor().text(text);
    expect(clean).toContain(MASK);
    for (const secret of [
      KEY,
      JWT,
      OPAQUE,
      'abc.def-123',
      'dXNlc',
      'short1',
      'abcdef',
      'hunter2',
      'MIIB',
    ]) {
      expect(clean).not.toContain(secret);
    }
  });

  it.each([
    'course "sql-im-beruf" has 5 lessons',
    'trace 4bf92f3577b34da6a3ce929d0e0e4736',
    'ERR_STORAGE_UNAVAILABLE: the database cannot be opened',
    '/var/lib/catalog-mcp/catalog.sqlite',
    '2026-11-21T07:38:16.821Z tools/call 12 ms',
  ])('leaves what is no secret: %s', (text) => {
    expect(createRedactor().text(text)).toBe(text);
  });

  it('takes out the secrets it was told of, wherever they stand', () => {
    const redactor = createRedactor(['correct horse battery', undefined, 'short']);
    expect(redactor.text('the secret is correct horse battery.')).toBe(`the secret is ${MASK}.`);
    expect(redactor.text('a short text')).toBe('a short text');
  });

  it('masks members by name, at any depth, and keeps the rest', () => {
    const { value } = createRedactor();
    expect(
      value({
        tool: 'x',
        headers: { Authorization: 'a', 'X-API-Key': 'b', accept: 'c' },
        list: [{ refresh_token: 'd' }],
        token: undefined,
      }),
    ).toEqual({
      tool: 'x',
      headers: { Authorization: MASK, 'X-API-Key': MASK, accept: 'c' },
      list: [{ refresh_token: MASK }],
      token: undefined,
    });
  });

  it('describes an error by its causes, without secrets', () => {
    const error = new TypeError('no access', { cause: new Error(`with ${KEY}`) });
    expect(createRedactor().value({ error })).toEqual({
      error: `TypeError: no access; caused by Error: with ${MASK}`,
    });
  });

  it('survives every value, cycles too, and never lets a known secret through', () => {
    const secret = 'S3cret-canary-value';
    const redactor = createRedactor([secret]);
    const cycle: Record<string, unknown> = { secretless: 1 };
    cycle['self'] = cycle;
    expect(() => JSON.stringify(redactor.value(cycle))).not.toThrow();
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true }),
        fc.string(),
        (value, text) => {
          const out = JSON.stringify(redactor.value({ value, text: text + secret + text }));
          expect(out).not.toContain(secret);
        },
      ),
      { seed: 20_261_121, numRuns: 500 },
    );
  });

  it('knows a secret name in every spelling', () => {
    for (const name of [
      'api_key',
      'apiKey',
      'API-KEY',
      'Set-Cookie',
      'client_secret',
      'codeVerifier',
    ]) {
      expect(isSecretName(name), name).toBe(true);
    }
    for (const name of ['code', 'tool', 'keyId', 'tokenEndpoint', 'cookieName']) {
      expect(isSecretName(name), name).toBe(false);
    }
  });
});
