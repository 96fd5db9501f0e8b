import { type ReadStream, createReadStream, createWriteStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { once } from 'node:events';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import {
  type RejectedRow,
  type SourceRow,
  importCourses,
  readCsv,
  readNdjson,
} from '../../catalog/import/index.js';
import { SHARED_TENANT } from '../../catalog/domain/scope.js';
import { createChanges } from '../../server/core/changes.js';
import { systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { ConfigurationError, type RawSettings, resolveConfig } from './config.js';
import { openStorage } from './open-storage.js';
import { serverLogger } from './server-logger.js';

const FORMATS = { '.csv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson' } as const;
// A report on a terminal is read by a person; the whole list goes to --rejects.
const MAX_SHOWN_REJECTS = 20;

interface ImportFlags extends RawSettings {
  readonly format?: string;
  readonly source?: string;
  readonly skipBad: boolean;
  readonly rejects?: string;
}

/** Adds `import FILE`. `setExitCode` is called with 1 when bad rows kept the file out. */
export function addImportCommand(
  program: Command,
  io: CliIo,
  setExitCode: (code: number) => void,
): void {
  program
    .command('import <file>')
    .description('import courses from a CSV or NDJSON file: all of them, or none when a row is bad')
    .option('--format <name>', 'csv or ndjson; default: by the ending of the file name')
    .option('--source <name>', 'name of the feed; default: the file name without its ending')
    .option('--skip-bad', 'import the good rows although others are bad', false)
    .option('--rejects <file>', 'write every bad row to this file, one JSON object a line')
    .action(async (file: string, _flags: unknown, command: Command) => {
      const isApplied = await runImport(file, command.optsWithGlobals<ImportFlags>(), io);
      if (!isApplied) setExitCode(EXIT.usage);
    });
}

async function runImport(file: string, flags: ImportFlags, io: CliIo): Promise<boolean> {
  const config = resolveConfig(flags, io.env);
  const size = sizeOf(file);
  const format = formatOf(file, flags.format);
  const logger = serverLogger(config, io);
  const storage = await openStorage(config, logger);
  const rejects = flags.rejects === undefined ? undefined : createWriteStream(flags.rejects);
  const progress = startProgress(io, config.isJson ? 0 : size * 2);
  const shown: RejectedRow[] = [];
  const changes = createChanges(storage.bus, logger);
  try {
    if (rejects !== undefined) await once(rejects, 'open');
    const report = await importCourses({
      store: storage.catalog.courses,
      scope: { tenant: SHARED_TENANT },
      source: flags.source ?? basename(file, extname(file)),
      open: () => openRows(progress.follow(createReadStream(file)), format),
      shouldSkipBad: flags.skipBad,
      at: systemClock.nowMs(),
      onRow: () => progress.tick(),
      onChanged: (ids) => changes.resourcesUpdated(ids.map((id) => `course://${id}`)),
      onRejected: (row) => {
        if (shown.length < MAX_SHOWN_REJECTS) shown.push(row);
        rejects?.write(`${JSON.stringify(row)}\n`);
      },
    });
    progress.stop();
    if (report.created > 0) changes.resourcesChanged();
    const summary = { file, ...report, rejects: shown };
    io.stdout.write(config.isJson ? `${JSON.stringify(summary)}\n` : describe(summary));
    return report.isApplied;
  } finally {
    progress.stop();
    await changes.settled();
    await storage.close();
    if (rejects !== undefined) await new Promise((resolve) => rejects.end(resolve));
  }
}

type Summary = { readonly file: string; readonly rejects: readonly RejectedRow[] } & Awaited<
  ReturnType<typeof importCourses>
>;

function describe(summary: Summary): string {
  const lines = summary.rejects.flatMap(({ row, problems }) =>
    problems.map(({ field, value, reason }) => {
      const where = field === '' ? `row ${row}` : `row ${row}, ${field} = ${quote(value, 60)}`;
      return `  ${where}: ${reason}`;
    }),
  );
  if (summary.rejected > summary.rejects.length) {
    lines.push(
      `  … and ${summary.rejected - summary.rejects.length} more: --rejects FILE keeps all`,
    );
  }
  const bad = `${summary.rejected} of ${summary.read} rows are bad`;
  if (!summary.isApplied) {
    return `${lines.join('\n')}\n${bad}: nothing was imported. Mend them, or add --skip-bad.\n`;
  }
  const done = `${summary.created} new, ${summary.updated} changed, ${summary.unchanged} unchanged`;
  return summary.rejected === 0 ? `${done}\n` : `${lines.join('\n')}\n${done}; ${bad}\n`;
}

function openRows(input: ReadStream, format: 'csv' | 'ndjson'): AsyncIterable<SourceRow> {
  return format === 'csv' ? readCsv(input) : readNdjson(input);
}

interface Progress {
  /** Counts the bytes of this stream after those of the streams before it. */
  follow(input: ReadStream): ReadStream;
  tick(): void;
  stop(): void;
}

const NO_PROGRESS: Progress = {
  follow: (input) => input,
  tick: () => undefined,
  stop: () => undefined,
};

/** A bar on a terminal; elsewhere nothing, so that logs stay readable. */
function startProgress(io: CliIo, total: number): Progress {
  if (io.stderr.isTTY !== true || total === 0) return NO_PROGRESS;
  const bar = new SingleBar({
    stream: io.stderr,
    format: 'importing [{bar}] {percentage}% | {duration_formatted} gone, {eta_formatted} left',
    barCompleteChar: '#',
    barIncompleteChar: '-',
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  let before = 0;
  let current: ReadStream | undefined;
  return {
    follow(input) {
      before += current?.bytesRead ?? 0;
      current = input;
      return input;
    },
    tick: () => bar.update(before + (current?.bytesRead ?? 0)),
    stop: () => bar.stop(),
  };
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw new ConfigurationError(`${quote(file)} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function formatOf(file: string, asked: string | undefined): 'csv' | 'ndjson' {
  const format = asked ?? FORMATS[extname(file).toLowerCase() as keyof typeof FORMATS];
  if (format === 'csv' || format === 'ndjson') return format;
  throw new ConfigurationError(
    asked === undefined
      ? `${quote(file)} ends neither in .csv nor in .ndjson: say which it is with --format`
      : `--format ${quote(asked)} is neither csv nor ndjson`,
  );
}
