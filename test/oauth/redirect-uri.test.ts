import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRedirectUriMatch } from '../../src/oauth/redirect-uri.js';

describe('isRedirectUriMatch', () => {
  const matches: readonly [string, string][] = [
    ['https://app.example/cb', 'https://app.example/cb'],
    ['https://app.example:8443/cb?x=1', 'https://app.example:8443/cb?x=1'],
    ['cursor://host/cb', 'cursor://host/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:51234/cb'],
    ['http://127.0.0.1:9696/cb', 'http://127.0.0.1/cb'],
    ['http://localhost:9696/cb', 'http://localhost:1/cb'],
    ['http://[::1]:9696/cb', 'http://[::1]:65535/cb'],
    ['http://127.0.0.1:1/cb?x=1', 'http://127.0.0.1:2/cb?x=1'],
    ['http://127.0.0.1:1', 'http://127.0.0.1:2'],
  ];
  test.each(matches)('%s takes %s (RFC 8252 §7.3)', (registered, requested) => {
    expect(isRedirectUriMatch(registered, requested)).toBe(true);
  });

  const misses: readonly [string, string][] = [
    ['https://app.example/cb', 'https://app.example:8443/cb'],
    ['https://app.example/cb', 'https://app.example/cb/'],
    ['https://app.example/cb', 'https://APP.example/cb'],
    ['https://app.example/cb', 'https://app.example/cb#x'],
    ['https://app.example/cb', 'https://app.example/cb?x=1'],
    ['https://app.example/cb', 'http://app.example/cb'],
    ['https://app.example/cb', 'https://app.example.evil.example/cb'],
    ['https://127.0.0.1:1/cb', 'https://127.0.0.1:2/cb'],
    ['http://localhost/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1/cb', 'http://[::1]/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/cb/'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/Cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/x/../cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/%63b'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/cb?x=1'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/cb#x'],
    ['http://127.0.0.1/cb', 'http://user@127.0.0.1:1/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1@evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1.evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:99999/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1x/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1\\@evil.example/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:1/cb\n'],
    ['http://127.0.0.1/cb', 'http://127.1:1/cb'],
    ['http://127.0.0.1/cb', 'http://2130706433:1/cb'],
    ['http://127.0.0.1/cb', 'http://0x7f.1:1/cb'],
    ['http://127.0.0.1/cb', 'http://127.0.0.2:1/cb'],
    ['http://127.0.0.1/cb', 'HTTP://127.0.0.1:1/cb'],
    ['http://localhost/cb', 'http://LOCALHOST:1/cb'],
    ['http://localhost/cb', 'http://localhost.:1/cb'],
    ['http://evil.example:1/cb', 'http://evil.example:2/cb'],
    ['cursor://host:1/cb', 'cursor://host:2/cb'],
    ['https://app.example/cb', ''],
    ['', 'http://127.0.0.1/cb'],
  ];
  test.each(misses)('%s does not take %s', (registered, requested) => {
    expect(isRedirectUriMatch(registered, requested)).toBe(false);
  });

  test('takes only what is equal, but for the port of http loopback, whatever is asked for', () => {
    const registered = 'http://127.0.0.1:9696/cb';
    const requested = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc
        .tuple(
          fc.constantFrom('127.0.0.1', 'localhost', '[::1]', 'x'),
          fc.nat(70_000),
          fc.constantFrom('/cb', '/cb/', '/', ''),
        )
        .map(([host, port, path]) => `http://${host}:${port}${path}`),
    );
    fc.assert(
      fc.property(requested, (uri) => {
        const isExpected = /^http:\/\/127\.0\.0\.1(:\d{1,5})?\/cb$/.test(uri) && URL.canParse(uri);
        expect(isRedirectUriMatch(registered, uri)).toBe(isExpected);
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});
