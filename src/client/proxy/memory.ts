import { join } from 'node:path';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import { type JsonObject, isJsonObject, parseJson } from '../../shared/json.js';
import { withFileLock } from '../store/file-lock.js';
import { ensurePrivateFolder, readTextIfExists, writeFileAtomically } from '../store/files.js';
import type { Era, ServerDescription } from './upstream.js';

/** A tool as it was when somebody first used the server, or when a person took a change. */
export interface PinnedTool {
  readonly definition: JsonObject;
  /** The last different definition that was shown, by its hash: shown once, not at every start. */
  readonly shown?: string;
}

/** What is kept of one server, per profile. Nothing in it is secret. */
export interface ServerMemory {
  /** The only era that it speaks; undefined when both do, or nobody has had to find out. */
  readonly era?: Era;
  readonly needsLogin?: boolean;
  readonly capabilities?: JsonObject;
  readonly serverInfo?: JsonObject;
  readonly instructions?: string;
  /** Epoch seconds. */
  readonly seenAt?: number;
  readonly tools: Readonly<Record<string, PinnedTool>>;
}

export interface MemoryOptions {
  readonly home: string;
  readonly profile: string;
  readonly serverUrl: string;
  readonly clock: Clock;
}

const MAX_FILE_BYTES = 16 * 1024 * 1024;
const LOCK_TIMEOUT_MS = 10_000;
/** An upgraded server still answers the old handshake: what was found out has to be found out again. */
const ERA_SECONDS = 24 * 3600;
const NOTHING: ServerMemory = { tools: {} };

/** The file with what is known of one server. A damaged one counts as none. */
export class Memory {
  readonly #path: string;
  readonly #lockFolder: string;
  readonly #folder: string;
  readonly #clock: Clock;

  constructor({ home, profile, serverUrl, clock }: MemoryOptions) {
    const name = hashId(serverUrl).slice(0, 32);
    this.#folder = join(home, 'servers', profile);
    this.#path = join(this.#folder, `${name}.json`);
    this.#lockFolder = join(home, 'locks', `server-${profile}-${name}`);
    this.#clock = clock;
  }

  async read(): Promise<ServerMemory> {
    const text = await readTextIfExists(this.#path);
    const parsed =
      text === undefined ? undefined : parseJson(text, { maxBytes: MAX_FILE_BYTES, maxDepth: 512 });
    const value = parsed?.ok === true ? parsed.value : undefined;
    return isJsonObject(value) && isJsonObject(value['tools'])
      ? (value as unknown as ServerMemory)
      : NOTHING;
  }

  /** Changes the file under its lock; `change` returns undefined to leave it. */
  async update(change: (memory: ServerMemory) => ServerMemory | undefined): Promise<void> {
    await ensurePrivateFolder(this.#folder);
    await withFileLock(
      {
        folder: this.#lockFolder,
        what: 'the notes on a server',
        clock: this.#clock,
        timeoutMs: LOCK_TIMEOUT_MS,
      },
      async () => {
        const after = change(await this.read());
        if (after !== undefined)
          await writeFileAtomically(this.#path, `${JSON.stringify(after)}\n`);
      },
    );
  }

  /** The era to try first, while what was seen is not too old. */
  knownEra(memory: ServerMemory): Era | undefined {
    const age = nowSeconds(this.#clock) - (memory.seenAt ?? 0);
    return age < ERA_SECONDS ? memory.era : undefined;
  }

  /** Notes what a connection found. Writes only when something is different, or the note is half out of date. */
  async noteServer(
    era: Era | undefined,
    description: ServerDescription,
    needsLogin: boolean,
  ): Promise<void> {
    const now = nowSeconds(this.#clock);
    const { capabilities, serverInfo, instructions } = description;
    const seen = {
      ...(era !== undefined && { era }),
      needsLogin,
      capabilities,
      ...(serverInfo !== undefined && { serverInfo }),
      ...(instructions !== undefined && { instructions }),
    };
    const isKnown = (memory: ServerMemory): boolean => {
      const { seenAt = 0, tools: _tools, ...known } = memory;
      return now - seenAt < ERA_SECONDS / 2 && JSON.stringify(known) === JSON.stringify(seen);
    };
    if (isKnown(await this.read())) return;
    await this.update((memory) =>
      isKnown(memory) ? undefined : { ...seen, seenAt: now, tools: memory.tools },
    );
  }
}
