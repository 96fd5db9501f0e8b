import type {
  PromptDefinition,
  ResourceDefinition,
  ResourceTemplateDefinition,
  ToolDefinition,
} from '../core/define.js';
import type { Registry, RegistryOptions } from '../core/registry.js';

/** What a module exports. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/** What one module offers, in the order it is listed. */
export type Definitions = Required<RegistryOptions>;

/**
 * Everything in a module that can be served: exported definitions, arrays of them, registries, objects of the shape
 * of {@link RegistryOptions}, and what a default-exported function makes of `context`. Anything else is passed over.
 */
export async function definitionsOf(module: ModuleExports, context: unknown): Promise<Definitions> {
  const found = new Collector();
  for (const [name, exported] of Object.entries(module)) {
    if (name !== 'default' || typeof exported !== 'function') found.take(exported);
    else found.take(await (exported as (context: unknown) => unknown)(context));
  }
  return found.definitions;
}

/** The parts of a registry, or of what a registry is made from. */
export function partsOf(given: Registry | RegistryOptions): Definitions {
  return {
    tools: list(given.tools),
    resources: list(given.resources),
    resourceTemplates: list(given.resourceTemplates),
    prompts: list(given.prompts),
  };
}

function list<T>(part: ReadonlyMap<string, T> | readonly T[] | undefined): readonly T[] {
  return part === undefined ? [] : [...part.values()];
}

export function joinDefinitions(all: readonly RegistryOptions[]): Definitions {
  return {
    tools: all.flatMap((one) => one.tools ?? []),
    resources: all.flatMap((one) => one.resources ?? []),
    resourceTemplates: all.flatMap((one) => one.resourceTemplates ?? []),
    prompts: all.flatMap((one) => one.prompts ?? []),
  };
}

export function countOf(definitions: Definitions): number {
  const { tools, resources, resourceTemplates, prompts } = definitions;
  return tools.length + resources.length + resourceTemplates.length + prompts.length;
}

class Collector {
  readonly #tools = new Set<ToolDefinition>();
  readonly #resources = new Set<ResourceDefinition>();
  readonly #resourceTemplates = new Set<ResourceTemplateDefinition>();
  readonly #prompts = new Set<PromptDefinition>();

  get definitions(): Definitions {
    return {
      tools: [...this.#tools],
      resources: [...this.#resources],
      resourceTemplates: [...this.#resourceTemplates],
      prompts: [...this.#prompts],
    };
  }

  take(value: unknown): void {
    if (Array.isArray(value)) {
      for (const item of value) this.#takeOne(item);
    } else if (isCollection(value)) {
      for (const part of Object.values(partsOf(value))) {
        for (const item of part) this.#takeOne(item);
      }
    } else {
      this.#takeOne(value);
    }
  }

  // A definition that is exported under two names is one definition: hence the sets.
  #takeOne(value: unknown): void {
    if (!isObject(value) || typeof value['name'] !== 'string') return;
    const definition: unknown = value;
    if (typeof value['handler'] === 'function') this.#tools.add(definition as ToolDefinition);
    else if (typeof value['render'] === 'function')
      this.#prompts.add(definition as PromptDefinition);
    else if (typeof value['read'] !== 'function') return;
    else if (typeof value['uri'] === 'string')
      this.#resources.add(definition as ResourceDefinition);
    else if (typeof value['uriTemplate'] === 'string')
      this.#resourceTemplates.add(definition as ResourceTemplateDefinition);
  }
}

function isCollection(value: unknown): value is Registry | RegistryOptions {
  return (
    isObject(value) &&
    ['tools', 'resources', 'resourceTemplates', 'prompts'].some(
      (part) => Array.isArray(value[part]) || value[part] instanceof Map,
    )
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
