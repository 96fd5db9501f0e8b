import { expect } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { queryPostgres } from '../support/postgres.js';
import { type ChaosOptions, type Family, runChaos } from './refresh-chaos.js';

const COUNT = `SELECT
  (SELECT count(*) FROM as_artifact WHERE model = 'Grant') AS grants,
  (SELECT count(*) FROM as_artifact WHERE model = 'RefreshToken' AND consumed_at IS NULL) AS live,
  (SELECT count(*) FROM as_artifact WHERE model = 'RefreshToken' AND consumed_at IS NOT NULL) AS spent`;

export function sqliteFamily(path: string): () => Promise<Family> {
  return async () => {
    const database = openSqlite(path);
    try {
      return toFamily(database.get(COUNT));
    } finally {
      database.close();
    }
  };
}

export function postgresFamily(url: string): () => Promise<Family> {
  return async () => toFamily((await queryPostgres(url, COUNT))[0]);
}

function toFamily(row: Record<string, unknown> = {}): Family {
  return {
    grants: Number(row['grants']),
    live: Number(row['live']),
    spent: Number(row['spent']),
  };
}

/** Fails with the seed and every point that did not end well. @returns how many of them killed the server */
export async function survives(options: ChaosOptions): Promise<number> {
  const startedAt = performance.now();
  const outcomes = await runChaos(options);
  const bad = outcomes.filter(
    ({ status, family }) => status !== 200 || family.grants !== 1 || family.live !== 1,
  );
  const byKind = new Map<string, string[]>();
  for (const { point, isKilled, isCommitted } of outcomes) {
    const fate = !isKilled ? 'missed' : isCommitted ? 'after the commit' : 'before the commit';
    byKind.set(point.kind, [...(byKind.get(point.kind) ?? []), fate]);
  }
  const report = [...byKind].map(([kind, fates]) => {
    const counts = [...new Set(fates)].map(
      (fate) => `${fates.filter((one) => one === fate).length} ${fate}`,
    );
    return `${kind}: ${counts.join(', ')}`;
  });
  const killed = outcomes.filter(({ isKilled }) => isKilled).length;
  process.stdout.write(
    `seed ${options.seed}: ${outcomes.length} points, ${killed} killed, ${outcomes.length - bad.length} with one live family, ${Math.round((performance.now() - startedAt) / 1000)} s\n  ${report.toSorted().join('\n  ')}\n`,
  );
  expect(bad, `seed ${options.seed}`).toEqual([]);
  expect(outcomes).toHaveLength(options.points);
  return killed;
}
