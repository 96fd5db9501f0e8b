import { createHash, randomBytes } from 'node:crypto';
import {
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { withFileLock } from '../store/file-lock.js';
import { ensurePrivateFolder, readTextIfExists, writeFileAtomically } from '../store/files.js';
import { HostConfigError } from './errors.js';

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_STEPS = 5;
const MAX_RECORD_BYTES = 200 * 1024 * 1024;
const LOCK_TIMEOUT_MS = 15_000;
const MAX_LINKS = 16;
const NEW_FILE_MODE = 0o600;

export interface ConfigFileOptions {
  /** As the host would open it; symbolic links are followed. */
  readonly path: string;
  /** Folder of this client, for what `undo` needs. */
  readonly home: string;
  readonly clock: Clock;
}

export interface ConfigChange {
  /** The file that was, or would be, written: behind all links. */
  readonly path: string;
  /** Undefined: there was no file. */
  readonly before: string | undefined;
  readonly after: string;
}

/** One write, as `undo` needs it. */
interface Step {
  /** The whole file as it was, base64. Null: there was none. */
  readonly before: string | null;
  readonly mode: number;
  /** SHA-256 of the file as it was written. */
  readonly after: string;
}

interface Found {
  readonly bytes: Buffer;
  readonly mode: number;
}

/**
 * Changes a host's file as a whole: whoever reads it, whenever this process dies, finds the old bytes or the new ones.
 * What was there before is kept, so that it can be brought back to the byte.
 *
 * @param edit - gets the text, undefined when there is no file, and returns the next one
 * @param options.isDryRun - writes nothing
 * @throws {HostConfigError} when the file is no text, too large, changed meanwhile, or cannot be written
 */
export async function changeConfigFile(
  options: ConfigFileOptions & { readonly isDryRun: boolean },
  edit: (text: string | undefined) => string,
): Promise<ConfigChange> {
  const path = await targetOf(options.path);
  if (options.isDryRun) {
    const found = await readConfig(path);
    const before = found === undefined ? undefined : textOf(found.bytes, path);
    return { path, before, after: inFile(path, () => edit(before)) };
  }
  return withLock(path, options, async () => {
    const found = await readConfig(path);
    const before = found === undefined ? undefined : textOf(found.bytes, path);
    const after = inFile(path, () => edit(before));
    if (after === before) return { path, before, after };
    const bytes = Buffer.from(after);
    const mode = found?.mode ?? NEW_FILE_MODE;
    const steps = await readSteps(path, options.home);
    const step = { before: found?.bytes.toString('base64') ?? null, mode, after: sha256(bytes) };
    // Before the write: a step that did not happen is told by its hash, a write without its step could not be undone.
    await writeSteps(path, options.home, [...steps, step].slice(-MAX_STEPS));
    await replaceConfig(path, found, bytes, mode);
    return { path, before, after };
  });
}

/**
 * Brings back the bytes from before the last write of this client.
 *
 * @throws {HostConfigError} when there was no such write, or somebody else has changed the file since
 */
export async function undoConfigChange(
  options: ConfigFileOptions,
): Promise<{ readonly path: string; readonly removed: boolean }> {
  const path = await targetOf(options.path);
  return withLock(path, options, async () => {
    const found = await readConfig(path);
    const current = found === undefined ? undefined : sha256(found.bytes);
    const steps = [...(await readSteps(path, options.home))];
    // Written down, and then never carried out: this process died in between.
    while (steps.length > 0 && steps.at(-1)?.after !== current && isBefore(steps.at(-1), found)) {
      steps.pop();
    }
    const step = steps.pop();
    if (step === undefined) {
      throw new HostConfigError(`${path}: there is no change of this program to undo`);
    }
    if (step.after !== current) {
      throw new HostConfigError(
        `${path} has been changed since it was written here: not touched. Remove the entry by hand`,
      );
    }
    if (step.before === null) await removeConfig(path);
    else await replaceConfig(path, found, Buffer.from(step.before, 'base64'), step.mode);
    await writeSteps(path, options.home, steps);
    return { path, removed: step.before === null };
  });
}

function isBefore(step: Step | undefined, found: Found | undefined): boolean {
  return (step?.before ?? null) === (found?.bytes.toString('base64') ?? null);
}

/** The file behind every link, also when the last one leads to nothing yet. */
async function targetOf(path: string): Promise<string> {
  let at = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    try {
      return await realpath(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asError(error, 'read', at);
    }
    const entry = await lstat(at).catch(() => undefined);
    if (entry?.isSymbolicLink() !== true) return at;
    at = resolve(dirname(at), await readlink(at));
  }
  throw new HostConfigError(`${path} is a link that leads in a circle`);
}

async function readConfig(path: string): Promise<Found | undefined> {
  try {
    const { mode, size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new HostConfigError(`${path} is larger than 16 MiB`);
    return { bytes: await readFile(path), mode: mode & 0o7777 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asError(error, 'read', path);
  }
}

function textOf(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new HostConfigError(`${path} is not UTF-8 text: not touched`, { cause: error });
  }
}

function inFile(path: string, edit: () => string): string {
  try {
    return edit();
  } catch (error) {
    if (!(error instanceof HostConfigError)) throw error;
    throw new HostConfigError(`${path}: ${error.message}. Nothing was written`, { cause: error });
  }
}

async function replaceConfig(
  path: string,
  expected: Found | undefined,
  bytes: Buffer,
  mode: number,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, 'wx', NEW_FILE_MODE);
    try {
      await file.writeFile(bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    const current = await readConfig(path);
    if (!isUnchanged(expected, current)) {
      throw new HostConfigError(
        `${path} was changed by another program at this very moment: not touched. Try again`,
      );
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asError(error, 'write', path);
  }
}

async function removeConfig(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    throw asError(error, 'remove', path);
  }
}

function isUnchanged(expected: Found | undefined, current: Found | undefined): boolean {
  if (expected === undefined || current === undefined) return expected === current;
  return expected.bytes.equals(current.bytes);
}

function withLock<T>(
  path: string,
  { home, clock }: ConfigFileOptions,
  task: () => Promise<T>,
): Promise<T> {
  const lock = {
    folder: join(home, 'locks', `host-${idOf(path)}`),
    what: `a change of ${path}`,
    clock,
    timeoutMs: LOCK_TIMEOUT_MS,
  };
  return withFileLock(lock, task);
}

function stepsPath(path: string, home: string): string {
  return join(home, 'hosts', `${idOf(path)}.json`);
}

async function readSteps(path: string, home: string): Promise<readonly Step[]> {
  const text = await readTextIfExists(stepsPath(path, home));
  const parsed = text === undefined ? undefined : parseJson(text, { maxBytes: MAX_RECORD_BYTES });
  const steps = parsed?.ok === true && isJsonObject(parsed.value) ? parsed.value['steps'] : [];
  return Array.isArray(steps) ? (steps as unknown[]).filter(isStep) : [];
}

function isStep(value: unknown): value is Step {
  if (!isJsonObject(value)) return false;
  const { before, mode, after } = value;
  return (
    (before === null || typeof before === 'string') &&
    typeof mode === 'number' &&
    typeof after === 'string'
  );
}

async function writeSteps(path: string, home: string, steps: readonly Step[]): Promise<void> {
  const file = stepsPath(path, home);
  if (steps.length === 0) return rm(file, { force: true });
  await ensurePrivateFolder(dirname(file));
  await writeFileAtomically(file, JSON.stringify({ path, steps }));
}

function idOf(path: string): string {
  return hashId(path).slice(0, 32);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

function asError(error: unknown, verb: string, path: string): HostConfigError {
  if (error instanceof HostConfigError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new HostConfigError(`cannot ${verb} ${path} (${code}). Check its permissions`, {
    cause: error,
  });
}
