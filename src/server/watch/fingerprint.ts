import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** What is in a file, as a short text. */
export function fingerprint(content: string | Buffer): string {
  return createHash('sha1').update(content).digest('base64');
}

/** The same for a file on disk; undefined when it cannot be read. */
export async function fingerprintOf(file: string): Promise<string | undefined> {
  try {
    return fingerprint(await readFile(file));
  } catch {
    return undefined;
  }
}
