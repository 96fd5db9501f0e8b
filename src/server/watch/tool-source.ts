import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Registry, RegistryOptions } from '../core/registry.js';
import type { ModuleExports } from './definitions.js';

type Loaded = Registry | RegistryOptions;

/** Where tools come from: one module, or every module of a folder. */
export type ToolSource = {
  /**
   * Makes of each version of a module what is served. Default: everything that it exports and a registry takes. State
   * that has to outlive a reload, an open database for one, belongs outside the module: hand it in here.
   *
   * @param module - what the module exports: declare it as you know it
   */
  load?(module: ModuleExports): Loaded | Promise<Loaded>;
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
