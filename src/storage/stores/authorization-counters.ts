import type { CounterStore } from '../../authorization/ports.js';
import { type SqlEngine, get, run } from '../sql.js';

export function createCounterStore(engine: SqlEngine): CounterStore {
  return {
    async increment(name, windowSeconds, nowSeconds) {
      const row = await engine.run(() =>
        get<{ count: number; resets_at: number }>(
          `INSERT INTO as_counter (name, count, resets_at) VALUES (?, 1, ?)
         ON CONFLICT (name) DO UPDATE SET
           count = CASE WHEN as_counter.resets_at <= ? THEN 1 ELSE as_counter.count + 1 END,
           resets_at = CASE WHEN as_counter.resets_at <= ? THEN excluded.resets_at
             ELSE as_counter.resets_at END
         RETURNING count, resets_at`,
          name,
          nowSeconds + windowSeconds,
          nowSeconds,
          nowSeconds,
        ),
      );
      if (row === undefined) throw new Error('the counter returned no row');
      return { count: row.count, resetsAt: row.resets_at };
    },
    async read(name, nowSeconds) {
      const row = await engine.run(() =>
        get<{ count: number }>(
          'SELECT count FROM as_counter WHERE name = ? AND resets_at > ?',
          name,
          nowSeconds,
        ),
      );
      return row?.count ?? 0;
    },
    async deleteExpired(nowSeconds) {
      return await engine.run(() => run('DELETE FROM as_counter WHERE resets_at <= ?', nowSeconds));
    },
  };
}
