import type { ChangeNotifier } from '../core/changes.js';
import type { Registry } from '../core/registry.js';
import { listingOf } from '../mcp/listing.js';

/** Tells the clients which of the lists they see are other ones now. A handler that alone was changed is no news to them. */
export function announceDifference(
  before: Registry,
  after: Registry,
  changes: ChangeNotifier,
): void {
  const [old, now] = [visible(before), visible(after)];
  if (old.tools !== now.tools) changes.toolsChanged();
  if (old.prompts !== now.prompts) changes.promptsChanged();
  if (old.resources !== now.resources) changes.resourcesChanged();
}

interface Visible {
  readonly tools: string;
  readonly prompts: string;
  readonly resources: string;
}

/** The lists as text. The scopes belong to it: what a caller may not use can be hidden from it. */
function visible(registry: Registry): Visible {
  const { tools, prompts, resources, resourceTemplates } = listingOf(registry);
  const scopesOf = (part: ReadonlyMap<string, { readonly scopes: readonly string[] }>) =>
    [...part.values()].map(({ scopes }) => scopes);
  return {
    tools: JSON.stringify([tools, scopesOf(registry.tools)]),
    prompts: JSON.stringify([prompts, scopesOf(registry.prompts)]),
    resources: JSON.stringify([
      resources,
      resourceTemplates,
      scopesOf(registry.resources),
      scopesOf(registry.resourceTemplates),
    ]),
  };
}
