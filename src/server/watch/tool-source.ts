import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Registry, RegistryOptions } from '../core/registry.js';
import type { ModuleExports } from './definitions.js';

/** Turns what a module exports into what is served. Called once for every version of the module. */
export type LoadModule = (
  module: ModuleExports,
) => Registry | RegistryOptions | Promise<Registry | RegistryOptions>;

/** Where tools come from: one module, or every module of a folder. */
export type ToolSource = {
  /**
   * Default: everything that the module exports and a registry takes (see `context`). State that has to outlive a
   * reload, an open database for one, belongs outside the module: hand it in here.
   */
  readonly load?: LoadModule;
  /** Given to a default-exported function, when there is no `load`. */
  readonly context?: unknown;
} & (
  | { readonly entry: string | URL; readonly folder?: never }
  | {
      /**
       * All modules in it and below. Left out: names that begin with `_` or `.`, tests, declarations, `node_modules`.
       * A module without definitions is fine as long as another one imports it.
       */
      readonly folder: string | URL;
      readonly entry?: never;
    }
);

export function sourcesOf(from: ToolSource | readonly ToolSource[]): readonly ToolSource[] {
  return Array.isArray(from) ? (from as readonly ToolSource[]) : [from as ToolSource];
}

export function absolutePath(place: string | URL): string {
  const isUrl = place instanceof URL || place.startsWith('file:');
  return isUrl ? fileURLToPath(place) : resolve(place);
}
