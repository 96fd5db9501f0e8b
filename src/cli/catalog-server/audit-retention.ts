import type { AuditArchive } from '../../server/core/audit.js';
import type { Clock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
/** Rows that one transaction deletes: others wait for it. */
const ROWS_AT_ONCE = 5000;
const MAX_STEPS = 10_000;

/** What a sweep deleted. */
export interface SweepReport {
  readonly deleted: number;
  /** Epoch milliseconds: rows before this moment are gone. */
  readonly before: number;
}

/**
 * Deletes what is older than the retention, a few thousand rows at a time, and leaves an audit row that says so, besides
 * the log's own record of every step.
 */
export async function sweepAudit(
  audit: AuditArchive,
  retentionDays: number,
  clock: Clock,
): Promise<SweepReport> {
  const startedAt = clock.nowMs();
  const before = startedAt - retentionDays * DAY_MS;
  let deleted = 0;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const swept = await audit.sweep(before, startedAt, ROWS_AT_ONCE);
    if (swept === undefined) break;
    deleted += swept.deleted;
  }
  if (deleted > 0) {
    await audit.append({
      at: startedAt,
      issuer: undefined,
      subject: undefined,
      tenant: undefined,
      clientId: undefined,
      transport: 'local',
      era: 'modern',
      operation: 'audit/sweep',
      target: new Date(before).toISOString(),
      outcome: 'ok',
      durationMs: clock.nowMs() - startedAt,
      reason: `deleted_${deleted}`,
    });
  }
  return { deleted, before };
}

/** Sweeps now and every hour. @returns a function that ends it, and waits for the sweep that runs */
export function keepAuditRetention(
  audit: AuditArchive,
  retentionDays: number | undefined,
  clock: Clock,
  logger: Logger,
): () => Promise<void> {
  if (retentionDays === undefined) return () => Promise.resolve();
  let running: Promise<void> = Promise.resolve();
  const sweepOnce = async (before: Promise<void>): Promise<void> => {
    await before;
    try {
      const { deleted } = await sweepAudit(audit, retentionDays, clock);
      if (deleted > 0) logger.info('old audit rows were deleted', { deleted, retentionDays });
    } catch (error) {
      logger.error('the audit sweep failed', { error });
    }
  };
  const sweep = (): void => {
    running = sweepOnce(running);
  };
  sweep();
  const timer = setInterval(sweep, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}
