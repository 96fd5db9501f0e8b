import { randomBytes } from 'node:crypto';
import { link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AsyncEntry } from '@napi-rs/keyring';
import { hashId, randomId } from '../../shared/ids.js';
import { CredentialKeyError } from '../errors.js';
import { asStoreError, ensurePrivateFolder, readTextIfExists } from './files.js';

/** Where the key that seals the credentials comes from. */
export type KeySource = 'environment' | 'keychain' | 'file';

export interface WrappingKey {
  readonly source: KeySource;
  readonly secret: string;
}

/** The operating system's keychain, as far as it is needed here. Calls reject when there is none. */
export interface Keychain {
  get(account: string): Promise<string | undefined>;
  set(account: string, secret: string): Promise<void>;
}

export interface WrappingKeyOptions {
  readonly home: string;
  /** Value of `CATALOG_CLIENT_KEY`: at least 16 characters. New files are sealed with it when it is there. */
  readonly explicitKey?: string | undefined;
  /** Undefined: there is none, or it is not wanted. */
  readonly keychain?: Keychain | undefined;
}

const SERVICE = 'catalog-mcp';
const KEY_FILE = 'wrapping.key';
/** A dialog that nobody answers must not hold a command up. */
const KEYCHAIN_TIMEOUT_MS = 3_000;

/**
 * Finds the key for a file that was sealed before, or chooses one for a new file: the explicit key, else the keychain,
 * else a file beside the credentials. The file protects from other accounts of the machine, not from one's own.
 *
 * @param sealedWith - source that the existing file names. Undefined: there is no file yet
 * @throws {CredentialKeyError} when the source that the file names cannot give the key
 */
export async function findWrappingKey(
  options: WrappingKeyOptions,
  sealedWith: KeySource | undefined,
): Promise<WrappingKey> {
  switch (sealedWith) {
    case 'environment': {
      const key = explicitKey(options);
      if (key !== undefined) return key;
      throw new CredentialKeyError(
        'the credentials were sealed with CATALOG_CLIENT_KEY, which is not set now. Set it, or use another --profile',
      );
    }
    case 'keychain':
      return { source: 'keychain', secret: await existingKeychainKey(options) };
    case 'file':
      return { source: 'file', secret: await existingFileKey(options.home) };
    case undefined:
      return (
        explicitKey(options) ??
        (await newKeychainKey(options)) ?? { source: 'file', secret: await fileKey(options.home) }
      );
  }
}

function explicitKey({ explicitKey: secret }: WrappingKeyOptions): WrappingKey | undefined {
  if (secret === undefined || secret === '') return undefined;
  if (secret.length >= 16) return { source: 'environment', secret };
  throw new CredentialKeyError(
    'CATALOG_CLIENT_KEY is shorter than 16 characters. Make one: openssl rand -base64 32',
  );
}

async function existingKeychainKey(options: WrappingKeyOptions): Promise<string> {
  const found = await withinTime(options.keychain?.get(accountOf(options.home)));
  if (found !== undefined) return found;
  throw new CredentialKeyError(
    'the credentials were sealed with a key in the keychain, which cannot be read here. Unlock the keychain, or use another --profile',
  );
}

/** Undefined when there is no keychain that takes a key and gives it back. */
async function newKeychainKey(options: WrappingKeyOptions): Promise<WrappingKey | undefined> {
  const { keychain } = options;
  if (keychain === undefined) return undefined;
  const account = accountOf(options.home);
  const existing = await withinTime(keychain.get(account));
  if (existing !== undefined) return { source: 'keychain', secret: existing };
  const secret = randomBytes(32).toString('base64url');
  await withinTime(keychain.set(account, secret));
  const stored = await withinTime(keychain.get(account));
  return stored === undefined ? undefined : { source: 'keychain', secret: stored };
}

async function existingFileKey(home: string): Promise<string> {
  const text = await readTextIfExists(join(home, KEY_FILE));
  if (text !== undefined && text.trim().length >= 16) return text.trim();
  throw new CredentialKeyError(
    `the credentials were sealed with the key in ${join(home, KEY_FILE)}, which is gone. Restore it, or use another --profile`,
  );
}

async function fileKey(home: string): Promise<string> {
  await ensurePrivateFolder(home);
  const path = join(home, KEY_FILE);
  const existing = await readTextIfExists(path);
  if (existing !== undefined) return existing.trim();
  const temporary = join(home, `.${KEY_FILE}.${randomId(6)}.tmp`);
  try {
    await writeFile(temporary, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
    // A link, not a rename: of two processes that start together one key wins, and both read that one.
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw asStoreError(error, 'write', path);
  } finally {
    await rm(temporary, { force: true });
  }
  return existingFileKey(home);
}

/** One account per folder, so that a test folder or a second installation does not share a key. */
function accountOf(home: string): string {
  return `wrapping-key:${hashId(home).slice(0, 16)}`;
}

async function withinTime<T>(operation: Promise<T> | undefined): Promise<T | undefined> {
  if (operation === undefined) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), KEYCHAIN_TIMEOUT_MS);
  });
  try {
    return await Promise.race([operation.catch(() => undefined), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The keychain of the operating system, loaded when it is first asked. Its calls reject where there is none. */
export function systemKeychain(): Keychain {
  return {
    get: async (account) => (await (await keychainEntry(account)).getPassword()) ?? undefined,
    set: async (account, secret) => (await keychainEntry(account)).setPassword(secret),
  };
}

/** A native module: where it is missing, or finds no store (no desktop session), this rejects at once. */
async function keychainEntry(account: string): Promise<AsyncEntry> {
  const keyring = await import('@napi-rs/keyring');
  return new keyring.AsyncEntry(SERVICE, account);
}
