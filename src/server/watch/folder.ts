import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolFileError } from './errors.js';

const TOOL_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const NOT_A_TOOL_FILE = /^[._]|\.d\.[cm]?ts$|\.(?:test|spec)\.[cm]?[jt]sx?$/;
const MAX_FILES = 2000;
const MAX_FOLDERS = 500;

export interface FolderListing {
  /** Absolute paths of the modules, in the order of their names. */
  readonly files: readonly string[];
  /** The folder and those below it. */
  readonly folders: readonly string[];
}

/**
 * The modules of a folder and the folders below it. Left out: names that begin with `_` or `.`, `node_modules`,
 * declarations (`.d.ts`) and tests (`.test.ts`, `.spec.ts`).
 *
 * @throws {ToolFileError} when the folder cannot be read, or holds more than 2,000 modules or 500 folders
 */
export async function listToolFiles(folder: string): Promise<FolderListing> {
  const files: string[] = [];
  const folders: string[] = [folder];
  for (const current of folders) {
    for (const entry of await entriesOf(current, folder)) {
      if (NOT_A_TOOL_FILE.test(entry.name) || entry.name === 'node_modules') continue;
      const path = join(current, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (TOOL_FILE.test(entry.name)) files.push(path);
    }
    if (files.length > MAX_FILES || folders.length > MAX_FOLDERS) {
      const message = `it holds more than ${MAX_FILES} modules or ${MAX_FOLDERS} folders: give the folder of the tools alone`;
      throw new ToolFileError({ file: folder, message });
    }
  }
  return { files: files.toSorted(), folders };
}

async function entriesOf(current: string, root: string): Promise<Dirent[]> {
  try {
    return await readdir(current, { withFileTypes: true });
  } catch (error) {
    // Below the root a folder may go while it is listed.
    if (current !== root) return [];
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    const message = `the folder of the tools cannot be read (${reason}): make it, or name another one`;
    throw new ToolFileError({ file: root, message }, { cause: error });
  }
}
