import { describe, expect, it } from 'vitest';
import { randomId } from '../../src/shared/ids.js';

describe('randomId', () => {
  it('never begins like an option of a command line', () => {
    const ids = Array.from({ length: 5000 }, () => randomId(6));
    expect(ids.filter((id) => id.startsWith('-'))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[\w-]{8}$/);
  });
});
