import type { Readable, Writable } from 'node:stream';
import type { Answerer } from './known-answers.js';

/** A client that says nothing for so long has its first answers; there is time to load the server. */
const PAUSE_MS = 25;
const NEWLINE = 0x0a;

/**
 * Answers the messages at the beginning of the input, as long as each is known.
 *
 * @returns settled when the server is needed: the answers that were sent, by id, and the whole input is in `input`
 *   again. Undefined when the client has gone before
 */
export function converse(
  input: Readable,
  output: Writable,
  answer: Answerer,
): Promise<ReadonlyMap<string | number, string> | undefined> {
  const answered = new Map<string | number, string>();
  const seen: Buffer[] = [];
  let pending: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (isGone: boolean): void => {
      clearTimeout(timer);
      input.off('readable', onReadable).off('end', onGone).off('error', onGone);
      output.off('error', onGone);
      if (!isGone && seen.length > 0) input.unshift(Buffer.concat(seen));
      resolve(isGone ? undefined : answered);
    };
    const onGone = (): void => settle(true);
    const isAnswered = (line: string): boolean => {
      const found = answer(line);
      if (found === undefined) return false;
      if (found.id !== undefined) {
        answered.set(found.id, found.text);
        output.write(`${found.text}\n`);
      }
      return true;
    };
    const onReadable = (): void => {
      for (let chunk = read(input); chunk !== undefined; chunk = read(input)) {
        seen.push(chunk);
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      }
      for (let at = pending.indexOf(NEWLINE); at !== -1; at = pending.indexOf(NEWLINE)) {
        if (!isAnswered(pending.toString('utf8', 0, at))) return settle(false);
        pending = pending.subarray(at + 1);
      }
      // What is known fits into one chunk: the rest of a longer message is for the server to wait for.
      if (pending.length > 0) return settle(false);
      if (seen.length > 0) {
        clearTimeout(timer);
        timer = setTimeout(() => settle(false), PAUSE_MS);
      }
    };
    input.on('readable', onReadable).once('end', onGone).once('error', onGone);
    output.once('error', onGone);
  });
}

function read(input: Readable): Buffer | undefined {
  const chunk = input.read() as Buffer | string | null;
  if (chunk === null) return undefined;
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
