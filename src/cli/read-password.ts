import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { CliIo } from './io.js';

const MAX_LINE = 4096;

/**
 * Reads one line without showing it: from a terminal with a prompt, else the first line of standard input. Never from
 * the command line, where every process of the machine could read it.
 *
 * @returns undefined when there is none
 */
export async function readPassword(prompt: string, io: CliIo): Promise<string | undefined> {
  const isTerminal = io.stdin.isTTY === true;
  if (isTerminal) io.stderr.write(prompt);
  // What readline would echo goes nowhere.
  const output = isTerminal
    ? new Writable({ write: (_chunk, _encoding, done) => done() })
    : undefined;
  const lines = createInterface({
    input: io.stdin,
    terminal: isTerminal,
    ...(output === undefined ? {} : { output }),
  });
  try {
    for await (const line of lines) return line.length > MAX_LINE ? undefined : line;
    return undefined;
  } finally {
    lines.close();
    if (isTerminal) io.stderr.write('\n');
  }
}
