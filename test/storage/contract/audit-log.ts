import { describe, expect, it } from 'vitest';
import type { AuditLog, AuditRow } from '../../../src/server/core/ports.js';

const row: AuditRow = {
  at: 1_700_000_000_123,
  issuer: 'local',
  subject: 'ada',
  tenant: 'acme',
  clientId: 'client',
  transport: 'http',
  era: 'modern',
  operation: 'tools/call',
  target: 'search_courses',
  outcome: 'ok',
  durationMs: 12,
};

/** What every {@link AuditLog} has to do. `make` opens one over an empty database. */
export function describeAuditLog(engine: string, make: () => Promise<AuditLog>): void {
  describe(`audit log on ${engine}`, () => {
    it('gives back rows as they were written, newest first, within the limit', async () => {
      const log = await make();
      const nobody: AuditRow = {
        ...row,
        issuer: undefined,
        subject: undefined,
        tenant: undefined,
        clientId: undefined,
        target: undefined,
        outcome: 'denied',
        era: 'legacy',
        transport: 'stdio',
      };
      await log.append(row);
      await log.append(nobody);
      expect(await log.recent(10)).toEqual([nobody, row]);
      expect(await log.recent(1)).toEqual([nobody]);
    });
  });
}
