import type { Logger } from '../shared/logger.js';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** A logger that writes one JSON line per message to stderr: stdout belongs to data and to the protocol. */
export function stderrLogger(
  level: (typeof LEVELS)[number],
  write: (line: string) => void = (line) => process.stderr.write(line),
): Logger {
  const log =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (LEVELS.indexOf(name) < LEVELS.indexOf(level)) return;
      write(`${JSON.stringify({ level: name, message, ...fields }, errorAsText)}\n`);
    };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function errorAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}` : value;
}
