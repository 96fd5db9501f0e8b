import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLoopbackUrl, loopbackAliases } from '../../src/oauth/loopback.js';

describe('isLoopbackUrl', () => {
  test.each([
    'http://localhost',
    'http://localhost:3000/mcp',
    'https://LOCALHOST/',
    'http://127.0.0.1:9696/cb',
    'http://[::1]:9696/cb',
    // Other spellings of the same address: the URL parser writes them as one.
    'http://127.1/',
    'http://0x7f000001/',
    'http://[0:0:0:0:0:0:0:1]/',
  ])('says yes to %s', (url) => {
    expect(isLoopbackUrl(url)).toBe(true);
    expect(isLoopbackUrl(new URL(url))).toBe(true);
  });

  test.each([
    'http://localhost.evil.example/',
    'http://localhost./',
    'http://127.0.0.1.evil.example/',
    'http://127.0.0.2/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost@evil.example/',
    'http://evil.example/localhost',
    'localhost:3000',
    'localhost',
    'null',
    '',
  ])('says no to %j', (url) => {
    expect(isLoopbackUrl(url)).toBe(false);
  });
});

describe('loopbackAliases', () => {
  test('gives every spelling, its own first', () => {
    expect(loopbackAliases('http://127.0.0.1:3000/mcp?x=1')).toEqual([
      'http://127.0.0.1:3000/mcp?x=1',
      'http://localhost:3000/mcp?x=1',
      'http://[::1]:3000/mcp?x=1',
    ]);
  });

  test('keeps the trailing slash as it was given', () => {
    expect(loopbackAliases('http://localhost:3000')).toContain('http://[::1]:3000');
    expect(loopbackAliases('http://localhost:3000/')).toContain('http://[::1]:3000/');
  });

  test('gives any other URL back alone', () => {
    expect(loopbackAliases('https://mcp.example/mcp')).toEqual(['https://mcp.example/mcp']);
  });

  test('throws on what is no URL', () => {
    expect(() => loopbackAliases('mcp')).toThrow(TypeError);
  });

  test('gives aliases that have the same aliases', () => {
    const url = fc
      .tuple(
        fc.constantFrom('localhost', '127.0.0.1', '[::1]'),
        fc.integer({ min: 1, max: 65_535 }),
        fc.webPath(),
      )
      .map(([host, port, path]) => new URL(`http://${host}:${port}${path}`).href);
    fc.assert(
      fc.property(url, (each) => {
        const aliases = loopbackAliases(each);
        expect(aliases).toHaveLength(3);
        for (const alias of aliases)
          expect(loopbackAliases(alias).toSorted()).toEqual(aliases.toSorted());
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});
