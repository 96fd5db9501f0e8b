import type { ChangeNotifier } from '../core/changes.js';
import type { ListingRule } from '../core/define.js';
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

interface Guarded {
  readonly scopes: readonly string[];
  readonly listing?: ListingRule;
}

/** The lists as text, with what decides who sees them. */
function visible(registry: Registry): Visible {
  const { tools, prompts, resources, resourceTemplates } = listingOf(registry);
  const rulesOf = (part: ReadonlyMap<string, Guarded>) =>
    [...part.values()].map(({ scopes, listing }) => [scopes, listing]);
  return {
    // A budget of pages adds an argument to a tool.
    tools: JSON.stringify([tools, rulesOf(registry.tools), budgetsOf(registry)]),
    prompts: JSON.stringify([prompts, rulesOf(registry.prompts)]),
    resources: JSON.stringify([
      resources,
      resourceTemplates,
      rulesOf(registry.resources),
      rulesOf(registry.resourceTemplates),
    ]),
  };
}

function budgetsOf({ tools }: Registry): unknown[] {
  return [...tools.values()].map(({ budget }) => budget ?? null);
}
