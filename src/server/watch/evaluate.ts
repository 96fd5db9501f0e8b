import { Script, constants } from 'node:vm';
import { type Bundle, originOf } from './bundle.js';
import type { Definitions, ModuleExports } from './definitions.js';
import { ToolFileError } from './errors.js';

// Top-level awaits included. A module that never settles would keep every later save from being taken up.
const LOAD_TIMEOUT_MS = 10_000;
const PREFIX = '(async (__reload) => {"use strict";\n';

/** A loaded module, and what tells where its errors come from. */
export interface LoadedModule {
  readonly exports: ModuleExports;
  /** Rewrites the stack of an error so that it names the source files. */
  readonly locate: (error: unknown) => void;
}

/**
 * Runs a bundle. Not through the module loader: that keeps every module it ever loaded, while a script and all that it
 * made are collected when nothing refers to them any more.
 *
 * @throws {ToolFileError} when the module throws, or is not done within 10 seconds
 */
export async function evaluate(
  entry: string,
  bundle: Bundle,
  serial: number,
): Promise<LoadedModule> {
  // No file of that name exists: frames of the script are told from all others by it.
  const filename = `${entry}?${serial}`;
  const locate = createLocator(filename, bundle);
  try {
    const script = new Script(`${PREFIX}${bundle.code}\n})`, {
      filename,
      // Set where it is needed alone: Node calls it experimental, and says so on stderr.
      ...(bundle.code.includes('import(') && {
        importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      }),
    });
    const run = script.runInThisContext() as (reload: object) => Promise<void>;
    const reload = { packages: bundle.packages, exports: {} };
    await withinTime(run(reload), entry);
    return { exports: reload.exports, locate };
  } catch (error) {
    if (error instanceof ToolFileError) throw error;
    locate(error);
    throw thrownByFile(error, entry, bundle.inputs, 'it throws while it is loaded');
  }
}

/**
 * An error that somebody's code threw, as a fault of the file it came from.
 *
 * @param files - those it may have come from, the entry and its helpers
 */
export function thrownByFile(
  error: unknown,
  entry: string,
  files: readonly string[],
  what: string,
): ToolFileError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = placeOf(error, files) ?? { file: entry };
  return new ToolFileError(
    { ...place, message: `${what}: ${reason}\n  Mend the file and save it.` },
    { cause: error },
  );
}

/** Definitions whose errors name the source files. */
export function located(definitions: Definitions, { locate }: LoadedModule): Definitions {
  const watched =
    <Args extends unknown[], Out>(work: (...args: Args) => Promise<Out> | Out) =>
    async (...args: Args): Promise<Out> => {
      try {
        return await work(...args);
      } catch (error) {
        locate(error);
        throw error;
      }
    };
  return {
    tools: definitions.tools.map((tool) => ({
      ...tool,
      handler: watched((...args) => tool.handler(...args)),
    })),
    resources: definitions.resources.map((resource) => ({
      ...resource,
      read: watched((context) => resource.read(context)),
    })),
    resourceTemplates: definitions.resourceTemplates.map((template) => ({
      ...template,
      read: watched((variables, context) => template.read(variables, context)),
    })),
    prompts: definitions.prompts.map((prompt) => ({
      ...prompt,
      render: watched((args, context) => prompt.render(args, context)),
    })),
  };
}

function createLocator(filename: string, bundle: Pick<Bundle, 'map'>): (error: unknown) => void {
  const frame = new RegExp(`${filename.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}:(\\d+):(\\d+)`, 'g');
  return (error) => {
    if (!(error instanceof Error) || error.stack === undefined) return;
    error.stack = error.stack.replace(frame, (whole, line: string, column: string) => {
      const origin = originOf(bundle, Number(line) - 1, Number(column));
      return origin === undefined ? whole : `${origin.file}:${origin.line}:${origin.column}`;
    });
  };
}

/** The first place in a stack that is in one of the files. */
function placeOf(
  error: unknown,
  files: readonly string[],
): { readonly file: string; readonly line: number; readonly column: number } | undefined {
  if (!(error instanceof Error)) return undefined;
  for (const frame of (error.stack ?? '').split('\n')) {
    const [, before, line, column] = /^(.*):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    const file = files.find((candidate) => before?.endsWith(candidate) === true);
    if (file !== undefined) return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}

async function withinTime(work: Promise<void>, entry: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const message = `it is not loaded after ${LOAD_TIMEOUT_MS / 1000} seconds: a top-level await does not end`;
      reject(new ToolFileError({ file: entry, message }));
    }, LOAD_TIMEOUT_MS);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
