import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { type Sealer, createSealer } from '../../shared/sealing.js';
import { CredentialKeyError, CredentialStoreError } from '../errors.js';
import { withFileLock } from './file-lock.js';
import { ensurePrivateFolder, readTextIfExists, writeFileAtomically } from './files.js';
import {
  type KeySource,
  type WrappingKey,
  type WrappingKeyOptions,
  findWrappingKey,
} from './wrapping-key.js';

const FORMAT = 1;
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const WRITE_LOCK_TIMEOUT_MS = 30_000;
const KEY_SOURCES: readonly KeySource[] = ['environment', 'keychain', 'file'];

interface Envelope {
  readonly format: number;
  readonly keySource: KeySource;
  /** Tells a wrong key from a damaged file. */
  readonly keyCheck: string;
  readonly sealed: string;
}

export interface ProfileFileOptions extends WrappingKeyOptions {
  readonly profile: string;
  readonly clock: Clock;
}

/**
 * One sealed JSON document per profile (AES-256-GCM, the profile's name authenticated with it).
 *
 * Reading takes no lock: a write replaces the file whole. Every change reads again under the lock of the file.
 */
export class ProfileFile<Document> {
  readonly #options: ProfileFileOptions;
  readonly #path: string;
  readonly #empty: Document;
  #sealer: { readonly key: WrappingKey; readonly sealer: Sealer } | undefined;

  constructor(options: ProfileFileOptions, empty: Document) {
    this.#options = options;
    this.#path = join(options.home, 'profiles', `${options.profile}.json`);
    this.#empty = empty;
  }

  /**
   * @throws {CredentialKeyError} when the key is not the one that sealed the file
   * @throws {CredentialStoreError} when the file is damaged or cannot be read
   */
  async read(): Promise<Document> {
    const envelope = await this.#readEnvelope();
    return envelope === undefined ? this.#empty : this.#open(envelope);
  }

  /**
   * Changes the document: `change` gets the one on disk and returns the next one, or undefined to leave it.
   *
   * @returns the document that is on disk afterwards
   */
  async update(change: (document: Document) => Document | undefined): Promise<Document> {
    await ensurePrivateFolder(join(this.#options.home, 'profiles'));
    return withFileLock(
      {
        folder: join(this.#options.home, 'locks', `profile-${this.#options.profile}`),
        what: 'the credentials file',
        clock: this.#options.clock,
        timeoutMs: WRITE_LOCK_TIMEOUT_MS,
      },
      async (lock) => {
        const envelope = await this.#readEnvelope();
        const before = envelope === undefined ? this.#empty : await this.#open(envelope);
        const after = change(before);
        if (after === undefined) return before;
        const { key, sealer } = await this.#sealerFor(envelope?.keySource);
        const next: Envelope = {
          format: FORMAT,
          keySource: key.source,
          keyCheck: keyCheck(key),
          sealed: sealer.seal(JSON.stringify(after), this.#options.profile),
        };
        if (!(await lock.isCurrent())) {
          throw new CredentialStoreError(
            'another process took the credentials file over: try again',
          );
        }
        await writeFileAtomically(this.#path, `${JSON.stringify(next)}\n`);
        return after;
      },
    );
  }

  async #readEnvelope(): Promise<Envelope | undefined> {
    const text = await readTextIfExists(this.#path);
    if (text === undefined) return undefined;
    const parsed = parseJson(text, { maxBytes: MAX_FILE_BYTES });
    const value = parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
    const { format, keySource, keyCheck: check, sealed } = value;
    const source = KEY_SOURCES.find((name) => name === keySource);
    if (typeof format === 'number' && format > FORMAT) {
      throw new CredentialStoreError(
        `${this.#path} was written by a newer version of this program. Update it`,
      );
    }
    if (source === undefined || typeof check !== 'string' || typeof sealed !== 'string') {
      throw this.#damaged();
    }
    return { format: FORMAT, keySource: source, keyCheck: check, sealed };
  }

  async #open(envelope: Envelope): Promise<Document> {
    const { key, sealer } = await this.#sealerFor(envelope.keySource);
    if (keyCheck(key) !== envelope.keyCheck) {
      throw new CredentialKeyError(
        `${this.#path} was sealed with another key (from the ${envelope.keySource}). Give the former key back, or use another --profile`,
      );
    }
    const text = sealer.open(envelope.sealed, this.#options.profile);
    if (text === undefined) throw this.#damaged();
    return JSON.parse(text) as Document;
  }

  async #sealerFor(
    source: KeySource | undefined,
  ): Promise<{ readonly key: WrappingKey; readonly sealer: Sealer }> {
    if (
      this.#sealer !== undefined &&
      (source === undefined || this.#sealer.key.source === source)
    ) {
      return this.#sealer;
    }
    const { home, clock } = this.#options;
    const key =
      source === undefined
        ? await withFileLock(
            // Two profiles that are new at the same time must not make two keys.
            {
              folder: join(home, 'locks', 'wrapping-key'),
              what: 'making a key',
              clock,
              timeoutMs: WRITE_LOCK_TIMEOUT_MS,
            },
            () => findWrappingKey(this.#options, undefined),
          )
        : await findWrappingKey(this.#options, source);
    this.#sealer = { key, sealer: createSealer(key.secret, 'client-credentials') };
    return this.#sealer;
  }

  #damaged(): CredentialStoreError {
    return new CredentialStoreError(
      `${this.#path} is damaged. Remove it and log in again, or use another --profile`,
    );
  }
}

function keyCheck(key: WrappingKey): string {
  const digest = createHash('sha256').update(`catalog-mcp:key-check:${key.secret}`).digest();
  return digest.subarray(0, 6).toString('base64url');
}
