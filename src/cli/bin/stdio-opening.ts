import { readFileSync } from 'node:fs';
import { checkedKey, isPlainStart } from '../stdio-opening/checked-key.js';
import { type Answers, createAnswerer } from '../stdio-opening/known-answers.js';
import { converse } from '../stdio-opening/converse.js';
import type { run } from './catalog-stdio.js';

/**
 * The part of the stdio server that is loaded first. It answers what every client asks first while the server itself
 * is not in memory yet, which is most of what a person waits for; when anything is out of the ordinary it stays silent.
 *
 * @param answersFile - what the server answered to the same requests when it was built; need not exist
 * @param load - loads the server, which takes over: the whole input from its beginning included
 */
export async function open(
  answersFile: string,
  load: () => { readonly run: typeof run },
): Promise<void> {
  const key = isPlainStart(process.argv.slice(2), process.env)
    ? await checkedKey(process.env)
    : undefined;
  const answers = key === undefined ? undefined : readAnswers(answersFile);
  if (key === undefined || answers === undefined) {
    key?.release();
    await load().run();
    return;
  }
  const { stdin, stdout } = process;
  const answered = await converse(stdin, stdout, createAnswerer(answers));
  if (answered === undefined) key.release();
  else await load().run({ answered, release: () => key.release() });
}

function readAnswers(file: string): Answers | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Answers;
  } catch {
    // Never made: it only saves time.
    return undefined;
  }
}
