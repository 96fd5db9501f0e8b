import { describe, expect, it } from 'vitest';
import type { PermitStore, Rate } from '../../../src/server/core/permits.js';

const SECOND = 1_000_000;
const NOW = 1_700_000_000 * SECOND;
const rate: Rate = { intervalUs: SECOND, burst: 10 };

/** What every {@link PermitStore} has to do. `make` opens one over an empty database. */
export function describePermitStore(engine: string, make: () => Promise<PermitStore>): void {
  describe(`permit store on ${engine}`, () => {
    it('gives what is asked for until the burst is spent, then what is left, then nothing', async () => {
      const store = await make();
      expect(await store.lease('ada', 6, rate, NOW)).toEqual({ granted: 6, waitUs: 0 });
      expect(await store.lease('ada', 6, rate, NOW)).toEqual({ granted: 4, waitUs: 0 });
      expect(await store.lease('ada', 6, rate, NOW)).toEqual({ granted: 0, waitUs: SECOND });
      expect(await store.lease('bea', 6, rate, NOW)).toEqual({ granted: 6, waitUs: 0 });
    });

    it('gives permits back one by one, and never more than the burst', async () => {
      const store = await make();
      await store.lease('ada', 10, rate, NOW);
      const soon = NOW + 2.5 * SECOND;
      expect(await store.lease('ada', 6, rate, soon)).toEqual({ granted: 2, waitUs: 0 });
      expect(await store.lease('ada', 1, rate, soon)).toEqual({ granted: 0, waitUs: SECOND / 2 });
      const later = NOW + 3600 * SECOND;
      expect(await store.lease('ada', 10, rate, later)).toMatchObject({ granted: 10 });
      expect(await store.lease('ada', 10, rate, later)).toMatchObject({ granted: 0 });
    });

    it('keeps to a rate that was lowered meanwhile', async () => {
      const store = await make();
      await store.lease('ada', 10, rate, NOW);
      const lower = { intervalUs: SECOND, burst: 2 };
      expect(await store.lease('ada', 2, lower, NOW)).toEqual({ granted: 0, waitUs: 9 * SECOND });
      const later = NOW + 9 * SECOND;
      expect(await store.lease('ada', 2, lower, later)).toEqual({ granted: 1, waitUs: 0 });
    });

    it('forgets names whose permits are all back, and only those', async () => {
      const store = await make();
      await store.lease('ada', 1, rate, NOW);
      await store.lease('bea', 10, rate, NOW);
      expect(await store.deleteFull(NOW + SECOND)).toBe(1);
      expect(await store.lease('bea', 10, rate, NOW + SECOND)).toMatchObject({ granted: 1 });
    });

    it('gives out no permit twice, however many ask at the same time', async () => {
      const store = await make();
      const asked = Array.from({ length: 12 }, () => store.lease('ada', 3, rate, NOW));
      const granted = (await Promise.all(asked)).map((lease) => lease.granted);
      expect(granted.reduce((sum, count) => sum + count, 0)).toBe(10);
    });
  });
}
