import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject, parseJson } from '../../src/shared/json.js';

describe('parseJson', () => {
  it('reads any JSON value back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it('never throws on any string', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseJson(text)).toHaveProperty('ok');
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it.each([
    ['an unclosed object', '{', undefined, 'malformed'],
    ['an empty text', '', undefined, 'malformed'],
    ['65 nested arrays', '['.repeat(65) + ']'.repeat(65), undefined, 'too_deep'],
    ['100,000 nested arrays', '['.repeat(1e5) + ']'.repeat(1e5), undefined, 'too_deep'],
    ['more bytes than allowed', '"ääää"', 8, 'too_large'],
  ])('refuses %s', (_name, text, maxBytes, error) => {
    expect(parseJson(text, maxBytes === undefined ? {} : { maxBytes })).toEqual({
      ok: false,
      error,
    });
  });

  it('takes 64 nested arrays', () => {
    expect(parseJson('['.repeat(64) + ']'.repeat(64)).ok).toBe(true);
  });
});

describe('isJsonObject', () => {
  it.each([[null], [[]], ['{}'], [1], [undefined]])('is false for %j', (value) => {
    expect(isJsonObject(value)).toBe(false);
  });
});
