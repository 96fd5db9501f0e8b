import { dirname } from 'node:path';
import type { ChangeNotifier } from '../core/changes.js';
import type { Registry, RegistryOptions } from '../core/registry.js';
import { announceDifference } from './announce.js';
import { type Bundler, createBundler } from './bundle.js';
import { combine } from './candidate.js';
import { countOf } from './definitions.js';
import { ToolFileError } from './errors.js';
import { createFileWatcher } from './file-watcher.js';
import { listToolFiles } from './folder.js';
import { ToolFile } from './tool-file.js';
import { type ToolSource, absolutePath, sourcesOf } from './tool-source.js';

export interface WatchToolsOptions {
  readonly from: ToolSource | readonly ToolSource[];
  /** What is served besides, and never reloaded. */
  readonly base?: RegistryOptions;
  /** The same that is given to the servers: clients hear through it that a list is another one. */
  readonly changes: ChangeNotifier;
  /** A file that cannot be used: what was served before goes on. Called once for each broken save. */
  readonly onError: (error: Error) => void;
  /** A swap is done; `files` are those that were saved or removed, absolute. */
  readonly onReload?: (files: readonly string[]) => void;
}

export interface WatchedTools {
  /** What is served now: give the function itself to a server, as its `registry`. */
  readonly registry: () => Registry;
  /** Looks for changes now; for file systems that do not tell of them. Settled when they are taken up. */
  reload(): Promise<void>;
  close(): void;
}

/**
 * Serves tools from files and takes up every save, in place: sessions, streams and running calls stay, and a call that
 * runs ends with the code it began with. Helpers are followed: a changed one reloads the tools that import it. Packages
 * (`node_modules`) and this toolkit are the process's own and are not reloaded.
 *
 * A file that does not compile, throws while it is loaded or offers what a registry refuses leaves everything as it was.
 * Needs esbuild. Not for production: there {@link loadTools} reads the same sources once.
 *
 * @throws {BundlerMissingError} when esbuild is not installed
 * @throws {ToolFileError} when the tools cannot be loaded at the first time
 */
export async function watchTools(options: WatchToolsOptions): Promise<WatchedTools> {
  const watched = new Watched(options, await createBundler());
  try {
    await watched.start();
  } catch (error) {
    watched.close();
    throw error;
  }
  return {
    registry: () => watched.registry,
    reload: () => watched.reload(),
    close: () => watched.close(),
  };
}

interface Place {
  readonly source: ToolSource;
  readonly file: string;
}

class Watched {
  registry!: Registry;
  readonly #options: WatchToolsOptions;
  readonly #sources: readonly ToolSource[];
  readonly #bundle: Bundler;
  readonly #watcher;
  #files: readonly ToolFile[] = [];
  #folders = new Set<string>();
  #running: Promise<void> | undefined;
  #isStale = false;
  #isClosed = false;
  #lastFault = '';

  constructor(options: WatchToolsOptions, bundle: Bundler) {
    this.#options = options;
    this.#sources = sourcesOf(options.from);
    this.#bundle = bundle;
    this.#watcher = createFileWatcher(
      () => void this.reload(),
      (error) => options.onError(error instanceof Error ? error : new TypeError(String(error))),
    );
  }

  async start(): Promise<void> {
    const files = await this.#takeStock();
    for (const file of files) await file.refresh(this.#bundle);
    refuseIdle(files);
    const fault = files.find((file) => file.fault !== undefined)?.fault;
    if (fault !== undefined) throw fault;
    this.registry = await combine(
      this.#options.base ?? {},
      files.flatMap((file) => file.contribution('newest') ?? []),
    );
    for (const file of files) file.accept();
    this.#files = files;
    this.#watch();
    await this.reload();
  }

  /** One at a time; a change that is seen meanwhile starts another one. */
  reload(): Promise<void> {
    this.#isStale = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  close(): void {
    this.#isClosed = true;
    this.#watcher.close();
  }

  async #run(): Promise<void> {
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false;
      try {
        await this.#takeUp();
        this.#lastFault = '';
      } catch (error) {
        this.#report(error);
      }
      if (!this.#isClosed && this.#watch()) this.#isStale = true;
    }
  }

  /** A folder that cannot be read is said once, not at every event. */
  #report(error: unknown): void {
    const fault = error instanceof Error ? error : new TypeError(String(error));
    if (fault.message === this.#lastFault) return;
    this.#lastFault = fault.message;
    this.#options.onError(fault);
  }

  async #takeUp(): Promise<void> {
    const files = await this.#takeStock();
    const gone = this.#files.filter((file) => !files.includes(file));
    const changed: ToolFile[] = [];
    for (const file of files) if (await file.refresh(this.#bundle)) changed.push(file);
    if (changed.length === 0 && gone.length === 0) return;
    refuseIdle(files);
    const accepted = await this.#swap(files);
    if (accepted.length === 0 && gone.length > 0) await this.#try(files, new Set());
    this.#files = files;
    for (const file of changed) {
      if (file.fault !== undefined) this.#options.onError(file.fault);
    }
    const saved = new Set(accepted.flatMap((file) => file.changed));
    for (const { path } of gone) saved.add(path);
    if (accepted.length + gone.length > 0) this.#options.onReload?.([...saved]);
  }

  /**
   * All new versions at once, so that a tool may move from one file to another; and when that cannot be, those that fit
   * one by one, until none of the rest does.
   *
   * @returns the files whose new version is served now
   */
  async #swap(files: readonly ToolFile[]): Promise<ToolFile[]> {
    const waiting = new Set(files.filter((file) => file.isWaiting && !isIdle(file, files)));
    const all = [...waiting];
    if (await this.#try(files, waiting)) return all;
    for (let isProgress = true; isProgress;) {
      isProgress = false;
      for (const file of waiting) {
        if (!(await this.#try(files, new Set([file])))) continue;
        waiting.delete(file);
        isProgress = true;
      }
    }
    return all.filter((file) => !waiting.has(file));
  }

  async #try(files: readonly ToolFile[], taken: ReadonlySet<ToolFile>): Promise<boolean> {
    let next: Registry;
    try {
      next = await combine(
        this.#options.base ?? {},
        files.flatMap((file) => file.contribution(taken.has(file) ? 'newest' : 'served') ?? []),
        ({ file }) => [...taken].some((fresh) => fresh.path === file),
      );
    } catch (error) {
      if (!(error instanceof ToolFileError)) throw error;
      for (const file of taken) file.refuse(error);
      return false;
    }
    for (const file of taken) file.accept();
    const before = this.registry;
    this.registry = next;
    announceDifference(before, next, this.#options.changes);
    return true;
  }

  /** The tool files there are now; those that were known before keep what is known of them. */
  async #takeStock(): Promise<ToolFile[]> {
    const places: Place[] = [];
    const folders = new Set<string>();
    for (const source of this.#sources) {
      if (source.entry !== undefined) {
        places.push({ source, file: absolutePath(source.entry) });
        continue;
      }
      const listing = await listToolFiles(absolutePath(source.folder));
      for (const folder of listing.folders) folders.add(folder);
      for (const file of listing.files) places.push({ source, file });
    }
    this.#folders = folders;
    return places.map(
      ({ source, file }) =>
        this.#files.find((known) => known.source === source && known.path === file) ??
        new ToolFile(source, file),
    );
  }

  #watch(): boolean {
    const folders = new Set(this.#folders);
    for (const file of this.#files) for (const input of file.watched) folders.add(dirname(input));
    return this.#watcher.watch(folders);
  }
}

/** A module that offers nothing and helps nobody: half of a save, or a mistake. Where there is a `load`, it decided so. */
function isIdle(file: ToolFile, all: readonly ToolFile[]): boolean {
  const contribution = file.contribution('newest');
  if (contribution === undefined || file.source.load !== undefined) return false;
  if (countOf(contribution.definitions) > 0) return false;
  return !all.some((other) => other !== file && other.watched.includes(file.path));
}

function refuseIdle(files: readonly ToolFile[]): void {
  for (const file of files) {
    if (!file.isWaiting || !isIdle(file, files)) continue;
    const message =
      'it exports no tool, resource or prompt, and no other tool file imports it\n' +
      '  Export what defineTool returns, or begin the name of the file with "_".';
    file.refuse(new ToolFileError({ file: file.path, message }));
  }
}
