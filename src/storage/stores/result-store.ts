import type { ResultStore } from '../../server/core/kept-results.js';
import { hashId } from '../../shared/ids.js';
import { type SqlEngine, get, lock, run, runEach } from '../sql.js';

export function createResultStore(engine: SqlEngine): ResultStore {
  return {
    async keep({ id, owner, parts, expiresAt }, maxPerOwner) {
      const [idHash, ownerHash] = [hashId(id), hashId(owner)];
      await engine.write(function* () {
        yield* lock(`kept results ${ownerHash}`);
        yield* runEach(
          `INSERT INTO kept_result (id_hash, part_no, part_count, owner_hash, part, expires_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
          parts.map((part, index) => [idHash, index + 1, parts.length, ownerHash, part, expiresAt]),
        );
        yield* run(
          `DELETE FROM kept_result WHERE owner_hash = ? AND id_hash IN (
             SELECT id_hash FROM kept_result WHERE owner_hash = ? AND part_no = 1 AND id_hash <> ?
             ORDER BY expires_at DESC, id_hash LIMIT 1000000 OFFSET ?)`,
          ownerHash,
          ownerHash,
          idHash,
          maxPerOwner - 1,
        );
      });
    },
    async find(id, partNo, owner, nowSeconds) {
      const row = await engine.run(() =>
        get<{ part: string; part_count: number }>(
          `SELECT part, part_count FROM kept_result
           WHERE id_hash = ? AND part_no = ? AND owner_hash = ? AND expires_at > ?`,
          hashId(id),
          partNo,
          hashId(owner),
          nowSeconds,
        ),
      );
      return row && { part: row.part, partCount: row.part_count };
    },
    async deleteExpired(nowSeconds) {
      return await engine.run(() =>
        run('DELETE FROM kept_result WHERE expires_at <= ?', nowSeconds),
      );
    },
  };
}
