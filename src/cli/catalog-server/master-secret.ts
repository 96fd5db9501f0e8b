import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomId } from '../../shared/ids.js';
import type { SealingSecret } from '../../shared/sealing.js';

const FILE_NAME = 'master-secret';

/** What seals and signs, and, while it is being replaced, what also opens. */
export function loadMasterSecrets(config: {
  readonly dataFolder: string;
  readonly masterSecret: string | undefined;
  readonly previousMasterSecrets: readonly string[];
}): SealingSecret {
  const { dataFolder, masterSecret, previousMasterSecrets } = config;
  return [
    loadMasterSecret(dataFolder, masterSecret),
    ...previousMasterSecrets.map((secret) => Buffer.from(secret)),
  ];
}

/**
 * The master secret: the given one, else the data folder's, made on first use (0600). Processes that start together
 * end up with the same one: the file appears whole or not at all.
 */
function loadMasterSecret(dataFolder: string, given: string | undefined): Buffer {
  if (given !== undefined) return Buffer.from(given);
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const path = join(dataFolder, FILE_NAME);
  const temporary = `${path}.${process.pid}.${randomId(6)}`;
  const existing = readIfThere(path);
  if (existing !== undefined) return existing;
  writeFileSync(temporary, randomId(48), { mode: 0o600, flag: 'wx' });
  try {
    // A link fails when another process was first; a rename would replace its secret.
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
  return readFileSync(path);
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
