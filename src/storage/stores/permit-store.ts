import type { PermitStore } from '../../server/core/permits.js';
import { hashId } from '../../shared/ids.js';
import { type SqlEngine, get, run } from '../sql.js';

/**
 * One row per name, one statement per lease: `spent_until` is the time up to which permits are given away
 * (microseconds), `granted` what the last lease got. A name is stored hashed, as it may hold who calls.
 */
export function createPermitStore(engine: SqlEngine): PermitStore {
  return {
    async lease(name, count, { intervalUs, burst }, nowUs) {
      const ceiling = nowUs + burst * intervalUs;
      const row = await engine.run(() =>
        get<{ granted: number; spent_until: number }>(
          `INSERT INTO call_rate (name, spent_until, granted) VALUES (?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET
             granted = CASE
               WHEN call_rate.spent_until <= CAST(? AS BIGINT) THEN excluded.granted
               WHEN call_rate.spent_until + excluded.granted * CAST(? AS BIGINT) <= CAST(? AS BIGINT)
                 THEN excluded.granted
               WHEN call_rate.spent_until >= CAST(? AS BIGINT) THEN 0
               ELSE (CAST(? AS BIGINT) - call_rate.spent_until) / CAST(? AS BIGINT) END,
             spent_until = CASE
               WHEN call_rate.spent_until <= CAST(? AS BIGINT) THEN excluded.spent_until
               WHEN call_rate.spent_until + excluded.granted * CAST(? AS BIGINT) <= CAST(? AS BIGINT)
                 THEN call_rate.spent_until + excluded.granted * CAST(? AS BIGINT)
               WHEN call_rate.spent_until >= CAST(? AS BIGINT) THEN call_rate.spent_until
               ELSE call_rate.spent_until
                 + ((CAST(? AS BIGINT) - call_rate.spent_until) / CAST(? AS BIGINT)) * CAST(? AS BIGINT) END
           RETURNING granted, spent_until`,
          hashId(name),
          nowUs + count * intervalUs,
          count,
          // What is granted, in the order of the marks above.
          nowUs,
          intervalUs,
          ceiling,
          ceiling,
          ceiling,
          intervalUs,
          // Until when it is spent.
          nowUs,
          intervalUs,
          ceiling,
          intervalUs,
          ceiling,
          ceiling,
          intervalUs,
          intervalUs,
        ),
      );
      if (row === undefined) throw new Error('the lease returned no row');
      const { granted, spent_until: spentUntil } = row;
      return {
        granted,
        waitUs: granted > 0 ? 0 : Math.max(0, spentUntil + intervalUs - ceiling),
      };
    },
    async deleteFull(nowUs) {
      return await engine.run(() => run('DELETE FROM call_rate WHERE spent_until <= ?', nowUs));
    },
  };
}
