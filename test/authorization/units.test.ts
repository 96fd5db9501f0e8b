import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyClientPolicy, classifyRedirectUri } from '../../src/authorization/client-policy.js';
import { GRANT_TYPES } from '../../src/authorization/metadata.js';
import { locate } from '../../src/authorization/locations.js';
import { assertNoDevelopmentDefaults } from '../../src/authorization/provider-configuration.js';
import { createResourceRegistry } from '../../src/authorization/resources.js';

describe('cookie names', () => {
  test('carry the prefixes on https alone (RFC 6265bis §4.1.3)', () => {
    expect(locate('https://mcp.example').cookieNames).toMatchObject({
      session: expect.stringMatching(/^__Host-/) as string,
      interaction: expect.stringMatching(/^__Secure-/) as string,
      resume: expect.stringMatching(/^__Secure-/) as string,
    });
    expect(JSON.stringify(locate('http://localhost:3000').cookieNames)).not.toContain('__');
  });

  test('differ between two servers on one host, for cookies know no ports', () => {
    const one = locate('http://localhost:3000').cookieNames;
    const two = locate('http://localhost:4000').cookieNames;
    expect(one.session).not.toBe(two.session);
  });
});

describe('the start-up check', () => {
  const complete = {
    adapter: () => ({}) as never,
    jwks: { keys: [{ kty: 'EC' }] as never },
    cookies: { keys: ['x'] },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { getResourceServerInfo: () => ({}) as never },
    },
    findAccount: () => undefined,
    interactions: { url: () => '/' },
    renderError: () => undefined,
    fetch: () => Promise.reject(new Error()),
  } as never;

  test('lets a complete configuration pass', () => {
    expect(() => assertNoDevelopmentDefaults(complete)).not.toThrow();
  });

  const broken: readonly [string, object][] = [
    ['adapter', { adapter: undefined }],
    ['jwks', { jwks: undefined }],
    ['jwks', { jwks: { keys: [] } }],
    ['cookies.keys', { cookies: {} }],
    ['cookies.keys', { cookies: { keys: [] } }],
    ['features.devInteractions', { features: {} }],
    ['features.devInteractions', { features: { devInteractions: { enabled: true } } }],
    ['findAccount', { findAccount: undefined }],
    ['interactions.url', { interactions: {} }],
    ['renderError', { renderError: undefined }],
    ['fetch', { fetch: undefined }],
  ];
  test.each(broken)('fails on the development default of %s', (setting, change) => {
    const configuration = { ...(complete as object), ...change };
    expect(() => assertNoDevelopmentDefaults(configuration)).toThrow(
      expect.objectContaining({ code: 'ERR_DEVELOPMENT_DEFAULT', setting }) as Error,
    );
  });
});

describe('classifyRedirectUri', () => {
  test('never throws, and calls nothing safe that a browser would run or that hides its host', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.string({ unit: 'binary' })), (uri) => {
        const kind = classifyRedirectUri(uri);
        if (kind === 'unsafe') return;
        const url = new URL(uri);
        expect(['javascript:', 'data:', 'file:', 'blob:']).not.toContain(url.protocol);
        expect(url.username + url.password + url.hash).toBe('');
        if (url.protocol === 'http:') expect(kind).toBe('loopback');
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test.each([
    'JAVASCRIPT:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'HTTP://evil.example/',
    `https://app.example/${'x'.repeat(2001)}`,
  ])('calls %j unsafe', (uri) => {
    expect(classifyRedirectUri(uri)).toBe('unsafe');
  });
});

describe('applyClientPolicy', () => {
  test('never throws anything but an OAuth error, whatever the metadata holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (rest, uris) => {
        const draft = { ...rest, redirect_uris: uris };
        try {
          applyClientPolicy(draft, {
            allowsPrivateUseSchemes: true,
            grantTypes: GRANT_TYPES,
            signingAlgorithms: ['ES256'],
          });
        } catch (error) {
          expect(String((error as { error?: string }).error)).toMatch(/^invalid_/);
          return;
        }
        expect(draft.redirect_uris).not.toHaveLength(0);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('createResourceRegistry', () => {
  const mcp = { resource: 'http://localhost:3000/mcp', scopes: { a: 'A' } };

  test('does not guess when two resources share an origin', () => {
    const registry = createResourceRegistry([
      mcp,
      { resource: 'http://localhost:3000/other', scopes: { b: 'B' } },
    ]);
    expect(registry.resolve('http://localhost:3000')).toBeUndefined();
    expect(registry.resolve('http://127.0.0.1:3000/other')?.resource).toBe(
      'http://localhost:3000/other',
    );
  });

  test.each([
    { name: 'no resource', resources: [] },
    {
      name: 'a doubled resource',
      resources: [mcp, { ...mcp, resource: 'HTTP://LOCALHOST:3000/mcp' }],
    },
    { name: 'an unknown default scope', resources: [{ ...mcp, defaultScopes: ['b'] }] },
    { name: 'a resource that is no URL', resources: [{ ...mcp, resource: 'mcp' }] },
  ])('refuses $name', ({ resources }) => {
    expect(() => createResourceRegistry(resources)).toThrow(TypeError);
  });
});
