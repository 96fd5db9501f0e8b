import { describe, expect, it } from 'vitest';
import type { AuditArchive, AuditRow } from '../../../src/server/core/audit.js';

export const auditRow: AuditRow = {
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
const row = auditRow;

/** What every {@link AuditArchive} has to do. `make` opens one over an empty database. */
export function describeAuditLog(engine: string, make: () => Promise<AuditArchive>): void {
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

    it('keeps reason, request id, trace id and arguments', async () => {
      const log = await make();
      const full: AuditRow = {
        ...row,
        outcome: 'denied',
        reason: 'insufficient_scope',
        requestId: '7',
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        arguments: '{"query":"sql"}',
      };
      await log.append(full);
      expect(await log.recent(1)).toEqual([full]);
    });

    it('takes many rows at once, in their order', async () => {
      const log = await make();
      const rows = Array.from({ length: 1201 }, (_, n) => ({ ...row, at: row.at + n }));
      await log.appendAll(rows);
      await log.appendAll([]);
      expect(await log.recent(2000)).toEqual(rows.toReversed());
    });

    it('finds by every filter, and by all of them together', async () => {
      const log = await make();
      const other: AuditRow = {
        ...row,
        at: row.at + 1000,
        issuer: 'https://idp.example',
        subject: 'bob',
        tenant: 'umbra',
        operation: 'prompts/get',
        target: 'summarise',
        outcome: 'denied',
      };
      await log.appendAll([row, other]);
      const one = async (filter: Parameters<AuditArchive['find']>[0]) =>
        (await log.find(filter, { order: 'newest-first', limit: 10 })).rows;
      expect(await one({})).toEqual([other, row]);
      expect(await one({ since: row.at + 1000 })).toEqual([other]);
      expect(await one({ until: row.at + 1000 })).toEqual([row]);
      expect(await one({ subject: 'bob' })).toEqual([other]);
      expect(await one({ issuer: 'local' })).toEqual([row]);
      expect(await one({ tenant: 'umbra' })).toEqual([other]);
      expect(await one({ target: 'search_courses' })).toEqual([row]);
      expect(await one({ operation: 'prompts/get' })).toEqual([other]);
      expect(await one({ outcome: 'denied' })).toEqual([other]);
      const { at: since, issuer, subject, tenant, target, operation, outcome } = other;
      const all = { since, issuer, subject, tenant, target, operation, outcome } as const;
      expect(await one(all)).toEqual([other]);
      expect(await one({ ...all, tenant: 'acme' })).toEqual([]);
    });

    it.each(['newest-first', 'oldest-first'] as const)(
      'gives every row once, page by page, %s, rows of one moment included',
      async (order) => {
        const log = await make();
        const rows = Array.from({ length: 25 }, (_, n) => ({
          ...row,
          at: row.at + Math.floor(n / 10),
          requestId: String(n),
        }));
        await log.appendAll(rows);
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await log.find(
            {},
            { order, limit: 4, ...(after !== undefined && { after }) },
          );
          seen.push(...page.rows.map(({ requestId }) => requestId ?? ''));
          after = page.next;
        } while (after !== undefined);
        const numbers = rows.map(({ requestId }) => requestId);
        expect(seen).toEqual(order === 'oldest-first' ? numbers : numbers.toReversed());
      },
    );

    it('refuses a place that it did not give out', async () => {
      const log = await make();
      const page = { order: 'newest-first', limit: 1, after: "1' OR 1" } as const;
      await expect(log.find({}, page)).rejects.toThrow(TypeError);
    });

    it('deletes the oldest rows in a sweep that stays on record, so many at a time', async () => {
      const log = await make();
      await log.appendAll(Array.from({ length: 10 }, (_, n) => ({ ...row, at: 1000 + n })));
      expect(await log.sweep(1000, 5000, 100)).toBeUndefined();
      expect(await log.sweep(1007, 5000, 3)).toEqual({ at: 5000, before: 1004, deleted: 4 });
      expect(await log.sweep(1007, 6000, 3)).toEqual({ at: 6000, before: 1007, deleted: 3 });
      expect((await log.recent(100)).map(({ at }) => at)).toEqual([1009, 1008, 1007]);
      expect(await log.sweeps(10)).toEqual([
        { at: 6000, before: 1007, deleted: 3 },
        { at: 5000, before: 1004, deleted: 4 },
      ]);
      await expect(log.sweep(9000, 8000, 3)).rejects.toThrow(/./);
      expect(await log.recent(100)).toHaveLength(3);
    });
  });
}
