import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, basename } from 'node:path';
import { CredentialStoreError } from '../errors.js';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** Makes a folder that only its owner can look into. */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: OWNER_ONLY_FOLDER });
  } catch (error) {
    throw asStoreError(error, 'make the folder', path);
  }
}

/** The text of a file, or undefined when there is none. */
export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asStoreError(error, 'read', path);
  }
}

/**
 * Replaces a file whole: whoever reads it, whenever this process dies, finds the old text or the new one. The file is
 * the owner's alone (0600) from its first byte.
 */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', OWNER_ONLY_FILE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asStoreError(error, 'write', path);
  }
}

/** Makes the rename itself durable. Not every platform can open a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}

export function asStoreError(error: unknown, verb: string, path: string): CredentialStoreError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new CredentialStoreError(
    `cannot ${verb} ${path} (${code}). Check its permissions and the free space, or point CATALOG_CLIENT_HOME elsewhere`,
    { cause: error },
  );
}
