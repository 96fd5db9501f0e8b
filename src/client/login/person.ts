import { LoginFailedError, LoginTimeoutError } from '../errors.js';
import { orAborted } from '../waiting.js';
import type { AuthorizationResponse } from './callback-listener.js';
import type { OpenBrowser } from './browser.js';
import { readPastedAnswer } from './pasted-answer.js';

/** How a person is reached. */
export interface PersonOptions {
  readonly openBrowser: OpenBrowser;
  /** Gets the sign-in URL once the callback listens, for people whose browser does not open. */
  readonly onUrl?: (url: URL) => void;
  /**
   * Asks for the address that a browser elsewhere ended at, beside the callback; `problem` says why the last one was
   * not taken. Undefined when there will be none.
   */
  readonly readPasted?: (
    problem: string | undefined,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** How long the browser step may take. Default 300. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

/**
 * Shows a sign-in URL and waits for its answer, by the callback or pasted.
 *
 * @throws {LoginTimeoutError} when there is none in time
 */
export async function waitForPerson(
  url: URL,
  answered: {
    readonly callback: Promise<AuthorizationResponse>;
    readonly redirectUri: string;
    readonly state: string;
  },
  options: PersonOptions,
): Promise<AuthorizationResponse> {
  const { timeoutSeconds = 300, signal, onUrl, openBrowser, readPasted } = options;
  signal?.throwIfAborted();
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new LoginTimeoutError(timeoutSeconds)), timeoutSeconds * 1000);
  });
  try {
    onUrl?.(url);
    // The URL is printed: a browser that does not open is no reason to stop.
    openBrowser(url).catch(() => undefined);
    const pasted =
      readPasted === undefined ? [] : [waitForPaste(readPasted, answered, over.signal)];
    return await orAborted(Promise.race([answered.callback, tooLate, ...pasted]), signal);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

const MAX_PASTES = 10;

async function waitForPaste(
  readPasted: NonNullable<PersonOptions['readPasted']>,
  expected: { readonly redirectUri: string; readonly state: string },
  over: AbortSignal,
): Promise<AuthorizationResponse> {
  let problem: string | undefined;
  for (let attempt = 0; attempt < MAX_PASTES; attempt++) {
    const text = await readPasted(problem, over);
    // Nobody will paste anything: the callback may still come.
    if (text === undefined) return new Promise(() => undefined);
    const answer = readPastedAnswer(text, expected);
    if (typeof answer !== 'string') return answer;
    problem = answer;
  }
  throw new LoginFailedError(`${MAX_PASTES} addresses were pasted, none of them of this login`);
}
