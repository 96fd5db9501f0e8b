import { describe, expect, it } from 'vitest';
import type { ResultStore } from '../../../src/server/core/kept-results.js';

const result = { id: 'one', owner: 'ada', parts: ['first', 'second'], expiresAt: 1000 };

/** What every {@link ResultStore} has to do. `make` opens one over an empty database. */
export function describeResultStore(
  engine: string,
  make: () => Promise<{ results: ResultStore; dump: () => Promise<string> }>,
): void {
  describe(`result store on ${engine}`, () => {
    it('gives the parts back to their owner until they expire, and to nobody else', async () => {
      const { results } = await make();
      await results.keep(result, 16);
      expect(await results.find('one', 1, 'ada', 999)).toEqual({ part: 'first', partCount: 2 });
      expect(await results.find('one', 2, 'ada', 999)).toEqual({ part: 'second', partCount: 2 });
      expect(await results.find('one', 3, 'ada', 999)).toBeUndefined();
      expect(await results.find('one', 1, 'bea', 999)).toBeUndefined();
      expect(await results.find('two', 1, 'ada', 999)).toBeUndefined();
      expect(await results.find('one', 1, 'ada', 1000)).toBeUndefined();
    });

    it('keeps a bounded number per owner: those that expire first go, all their parts', async () => {
      const { results } = await make();
      await results.keep({ ...result, id: 'beas', owner: 'bea' }, 2);
      for (const [index, id] of ['a', 'b', 'c'].entries()) {
        await results.keep({ ...result, id, expiresAt: 1000 + index }, 2);
      }
      const found = async (id: string, owner = 'ada') =>
        (await Promise.all([1, 2].map((part) => results.find(id, part, owner, 0)))).map(
          (part) => part !== undefined,
        );
      expect(await found('a')).toEqual([false, false]);
      expect(await found('b')).toEqual([true, true]);
      expect(await found('c')).toEqual([true, true]);
      expect(await found('beas', 'bea')).toEqual([true, true]);
    });

    it('removes what has expired', async () => {
      const { results } = await make();
      await results.keep(result, 16);
      await results.keep({ ...result, id: 'two', expiresAt: 2000 }, 16);
      expect(await results.deleteExpired(1000)).toBe(2);
      expect(await results.deleteExpired(1000)).toBe(0);
      expect(await results.find('two', 1, 'ada', 1500)).toBeDefined();
    });

    it('writes down neither ids nor owners', async () => {
      const { results, dump } = await make();
      await results.keep({ ...result, id: 'the-secret-id', owner: 'the-owner' }, 16);
      expect(await dump()).not.toMatch(/the-secret-id|the-owner/);
    });
  });
}
