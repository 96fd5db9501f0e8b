import { missingScopes } from '../../oauth/scope.js';
import type { Principal } from './principal.js';
import type { Registry } from './registry.js';

/**
 * A rule of the embedder's, asked beside the scopes: it may say no where they say yes, never the other way round.
 *
 * It is asked for each operation on a tool, prompt or resource, and, to decide what to list, for each that is listed
 * only `when-permitted`: so it has to answer at once. What it needs to know is to be loaded before.
 *
 * @param principal - undefined on a server without authentication
 * @param operation.method - what is to be done: `tools/call`, `prompts/get`, `resources/read`, `resources/subscribe`
 *   or `completion/complete`
 * @param operation.target - name of the tool or prompt, URI of the resource, or template of several
 */
export type Authorize = (
  principal: Principal | undefined,
  operation: { readonly method: string; readonly target: string },
) => boolean;

interface Guarded {
  readonly scopes: readonly string[];
  readonly listing?: 'always' | 'when-permitted';
}

interface Hidable {
  readonly method: string;
  readonly target: string;
  readonly scopes: readonly string[];
}

/** What a registry hides from some, and the parts of it that were made so far, by what is visible. */
interface Parts {
  readonly hidable: readonly Hidable[];
  readonly known: Map<string, Registry>;
}

const MAX_KNOWN_PARTS = 256;
const partsOf = new WeakMap<Registry, Parts>();
const wholes = new WeakMap<Registry, Registry>();
const NOTHING_HIDABLE: Parts = { hidable: [], known: new Map() };

/**
 * The registry as one caller may see it: what is listed only `when-permitted`, and is not permitted, is not in it, so
 * that everything else treats it as what does not exist. Callers who see the same get the same registry.
 */
export function visibleRegistry(
  registry: Registry,
  principal: Principal | undefined,
  authorize: Authorize | undefined,
): Registry {
  let parts = partsOf.get(registry);
  if (parts === undefined) {
    const hidable = hidableIn(registry);
    parts = hidable.length === 0 ? NOTHING_HIDABLE : { hidable, known: new Map() };
    partsOf.set(registry, parts);
  }
  const { hidable, known } = parts;
  if (hidable.length === 0) return registry;
  let key = '';
  for (const item of hidable) key += isVisible(item, principal, authorize) ? '1' : '0';
  if (!key.includes('0')) return registry;
  const made = known.get(key);
  if (made !== undefined) return made;
  const part = without(
    registry,
    hidable.filter((_, index) => key[index] === '0'),
  );
  partsOf.set(part, NOTHING_HIDABLE);
  wholes.set(part, registry);
  if (known.size >= MAX_KNOWN_PARTS) known.clear();
  known.set(key, part);
  return part;
}

/** The registry that one is a part of; itself when it is whole. */
export function wholeRegistry(registry: Registry): Registry {
  return wholes.get(registry) ?? registry;
}

function isVisible(
  { method, target, scopes }: Hidable,
  principal: Principal | undefined,
  authorize: Authorize | undefined,
): boolean {
  if (principal !== undefined && missingScopes(scopes, principal.scopes).length > 0) return false;
  return authorize === undefined || authorize(principal, { method, target });
}

function hidableIn(registry: Registry): Hidable[] {
  const found = (items: ReadonlyMap<string, Guarded>, method: string): Hidable[] =>
    [...items]
      .filter(([, { listing }]) => listing === 'when-permitted')
      .map(([target, { scopes }]) => ({ method, target, scopes }));
  return [
    ...found(registry.tools, 'tools/call'),
    ...found(registry.prompts, 'prompts/get'),
    ...found(registry.resources, 'resources/read'),
    ...found(registry.resourceTemplates, 'resources/read'),
  ];
}

function without(registry: Registry, hidden: readonly Hidable[]): Registry {
  const rest = <T>(items: ReadonlyMap<string, T>, method: string): ReadonlyMap<string, T> => {
    const names = new Set(hidden.filter((it) => it.method === method).map(({ target }) => target));
    return new Map([...items].filter(([name]) => !names.has(name)));
  };
  return {
    tools: rest(registry.tools, 'tools/call'),
    prompts: rest(registry.prompts, 'prompts/get'),
    resources: rest(registry.resources, 'resources/read'),
    resourceTemplates: rest(registry.resourceTemplates, 'resources/read'),
  };
}
