import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { type CatalogDependencies, createCatalog } from '../../catalog/index.js';
import { callerOf, personOf } from '../../catalog/mcp/caller.js';
import {
  type ToolSource,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
  jsonSchema,
  loadTools,
  watchTools,
} from '../../server/index.js';
import type { CliIo } from '../io.js';
import { packageRoot } from '../package-root.js';
import type { FileTools, OpenFileTools } from './catalog-service.js';
import { ConfigurationError, type ServerConfig } from './config.js';

/**
 * What a default-exported function of a tool file is given: with it a file needs no package of its own.
 *
 * @public
 */
export interface ToolFileContext extends Pick<CatalogDependencies, 'store' | 'clock'> {
  readonly defineTool: typeof defineTool;
  readonly defineResource: typeof defineResource;
  readonly defineResourceTemplate: typeof defineResourceTemplate;
  readonly definePrompt: typeof definePrompt;
  readonly jsonSchema: typeof jsonSchema;
  readonly z: typeof z;
  /** The caller as the stores know it: tenant and learner. Undefined for callers that are nobody. */
  readonly callerOf: typeof callerOf;
  /** The person a tool works for, or what to answer when there is none. */
  readonly personOf: typeof personOf;
}

// A type and not an interface: only that is taken for what a module may be.
type CatalogModule = { readonly createCatalog: typeof createCatalog };

type Settings = Pick<ServerConfig, 'toolsFolder' | 'isWatching' | 'role'>;

/** @returns undefined when the settings ask for the catalog alone, as it was built */
export function fileToolsOf(config: Settings, io: CliIo): OpenFileTools | undefined {
  const { toolsFolder, isWatching } = config;
  if (toolsFolder === undefined && !isWatching) return undefined;
  if (config.role === 'auth') {
    throw new ConfigurationError(
      '--tools and --watch belong to the MCP server: leave them out with --role=auth',
    );
  }
  return isWatching ? watching(toolsFolder, io) : loading(toolsFolder);
}

function loading(toolsFolder: string | undefined): OpenFileTools {
  return async (dependencies) => {
    const registry = await loadTools({
      base: createCatalog(dependencies),
      from: foldersOf(toolsFolder, dependencies),
    });
    return { registry: () => registry, close: () => undefined };
  };
}

function watching(toolsFolder: string | undefined, io: CliIo): OpenFileTools {
  const own = join(packageRoot(), 'src/catalog/mcp/catalog.ts');
  const isClone = existsSync(own);
  if (!isClone && toolsFolder === undefined) {
    throw new ConfigurationError(
      '--watch has nothing to watch: name a folder with --tools (only a clone of this project has sources of its own)',
    );
  }
  return async (dependencies, changes): Promise<FileTools> => {
    const catalog: ToolSource = {
      entry: own,
      load: (module: CatalogModule) => module.createCatalog(dependencies),
    };
    const watched = await watchTools({
      from: [...(isClone ? [catalog] : []), ...foldersOf(toolsFolder, dependencies)],
      ...(!isClone && { base: createCatalog(dependencies) }),
      changes,
      onError: (error) => {
        io.stderr.write(`${error.message}\nnot reloaded: the tools of before go on\n`);
      },
      onReload: (files) => {
        io.stderr.write(`reloaded ${files.map(shown).join(', ')}\n`);
      },
    });
    const places = [...(isClone ? [dirname(own)] : []), ...(toolsFolder ? [toolsFolder] : [])];
    io.stderr.write(`watching ${places.map(shown).join(' and ')}\n`);
    return { registry: watched.registry, close: () => watched.close() };
  };
}

function foldersOf(
  toolsFolder: string | undefined,
  { store, clock }: CatalogDependencies,
): ToolSource[] {
  if (toolsFolder === undefined) return [];
  const context: ToolFileContext = {
    defineTool,
    defineResource,
    defineResourceTemplate,
    definePrompt,
    jsonSchema,
    z,
    callerOf,
    personOf,
    store,
    clock,
  };
  return [{ folder: toolsFolder, context }];
}

/** From the working folder when it is in there. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
