import { pathToFileURL } from 'node:url';
import type { Registry, RegistryOptions } from '../core/registry.js';
import { type Contribution, combine } from './candidate.js';
import { type ModuleExports, definitionsOf, partsOf } from './definitions.js';
import { ToolFileError } from './errors.js';
import { thrownByFile } from './evaluate.js';
import { listToolFiles } from './folder.js';
import { type ToolSource, absolutePath, sourcesOf } from './tool-source.js';

export interface LoadToolsOptions {
  readonly from: ToolSource | readonly ToolSource[];
  /** What is served besides. */
  readonly base?: RegistryOptions;
}

/**
 * Loads tool files once, with Node's own module loader: TypeScript needs a Node that strips types (22.18 and later) or
 * a loader. {@link watchTools} takes the same sources.
 *
 * @throws {ToolFileError} when a file cannot be loaded, or offers what a registry refuses
 */
export async function loadTools({ from, base = {} }: LoadToolsOptions): Promise<Registry> {
  const contributions: Contribution[] = [];
  for (const source of sourcesOf(from)) {
    const files =
      source.entry === undefined
        ? (await listToolFiles(absolutePath(source.folder))).files
        : [absolutePath(source.entry)];
    for (const file of files) contributions.push(await load(source, file));
  }
  return combine(base, contributions);
}

async function load(source: ToolSource, file: string): Promise<Contribution> {
  try {
    const module = (await import(pathToFileURL(file).href)) as ModuleExports;
    const definitions =
      source.load === undefined
        ? await definitionsOf(module, source.context)
        : partsOf(await source.load(module));
    return { file, inputs: [file], definitions };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      const message =
        'this Node does not run TypeScript: use Node 22.18 or later, compile the file, or watch it';
      throw new ToolFileError({ file, message }, { cause: error });
    }
    throw thrownByFile(error, file, [file, pathToFileURL(file).href], 'it cannot be loaded');
  }
}
