import type { Logger } from '../../shared/logger.js';
import type { AuditLog, AuditRow } from './audit.js';

/** The audit log as a server writes it. */
export interface AuditWriter extends AuditLog {
  /**
   * Keeps the row within {@link AuditWriterOptions.maxDelayMs}, together with others. Settles at once, unless more rows
   * wait than may: then with their writing.
   */
  appendSoon(row: AuditRow): Promise<void>;
  /** Settles when every row given so far is kept, or was reported as lost. */
  flush(): Promise<void>;
}

export interface AuditWriterOptions {
  readonly logger: Logger;
  /** Default 50. */
  readonly maxDelayMs?: number;
  /** Rows that may wait. Default 1000. */
  readonly maxWaiting?: number;
}

const nothing = Promise.resolve();

/**
 * Group commit: one transaction for the rows of many calls. A row of {@link AuditLog.append} takes those that wait with it, so
 * the order of the log is the order in which calls ended.
 *
 * While the log cannot be written, rows that wait are kept up to the bound; beyond it they are dropped, and counted in
 * the operator's log.
 */
export function createAuditWriter(log: AuditLog, options: AuditWriterOptions): AuditWriter {
  const { logger, maxDelayMs = 50, maxWaiting = 1000 } = options;
  const appendAll = log.appendAll?.bind(log);
  let waiting: AuditRow[] = [];
  let timer: NodeJS.Timeout | undefined;
  // One write at a time: rows that wait must not overtake each other.
  let writing: Promise<void> = nothing;

  const takeWaiting = (): AuditRow[] => {
    const taken = waiting;
    waiting = [];
    clearTimeout(timer);
    timer = undefined;
    return taken;
  };

  const writeWaiting = async (): Promise<void> => {
    const rows = takeWaiting();
    if (rows.length === 0) return;
    try {
      await appendAll?.(rows);
    } catch (error) {
      const kept = rows.concat(waiting).slice(-maxWaiting);
      const dropped = rows.length + waiting.length - kept.length;
      waiting = kept;
      logger.error('audit rows could not be written', { waiting: kept.length, dropped, error });
      schedule();
    }
  };

  const enqueueWrite = (): Promise<void> => {
    writing = writing.then(writeWaiting);
    return writing;
  };

  const schedule = (): void => {
    // Not unreferenced: a process that ends by itself has written its rows.
    timer ??= setTimeout(() => {
      timer = undefined;
      void enqueueWrite();
    }, maxDelayMs);
  };

  return {
    recent: (limit) => log.recent(limit),
    async append(row) {
      if (appendAll === undefined || waiting.length === 0) return log.append(row);
      const rows = takeWaiting();
      try {
        await appendAll([...rows, row]);
      } catch (error) {
        waiting = rows.concat(waiting).slice(-maxWaiting);
        schedule();
        throw error;
      }
    },
    ...(appendAll !== undefined && { appendAll }),
    appendSoon(row) {
      if (appendAll === undefined) return log.append(row);
      waiting.push(row);
      if (waiting.length >= maxWaiting) return enqueueWrite();
      schedule();
      return nothing;
    },
    async flush() {
      await enqueueWrite();
      if (waiting.length === 0) return;
      // One more try: nobody comes after this.
      await enqueueWrite();
      const lost = takeWaiting().length;
      if (lost > 0) logger.error('audit rows are lost: the log cannot be written', { lost });
    },
  };
}
