import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AuditArchive, AuditFilter, AuditOutcome, AuditRow } from '../../server/core/audit.js';
import { systemClock } from '../../shared/clock.js';
import type { CliIo } from '../io.js';
import { sweepAudit } from './audit-retention.js';
import { ConfigurationError, type RawSettings, resolveConfig } from './config.js';
import { openStorage } from './open-storage.js';
import { serverLogger } from './server-logger.js';
import { formatTable } from './table.js';

const OUTCOMES: readonly AuditOutcome[] = ['ok', 'tool_error', 'denied', 'failed', 'cancelled'];
const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const EXPORT_PAGE = 1000;
const MAX_LISTED = 1000;

interface FilterFlags {
  readonly since?: number;
  readonly until?: number;
  readonly principal?: string;
  readonly tenant?: string;
  readonly tool?: string;
  readonly operation?: string;
  readonly outcome?: AuditOutcome;
}

interface ListFlags extends FilterFlags {
  readonly limit: number;
  readonly after?: string;
}

/** Adds `audit list|export|sweep`. */
export function addAuditCommands(program: Command, io: CliIo): void {
  const audit = program
    .command('audit')
    .description('read the audit log: who called what, and what came of it');

  withFilters(audit.command('list'))
    .description('show calls, the newest first')
    .option('--limit <number>', `rows of a page, at most ${MAX_LISTED}`, parseLimit, 50)
    .option('--after <place>', 'the page after the one that named this place')
    .action(async (flags: ListFlags, command: Command) =>
      withAudit(command, io, async (log, { isJson }) => {
        const { limit, after } = flags;
        const page = await find(log, filterOf(flags), {
          order: 'newest-first',
          limit,
          ...(after !== undefined && { after }),
        });
        if (isJson) {
          io.stdout.write(`${JSON.stringify({ rows: page.rows.map(toJson), next: page.next })}\n`);
          return;
        }
        io.stdout.write(asTable(page.rows));
        if (page.next !== undefined) io.stderr.write(`More: --after ${page.next}\n`);
      }),
    );

  withFilters(audit.command('export'))
    .description('write every matching call as NDJSON, the oldest first')
    .action(async (flags: FilterFlags, command: Command) =>
      withAudit(command, io, async (log) => {
        // Up to now: a log that is written meanwhile would never end.
        const filter = { until: systemClock.nowMs(), ...filterOf(flags) };
        let after: string | undefined;
        do {
          const page = await find(log, filter, {
            order: 'oldest-first',
            limit: EXPORT_PAGE,
            ...(after !== undefined && { after }),
          });
          const lines = page.rows.map((row) => `${JSON.stringify(toJson(row))}\n`);
          if (!(await write(io.stdout, lines.join('')))) return;
          after = page.next;
        } while (after !== undefined);
      }),
    );

  audit
    .command('sweep')
    .description('delete the rows that are older than --audit-retention now, and record that')
    .action(async (_flags: unknown, command: Command) =>
      withAudit(command, io, async (log, { isJson, observation }) => {
        const { auditRetentionDays } = observation;
        if (auditRetentionDays === undefined) {
          throw new ConfigurationError(
            'audit sweep needs --audit-retention <days>: without it all rows are kept',
          );
        }
        const { deleted, before } = await sweepAudit(log, auditRetentionDays, systemClock);
        const moment = new Date(before).toISOString();
        io.stdout.write(
          isJson
            ? `${JSON.stringify({ deleted, before: moment })}\n`
            : `${deleted} rows from before ${moment} are deleted.\n`,
        );
      }),
    );
}

function withFilters(command: Command): Command {
  return command
    .option(
      '--since <time>',
      'from then on: a time such as 2026-07-28T09:00Z, or 30m, 12h, 7d ago',
      parseTime,
    )
    .option('--until <time>', 'before then', parseTime)
    .option('--principal <id>', 'subject: the person or machine')
    .option('--tenant <id>', 'tenant of the caller')
    .option('--tool <name>', 'tool, prompt or resource')
    .option('--operation <method>', 'JSON-RPC method, such as tools/call')
    .addOption(new Option('--outcome <outcome>', 'what came of it').choices(OUTCOMES));
}

function filterOf(flags: FilterFlags): AuditFilter {
  return {
    ...(flags.since !== undefined && { since: flags.since }),
    ...(flags.until !== undefined && { until: flags.until }),
    ...(flags.principal !== undefined && { subject: flags.principal }),
    ...(flags.tenant !== undefined && { tenant: flags.tenant }),
    ...(flags.tool !== undefined && { target: flags.tool }),
    ...(flags.operation !== undefined && { operation: flags.operation }),
    ...(flags.outcome !== undefined && { outcome: flags.outcome }),
  };
}

async function withAudit(
  command: Command,
  io: CliIo,
  work: (log: AuditArchive, config: ReturnType<typeof resolveConfig>) => Promise<void>,
): Promise<void> {
  const config = resolveConfig(command.optsWithGlobals<RawSettings>(), io.env);
  const storage = await openStorage(config, serverLogger(config, io));
  try {
    await work(storage.audit, config);
  } finally {
    await storage.close();
  }
}

async function find(
  log: AuditArchive,
  ...[filter, page]: Parameters<AuditArchive['find']>
): ReturnType<AuditArchive['find']> {
  try {
    return await log.find(filter, page);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConfigurationError(`--after: ${error.message}. Give what the page before printed`, {
      cause: error,
    });
  }
}

/**
 * Waits until the reader has taken enough: an export of any length needs the memory of a page.
 *
 * @returns false when the reader has gone, as `head` does
 */
async function write(output: NodeJS.WritableStream, text: string): Promise<boolean> {
  try {
    if (text !== '' && !output.write(text)) await once(output, 'drain');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false;
    throw error;
  }
}

/** For scripts: a time they can sort by, and no members without a value. */
function toJson(row: AuditRow): Readonly<Record<string, unknown>> {
  const { at, arguments: args, ...rest } = row;
  return {
    at: new Date(at).toISOString(),
    ...rest,
    ...(args !== undefined && { arguments: JSON.parse(args) as unknown }),
  };
}

const HEADINGS = ['time', 'tenant', 'principal', 'operation', 'target', 'outcome', 'ms', 'reason'];

function asTable(rows: readonly AuditRow[]): string {
  return formatTable(
    HEADINGS,
    rows.map((row) => [
      new Date(row.at).toISOString(),
      row.tenant ?? '-',
      row.subject ?? '-',
      row.operation,
      row.target ?? '-',
      row.outcome,
      String(row.durationMs),
      row.reason ?? '',
    ]),
  );
}

function parseTime(text: string): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  const unit = ago?.[2] as keyof typeof UNITS_MS | undefined;
  if (ago !== null && unit !== undefined) {
    return systemClock.nowMs() - Number(ago[1]) * UNITS_MS[unit];
  }
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      'Give a time such as 2026-07-28T09:00Z, or how long ago, such as 12h.',
    );
  }
  return time;
}

function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LISTED) return limit;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${MAX_LISTED}.`);
}
