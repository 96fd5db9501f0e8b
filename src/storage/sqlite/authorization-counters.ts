import type { CounterStore } from '../../authorization/ports.js';
import type { SqliteDatabase } from './database.js';

export function createSqliteCounterStore(database: SqliteDatabase): CounterStore {
  return {
    async increment(name, windowSeconds, nowSeconds) {
      const row = database.get<{ count: number; resets_at: number }>(
        `INSERT INTO as_counter (name, count, resets_at) VALUES (?, 1, ?)
         ON CONFLICT (name) DO UPDATE SET
           count = CASE WHEN resets_at <= ? THEN 1 ELSE count + 1 END,
           resets_at = CASE WHEN resets_at <= ? THEN excluded.resets_at ELSE resets_at END
         RETURNING count, resets_at`,
        name,
        nowSeconds + windowSeconds,
        nowSeconds,
        nowSeconds,
      );
      if (row === undefined) throw new Error('the counter returned no row');
      return { count: row.count, resetsAt: row.resets_at };
    },
    async deleteExpired(nowSeconds) {
      return database.run('DELETE FROM as_counter WHERE resets_at <= ?', nowSeconds).changes;
    },
  };
}
