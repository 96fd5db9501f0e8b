import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSealer, deriveKey } from '../../src/shared/sealing.js';

const SECRET = 'a master secret of sufficient length';

describe('createSealer', () => {
  const sealer = createSealer(SECRET, 'test');

  it('opens what it sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        expect(sealer.open(sealer.seal(text, context), context)).toBe(text);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it.each([
    ['another context', () => sealer.open(sealer.seal('x', 'a'), 'b')],
    ['another purpose', () => createSealer(SECRET, 'other').open(sealer.seal('x', 'a'), 'a')],
    ['another secret', () => createSealer(`${SECRET}.`, 'test').open(sealer.seal('x', 'a'), 'a')],
    ['a cut value', () => sealer.open(sealer.seal('x', 'a').slice(0, -3), 'a')],
    ['nothing', () => sealer.open('', 'a')],
  ])('gives nothing under %s', (_name, open) => {
    expect(open()).toBeUndefined();
  });

  it('gives nothing, and does not throw, on any altered byte', () => {
    const sealed = Buffer.from(sealer.seal('a code', 'context'), 'base64url');
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(sealer.open(altered.toString('base64url'), 'context')).toBeUndefined();
    }
  });

  it('never seals to the same bytes twice', () => {
    expect(sealer.seal('x', 'a')).not.toBe(sealer.seal('x', 'a'));
  });
});

describe('deriveKey', () => {
  it('refuses a secret shorter than 16 bytes', () => {
    expect(() => deriveKey('short', 'test')).toThrow(TypeError);
  });
});
