import { link, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { LockTimeoutError } from '../errors.js';
import { defer, orAborted } from '../waiting.js';
import {
  asStoreError,
  ensurePrivateFolder,
  readTextIfExists,
  writeFileAtomically,
} from './files.js';
import { type ProcessIdentity, livenessOf, ownIdentity } from './process-identity.js';

export interface FileLockOptions {
  /** Folder of this lock alone; made when missing. */
  readonly folder: string;
  /** For messages: "a refresh". */
  readonly what: string;
  readonly clock: Clock;
  /** How long to wait for a live holder. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Proof of holding a lock. */
export interface HeldLock {
  /** Grows with every holder: a write made under an older number is refused by whoever compares. */
  readonly fence: number;
  /** Whether no later holder exists. False only after this process was judged from another machine or container. */
  isCurrent(): Promise<boolean>;
  release(): Promise<void>;
}

const HEARTBEAT_MS = 2_000;
const POLL_MS = 25;
/** How long a holder whose process cannot be judged from here may be silent. */
const UNJUDGED_SILENCE_MS = 120_000;
/** Files of earlier holders that stay, so that a slow reader cannot take a number twice. */
const KEPT_GENERATIONS = 16;

const queues = new Map<string, Promise<void>>();

/**
 * Runs `task` while this process alone, on this machine, holds the lock.
 *
 * A holder is replaced only when its process is gone. A live one is never robbed, however slow, stopped or silent it
 * is: the waiter gives up instead.
 *
 * @throws {LockTimeoutError} when a live holder keeps it for longer than `timeoutMs`
 */
export async function withFileLock<T>(
  options: FileLockOptions,
  task: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  // Tasks of one process queue here: to the file they would all look like the same live holder.
  const previous = queues.get(options.folder) ?? Promise.resolve();
  const turn = defer<void>();
  const tail = previous.then(() => turn.promise);
  queues.set(options.folder, tail);
  try {
    await orAborted(previous, options.signal);
    const lock = await acquireFileLock(options);
    try {
      return await task(lock);
    } finally {
      await lock.release();
    }
  } finally {
    turn.resolve();
    if (queues.get(options.folder) === tail) queues.delete(options.folder);
  }
}

/**
 * Each holder owns one numbered file, linked into place whole; the highest number is the lock. A claim is `highest + 1`,
 * so two that see the same dead holder compete for one name, and only one wins it.
 */
async function acquireFileLock(options: FileLockOptions): Promise<HeldLock> {
  const { folder, clock, timeoutMs, signal } = options;
  await ensurePrivateFolder(folder);
  const holder = await ownIdentity();
  const startedAt = clock.nowMs();
  for (;;) {
    signal?.throwIfAborted();
    const generations = await listGenerations(folder);
    const highest = generations.at(-1) ?? 0;
    const current = highest === 0 ? undefined : await readHolder(folder, highest);
    if (current === undefined || (await isGone(current, folder, highest, clock))) {
      const claimed = await claim(folder, highest + 1, holder, clock);
      if (claimed !== undefined) {
        await removeOld(folder, generations);
        return claimed;
      }
      continue;
    }
    if (clock.nowMs() - startedAt >= timeoutMs) {
      throw new LockTimeoutError(options.what, timeoutMs, current.pid);
    }
    await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function claim(
  folder: string,
  fence: number,
  holder: ProcessIdentity,
  clock: Clock,
): Promise<HeldLock | undefined> {
  const path = join(folder, String(fence));
  const temporary = join(folder, `.claim-${randomId(9)}`);
  try {
    await writeFile(temporary, JSON.stringify(holder), { mode: 0o600, flag: 'wx' });
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw asStoreError(error, 'lock', folder);
  } finally {
    await rm(temporary, { force: true });
  }
  const isCurrent = async (): Promise<boolean> => (await listGenerations(folder)).at(-1) === fence;
  if (!(await isCurrent())) {
    await rm(path, { force: true });
    return undefined;
  }
  const heartbeat = setInterval(() => {
    const seconds = clock.nowMs() / 1000;
    utimes(path, seconds, seconds).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    fence,
    isCurrent,
    async release() {
      clearInterval(heartbeat);
      // Marked, not removed: the number must never be given out again.
      await writeFileAtomically(path, '{"released":true}');
    },
  };
}

async function readHolder(folder: string, fence: number): Promise<ProcessIdentity | undefined> {
  const text = await readTextIfExists(join(folder, String(fence)));
  const parsed = text === undefined ? undefined : parseJson(text);
  if (parsed?.ok !== true || !isJsonObject(parsed.value)) return undefined;
  const { pid, scope, nonce, startTime } = parsed.value;
  if (typeof pid !== 'number' || typeof scope !== 'string' || typeof nonce !== 'string') {
    return undefined;
  }
  return { pid, scope, nonce, ...(typeof startTime === 'string' && { startTime }) };
}

async function isGone(
  holder: ProcessIdentity,
  folder: string,
  fence: number,
  clock: Clock,
): Promise<boolean> {
  const liveness = await livenessOf(holder);
  if (liveness !== 'unknown') return liveness === 'dead';
  const seen = await stat(join(folder, String(fence))).catch(() => undefined);
  return seen !== undefined && clock.nowMs() - seen.mtimeMs > UNJUDGED_SILENCE_MS;
}

async function listGenerations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /^\d{1,15}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

async function removeOld(folder: string, generations: readonly number[]): Promise<void> {
  for (const old of generations.slice(0, -KEPT_GENERATIONS)) {
    await rm(join(folder, String(old)), { force: true });
  }
}
