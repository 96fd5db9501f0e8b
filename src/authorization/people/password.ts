import { hash, parseOptions, verify } from '@node-rs/argon2';
import { randomId } from '../../shared/ids.js';

const MIN_CHARACTERS = 12;
const MAX_BYTES = 1024;
const MAX_USER_NAME = 128;

/** Argon2id: 19 MiB, two passes, one lane (OWASP's first choice). Changing it re-hashes at the next sign-in. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** Hashes at once in this process: each holds its memory, and a thread that others wait for. */
const MAX_RUNNING = 4;
const MAX_WAITING = 64;

/** Too many sign-ins at once: nothing was checked. */
export class PasswordQueueFullError extends Error {}

let running = 0;
const waiting: (() => void)[] = [];

export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(normalise(password), COST));
}

/**
 * Checks a password. Takes as long for a user who does not exist, so that nobody can find out who does.
 *
 * @param stored - undefined: there is no such user
 * @throws {PasswordQueueFullError}
 */
export async function verifyPassword(
  stored: string | undefined,
  password: string,
): Promise<boolean> {
  const isPlausible = Buffer.byteLength(password) <= MAX_BYTES;
  const against = stored ?? (await nobodysHash());
  const isEqual = await inTurn(() => verify(against, normalise(isPlausible ? password : '')));
  return isEqual && isPlausible && stored !== undefined;
}

/** Whether a hash was made at another cost than today's. */
export function needsRehash(stored: string): boolean {
  const made = parseOptions(stored);
  return (
    made.memoryCost !== COST.memoryCost ||
    made.timeCost !== COST.timeCost ||
    made.parallelism !== COST.parallelism
  );
}

/** @returns what is wrong with a new password, if anything */
export function checkNewPassword(password: string, userName: string): string | undefined {
  if (Array.from(normalise(password)).length < MIN_CHARACTERS) {
    return `the password has fewer than ${MIN_CHARACTERS} characters: take a longer one, such as four words`;
  }
  if (Buffer.byteLength(password) > MAX_BYTES)
    return `the password is longer than ${MAX_BYTES} bytes`;
  if (normalise(password).toLowerCase().includes(userName) && userName.length > 3) {
    return 'the password contains the user name';
  }
  return undefined;
}

/** The one form of a user name: lower case, compatibility forms folded. @returns undefined when it is none */
export function normaliseUserName(userName: string): string | undefined {
  const normalised = userName.normalize('NFKC').trim().toLowerCase();
  const isUsable =
    normalised !== '' && normalised.length <= MAX_USER_NAME && !/[\s\p{C}]/u.test(normalised);
  return isUsable ? normalised : undefined;
}

function normalise(password: string): string {
  return password.normalize('NFKC');
}

let nobody: Promise<string> | undefined;
function nobodysHash(): Promise<string> {
  nobody ??= hash(randomId(), COST);
  return nobody;
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING)
      throw new PasswordQueueFullError('too many sign-ins at once');
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running++;
  try {
    return await work();
  } finally {
    // The turn goes to the next one, or is free again.
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
