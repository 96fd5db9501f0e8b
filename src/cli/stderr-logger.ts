import { type Clock, systemClock } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import { type Redactor, createRedactor } from '../shared/redact.js';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface StderrLoggerOptions {
  readonly level: (typeof LEVELS)[number];
  /** `json`: one object a line. Default `text`: for people. */
  readonly format?: 'text' | 'json';
  /** Default: the process's standard error. */
  readonly write?: (line: string) => void;
  /** Default: one that knows what secrets look like. Give one that knows yours. */
  readonly redactor?: Redactor;
  /** The trace that the code that logs runs in. */
  readonly traceId?: () => string | undefined;
  readonly clock?: Clock;
}

/** A logger that writes a line per message to stderr, secrets taken out: stdout belongs to data and to the protocol. */
export function stderrLogger(options: StderrLoggerOptions): Logger {
  const { level, format = 'text', redactor = createRedactor(), clock = systemClock } = options;
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const log =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (LEVELS.indexOf(name) < LEVELS.indexOf(level)) return;
      const traceId = options.traceId?.();
      const record: LogRecord = {
        time: new Date(clock.nowMs()).toISOString(),
        level: name,
        message: redactor.text(message),
        ...(traceId !== undefined && { traceId }),
        fields: redactor.value(fields) as Readonly<Record<string, unknown>>,
      };
      write(format === 'json' ? jsonLine(record) : textLine(record));
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

interface LogRecord {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly traceId?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The record's own members last: a field must not pass for one. */
function jsonLine({ fields, ...own }: LogRecord): string {
  return `${JSON.stringify({ ...own, ...fields, ...own })}\n`;
}

function textLine({ time, level, message, traceId, fields }: LogRecord): string {
  const parts = Object.entries({ ...fields, ...(traceId !== undefined && { traceId }) })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${asText(value)}`);
  const line = message.replaceAll(/\p{Cc}/gu, ' ');
  return `${[time, level.toUpperCase().padEnd(5), line, ...parts].join(' ')}\n`;
}

/** As it is where that cannot be mistaken, else as JSON: no line break of a value starts a line of the log. */
function asText(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[\w.:/@+-]+$/.test(value);
  return isPlain ? value : JSON.stringify(value);
}
