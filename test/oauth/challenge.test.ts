import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findChallenge, formatChallenge, parseChallenges } from '../../src/oauth/challenge.js';

const METADATA = 'https://mcp.example/.well-known/oauth-protected-resource/mcp';

describe('parseChallenges (RFC 9110 §11.6.1)', () => {
  const vectors: readonly [string, { scheme: string; params: Record<string, string> }[]][] = [
    ['Bearer', [{ scheme: 'bearer', params: {} }]],
    [
      `Bearer resource_metadata="${METADATA}"`,
      [{ scheme: 'bearer', params: { resource_metadata: METADATA } }],
    ],
    [
      'BEARER Error="invalid_token", SCOPE="a b"',
      [{ scheme: 'bearer', params: { error: 'invalid_token', scope: 'a b' } }],
    ],
    ['Bearer error=invalid_token', [{ scheme: 'bearer', params: { error: 'invalid_token' } }]],
    ['Bearer error = "x" ,scope="y"', [{ scheme: 'bearer', params: { error: 'x', scope: 'y' } }]],
    ['Bearer a="\\"quoted\\" \\\\"', [{ scheme: 'bearer', params: { a: '"quoted" \\' } }]],
    ['Bearer a="x, y=z"', [{ scheme: 'bearer', params: { a: 'x, y=z' } }]],
    ['Bearer a="1", a="2"', [{ scheme: 'bearer', params: { a: '1' } }]],
    [
      'Basic realm="x", Bearer error="y"',
      [
        { scheme: 'basic', params: { realm: 'x' } },
        { scheme: 'bearer', params: { error: 'y' } },
      ],
    ],
    [
      'Negotiate, Bearer a="b", DPoP algs="ES256"',
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'bearer', params: { a: 'b' } },
        { scheme: 'dpop', params: { algs: 'ES256' } },
      ],
    ],
    [
      'Negotiate YIIJ/+abc==, Bearer a="b"',
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'bearer', params: { a: 'b' } },
      ],
    ],
    [
      'Negotiate abc=, Bearer a="b"',
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'bearer', params: { a: 'b' } },
      ],
    ],
    [', ,Bearer a="b", ,c="d",', [{ scheme: 'bearer', params: { a: 'b', c: 'd' } }]],
    ['Bearer __proto__="x"', [{ scheme: 'bearer', params: { ['__proto__']: 'x' } }]],
    ['Bearer a="unterminated', [{ scheme: 'bearer', params: {} }]],
    ['', []],
    ['   ', []],
    ['"quoted"', []],
  ];
  test.each(vectors)('reads %j', (header, expected) => {
    const parsed = parseChallenges(header).map(({ scheme, params }) => ({
      scheme,
      params: Object.fromEntries(Object.entries(params)),
    }));
    expect(parsed).toEqual(
      expected.map((each) => ({
        ...each,
        params: Object.fromEntries(Object.entries(each.params)),
      })),
    );
  });

  test('reads nothing from a header that is missing or longer than 16 KiB', () => {
    expect(parseChallenges(undefined)).toEqual([]);
    expect(parseChallenges(null)).toEqual([]);
    expect(parseChallenges(`Bearer a="${'x'.repeat(16_384)}"`)).toEqual([]);
  });

  test('stops after 32 challenges', () => {
    expect(parseChallenges(Array.from({ length: 100 }, () => 'Bearer').join(','))).toHaveLength(32);
  });

  test('never throws and ends, whatever the header holds', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('B', 'a', '=', '"', '\\', ',', ' ', '\t', '/', '+') }),
    );
    fc.assert(
      fc.property(text, (header) => {
        for (const { scheme } of parseChallenges(header)) expect(scheme).toBe(scheme.toLowerCase());
      }),
      { seed: 11, numRuns: 2000 },
    );
  });
});

describe('findChallenge', () => {
  test('finds a scheme among others, in any case', () => {
    expect(findChallenge('Basic realm="x", bEARER error="y"', 'Bearer')?.params['error']).toBe('y');
    expect(findChallenge('Basic realm="x"', 'bearer')).toBeUndefined();
  });
});

describe('formatChallenge (RFC 6750 §3)', () => {
  test('quotes every value and leaves out what is undefined', () => {
    expect(
      formatChallenge('Bearer', { error: 'invalid_token', scope: undefined, a: 'b "c" \\' }),
    ).toBe('Bearer error="invalid_token", a="b \\"c\\" \\\\"');
    expect(formatChallenge('Bearer', {})).toBe('Bearer');
  });

  test('lets no value end the header (header injection)', () => {
    expect(formatChallenge('Bearer', { a: 'x\r\nSet-Cookie: y=z\0é' })).toBe(
      'Bearer a="xSet-Cookie: y=z"',
    );
  });

  test('is undone by parsing, for any printable values', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'b', 'c', 'x', '_', '-'),
      minLength: 1,
      maxLength: 12,
    });
    const value = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(name, value, { minKeys: 1, maxKeys: 5 }), {
          minLength: 1,
          maxLength: 4,
        }),
        (list) => {
          const header = list.map((params) => formatChallenge('Bearer', params)).join(', ');
          const parsed = parseChallenges(header).map(({ params }) => Object.entries(params));
          expect(parsed).toEqual(list.map((params) => Object.entries(params)));
        },
      ),
      { seed: 11, numRuns: 500 },
    );
  });
});
