import type { Bundler } from './bundle.js';
import type { Contribution } from './candidate.js';
import { type Definitions, definitionsOf, partsOf } from './definitions.js';
import { ToolFileError } from './errors.js';
import { evaluate, located, thrownByFile } from './evaluate.js';
import { fingerprintOf } from './fingerprint.js';
import type { ToolSource } from './tool-source.js';

/** One tool file with its versions: the one that is served, and perhaps a newer one that is not yet. */
export class ToolFile {
  readonly source: ToolSource;
  readonly path: string;
  /** Why the newest save is not served. */
  fault: Error | undefined;
  /** The files that were other ones at the last load: this one, helpers, or both. */
  changed: readonly string[] = [];
  #served: Contribution | undefined;
  #newest: Contribution | undefined;
  /** What was in the file and its helpers when it was loaded last. */
  #inputs: ReadonlyMap<string, string | undefined> = new Map();
  #hasBuilt = false;
  #serial = 0;

  constructor(source: ToolSource, path: string) {
    this.source = source;
    this.path = path;
  }

  /** Whether there is a version that could be served in place of the one that is. */
  get isWaiting(): boolean {
    return this.#newest !== undefined;
  }

  /** The files whose change means a reload. */
  get watched(): readonly string[] {
    return [this.path, ...this.#inputs.keys()];
  }

  contribution(version: 'newest' | 'served'): Contribution | undefined {
    return version === 'newest' ? (this.#newest ?? this.#served) : this.#served;
  }

  /** The newest version is served from now on. */
  accept(): void {
    if (this.#newest === undefined) return;
    this.#served = this.#newest;
    this.#newest = undefined;
    this.fault = undefined;
  }

  /** The newest version cannot be served as things are; it may be when another file has changed. */
  refuse(fault: Error): void {
    this.fault = fault;
  }

  /**
   * Loads the file again when it or a helper is another one.
   *
   * @returns whether there is something new to say of it
   */
  async refresh(bundle: Bundler): Promise<boolean> {
    // After a failed build it is not known what is missing: anything may have been it.
    const isSame = this.#hasBuilt && !(await this.#hasChanged());
    if (isSame) return false;
    const before = this.fault?.message;
    const inputs = await this.#load(bundle);
    const changed = [...inputs].filter(([file, now]) => this.#inputs.get(file) !== now);
    const isNews =
      this.fault?.message !== before || changed.length > 0 || inputs.size !== this.#inputs.size;
    if (changed.length > 0) this.changed = changed.map(([file]) => file);
    this.#inputs = inputs;
    return isNews || this.fault === undefined;
  }

  /** @returns what was read */
  async #load(bundle: Bundler): Promise<ReadonlyMap<string, string | undefined>> {
    const inputs = new Map<string, string | undefined>();
    this.#newest = undefined;
    this.fault = undefined;
    this.#hasBuilt = false;
    try {
      const built = await bundle(this.path, inputs);
      this.#hasBuilt = true;
      const module = await evaluate(this.path, built, ++this.#serial);
      const made = await this.#definitions(module.exports).catch((error: unknown) => {
        module.locate(error);
        throw error;
      });
      const definitions = located(made, module);
      this.#newest = { file: this.path, inputs: [...inputs.keys()], definitions };
    } catch (error) {
      this.fault =
        error instanceof ToolFileError
          ? error
          : thrownByFile(error, this.path, [...inputs.keys()], 'its tools cannot be made');
    }
    if (inputs.size === 0) inputs.set(this.path, await fingerprintOf(this.path));
    return inputs;
  }

  async #definitions(exported: Readonly<Record<string, unknown>>): Promise<Definitions> {
    const { source } = this;
    return source.load === undefined
      ? definitionsOf(exported, source.context)
      : partsOf(await source.load(exported));
  }

  async #hasChanged(): Promise<boolean> {
    const now = await Promise.all(
      [...this.#inputs].map(async ([file, then]) => (await fingerprintOf(file)) !== then),
    );
    return now.includes(true);
  }
}
