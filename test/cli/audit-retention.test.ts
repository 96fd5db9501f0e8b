import { afterEach, describe, expect, it } from 'vitest';
import { keepAuditRetention, sweepAudit } from '../../src/cli/catalog-server/audit-retention.js';
import { silentLogger } from '../../src/shared/logger.js';
import { openSqliteStorage } from '../../src/storage/index.js';
import { auditRow } from '../storage/contract/audit-log.js';

const DAY_MS = 86_400_000;
const now = 100 * DAY_MS;
const clock = { nowMs: () => now };
const opened: { close(): void }[] = [];
afterEach(() => {
  for (const storage of opened.splice(0)) storage.close();
});

function open() {
  const storage = openSqliteStorage(':memory:');
  opened.push(storage);
  return storage.audit;
}

describe('audit retention', () => {
  it('deletes what is older, in steps, and leaves a row and records that say so', async () => {
    const audit = open();
    const old = Array.from({ length: 12_000 }, (_, n) => ({ ...auditRow, at: n }));
    await audit.appendAll([...old, { ...auditRow, at: now - DAY_MS }]);
    expect(await sweepAudit(audit, 30, clock)).toEqual({ deleted: 12_000, before: 70 * DAY_MS });
    expect(await audit.recent(10)).toMatchObject([
      {
        operation: 'audit/sweep',
        transport: 'local',
        target: new Date(70 * DAY_MS).toISOString(),
        reason: 'deleted_12000',
        subject: undefined,
      },
      { at: now - DAY_MS },
    ]);
    const sweeps = await audit.sweeps(10);
    expect(sweeps.length).toBe(3);
    expect(sweeps.reduce((sum, { deleted }) => sum + deleted, 0)).toBe(12_000);
    expect(await sweepAudit(audit, 30, clock)).toMatchObject({ deleted: 0 });
    expect(await audit.recent(10)).toHaveLength(2);
  });

  it('sweeps at the start, and ends with the sweep that runs', async () => {
    const audit = open();
    await audit.append({ ...auditRow, at: 1 });
    const stop = keepAuditRetention(audit, 30, clock, silentLogger);
    await stop();
    expect(await audit.recent(10)).toMatchObject([{ operation: 'audit/sweep' }]);
  });

  it('keeps everything where nobody asks for less', async () => {
    const audit = open();
    await audit.append({ ...auditRow, at: 1 });
    await keepAuditRetention(audit, undefined, clock, silentLogger)();
    expect(await audit.recent(10)).toHaveLength(1);
  });
});
