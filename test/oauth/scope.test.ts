import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatScope, missingScopes, parseScope, unionScopes } from '../../src/oauth/scope.js';

describe('parseScope (RFC 6749 §3.3)', () => {
  const vectors: readonly [string | undefined, string[]][] = [
    [undefined, []],
    ['', []],
    ['   ', []],
    ['a', ['a']],
    ['b a b', ['b', 'a']],
    ['  a   b ', ['a', 'b']],
    ['catalog:read learner:write', ['catalog:read', 'learner:write']],
    ['a "b" c\\d é \u0000 e', ['a', 'e']],
    ['a\tb c\nd', []],
  ];
  test.each(vectors)('reads %j', (scope, expected) => {
    expect(parseScope(scope)).toEqual(expected);
  });

  test('is undone by formatting, never throws, and lets no token outside the grammar through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const scopes = parseScope(text);
        expect(parseScope(formatScope(scopes))).toEqual(scopes);
        for (const scope of scopes) expect(scope).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
      }),
      { seed: 13, numRuns: 1000 },
    );
  });
});

describe('scope sets', () => {
  test('formats each scope once, in order', () => {
    expect(formatScope(['b', 'a', 'b'])).toBe('b a');
    expect(formatScope(new Set<string>())).toBe('');
  });

  test('finds what is missing, exactly: there is no hierarchy', () => {
    expect(missingScopes(['a', 'b:read'], ['a', 'b', 'B:read'])).toEqual(['b:read']);
    expect(missingScopes([], ['a'])).toEqual([]);
  });

  test('joins lists without doubling (SEP-2350)', () => {
    expect(unionScopes(['a', 'b'], [], ['b', 'c'])).toEqual(['a', 'b', 'c']);
  });
});
