import { describe, expect, it, vi } from 'vitest';
import type { AuditLog, AuditRow } from '../../../src/server/core/audit.js';
import { auditedArguments, secretNamesIn } from '../../../src/server/core/audit-arguments.js';
import { createAuditWriter } from '../../../src/server/core/audit-writer.js';
import { silentLogger } from '../../../src/shared/logger.js';
import { auditRow } from '../../storage/contract/audit-log.js';

function memoryLog() {
  const rows: AuditRow[] = [];
  const writes: number[] = [];
  const fault = { isDown: false };
  const write = async (more: readonly AuditRow[]): Promise<void> => {
    await Promise.resolve();
    if (fault.isDown) throw new Error('down');
    writes.push(more.length);
    rows.push(...more);
  };
  const log: AuditLog = {
    append: (row) => write([row]),
    appendAll: write,
    recent: async () => rows,
  };
  return { log, rows, writes, fault };
}

const row = (requestId: string): AuditRow => ({ ...auditRow, requestId });
const idsOf = (rows: readonly AuditRow[]) => rows.map(({ requestId }) => requestId);

describe('the audit writer', () => {
  it('keeps rows that may wait within its delay, in one write', async () => {
    vi.useFakeTimers();
    try {
      const { log, rows, writes } = memoryLog();
      const writer = createAuditWriter(log, { logger: silentLogger });
      await writer.appendSoon(row('1'));
      await writer.appendSoon(row('2'));
      await vi.advanceTimersByTimeAsync(49);
      expect(rows).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(idsOf(rows)).toEqual(['1', '2']);
      expect(writes).toEqual([2]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('has a row that may not wait written when it settles, with those that waited before it', async () => {
    const { log, rows, writes } = memoryLog();
    const writer = createAuditWriter(log, { logger: silentLogger });
    void writer.appendSoon(row('1'));
    await writer.append(row('2'));
    expect(idsOf(rows)).toEqual(['1', '2']);
    expect(writes).toEqual([2]);
    await writer.flush();
    expect(writes).toEqual([2]);
  });

  it('makes callers wait when too many rows wait', async () => {
    const { log, rows } = memoryLog();
    const writer = createAuditWriter(log, { logger: silentLogger, maxWaiting: 3 });
    await Promise.all(['1', '2', '3'].map((id) => writer.appendSoon(row(id))));
    expect(idsOf(rows)).toEqual(['1', '2', '3']);
  });

  it('writes everything on flush', async () => {
    const { log, rows } = memoryLog();
    const writer = createAuditWriter(log, { logger: silentLogger });
    for (let n = 0; n < 10; n += 1) void writer.appendSoon(row(String(n)));
    await writer.flush();
    expect(rows).toHaveLength(10);
  });

  it('keeps rows through an outage, in order, and reports what it drops beyond its bound', async () => {
    const { log, rows, fault } = memoryLog();
    const errors: unknown[] = [];
    const logger = {
      ...silentLogger,
      error: (_: string, fields?: unknown) => void errors.push(fields),
    };
    const writer = createAuditWriter(log, { logger, maxWaiting: 3, maxDelayMs: 5 });
    fault.isDown = true;
    for (const id of ['1', '2', '3', '4']) await writer.appendSoon(row(id));
    await expect(writer.append(row('5'))).rejects.toThrow('down');
    fault.isDown = false;
    await writer.flush();
    expect(idsOf(rows)).toEqual(['2', '3', '4']);
    expect(errors).toContainEqual(expect.objectContaining({ dropped: 1 }));
  });

  it('reports rows that are lost for good', async () => {
    const { log, fault } = memoryLog();
    const errors: unknown[] = [];
    const logger = {
      ...silentLogger,
      error: (_: string, fields?: unknown) => void errors.push(fields),
    };
    const writer = createAuditWriter(log, { logger });
    fault.isDown = true;
    void writer.appendSoon(row('1'));
    await writer.flush();
    expect(errors.at(-1)).toEqual({ lost: 1 });
  });

  it('gives a log that takes no batches every row at once', async () => {
    const { log, rows } = memoryLog();
    const writer = createAuditWriter(
      { append: log.append.bind(log), recent: log.recent.bind(log) },
      { logger: silentLogger },
    );
    await writer.appendSoon(row('1'));
    expect(rows).toHaveLength(1);
  });
});

describe('arguments in the audit log', () => {
  const schema = {
    type: 'object',
    properties: {
      pin: { type: 'string', writeOnly: true },
      login: {
        anyOf: [{ type: 'object', properties: { pass: { type: 'string', format: 'password' } } }],
      },
    },
  };

  it('masks what the schema declares as secret, wherever it stands', () => {
    const secrets = secretNamesIn(schema);
    expect([...secrets]).toEqual(['pin', 'pass']);
    const args = {
      query: 'sql',
      pin: '1234',
      login: { pass: 'hunter2', user: 'ada' },
      pass: ['x'],
    };
    expect(JSON.parse(auditedArguments(args, secrets) ?? '')).toEqual({
      query: 'sql',
      pin: '[redacted]',
      login: { pass: '[redacted]', user: 'ada' },
      pass: '[redacted]',
    });
  });

  it('masks what a name or a value gives away, without a schema', () => {
    const args = { api_key: 'k', note: 'use Bearer abcdefgh12' };
    expect(JSON.parse(auditedArguments(args, new Set()) ?? '')).toEqual({
      api_key: '[redacted]',
      note: 'use Bearer [redacted]',
    });
  });

  it('cuts what is long, and has nothing to say of no arguments', () => {
    const text = auditedArguments({ text: 'x'.repeat(100_000) }, new Set()) ?? '';
    expect(text.length).toBeLessThan(5000);
    expect(JSON.parse(text)).toMatchObject({ characters: expect.any(Number) as number });
    expect(auditedArguments(undefined, new Set())).toBeUndefined();
  });
});
