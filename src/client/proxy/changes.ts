import type { JsonObject } from '../../shared/json.js';
import type { RequestId } from './messages.js';
import type { Interest } from './upstream.js';

const LIST_METHODS = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
} as const;

export const LIST_CHANGED: readonly string[] = Object.keys(LIST_METHODS);
const UPDATED = 'notifications/resources/updated';
const MAX_URIS = 10_000;

/** What one listener wants to hear of, in the words of `subscriptions/listen`. */
export interface Filter {
  readonly toolsListChanged: boolean;
  readonly promptsListChanged: boolean;
  readonly resourcesListChanged: boolean;
  readonly resourceSubscriptions: ReadonlySet<string>;
}

export type Deliver = (method: string, params: JsonObject | undefined) => Promise<void>;

interface Listener {
  filter: Filter;
  readonly deliver: Deliver;
}

/** Reads the filter of a `subscriptions/listen` request; what is not understood is not honoured. */
export function readFilter(value: JsonObject): Filter {
  const uris = value['resourceSubscriptions'];
  const texts = Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
  return {
    toolsListChanged: value['toolsListChanged'] === true,
    promptsListChanged: value['promptsListChanged'] === true,
    resourcesListChanged: value['resourcesListChanged'] === true,
    resourceSubscriptions: new Set(texts.slice(0, MAX_URIS)),
  };
}

export function formatFilter(filter: Filter): JsonObject {
  return {
    ...(filter.toolsListChanged && { toolsListChanged: true }),
    ...(filter.promptsListChanged && { promptsListChanged: true }),
    ...(filter.resourcesListChanged && { resourcesListChanged: true }),
    ...(filter.resourceSubscriptions.size > 0 && {
      resourceSubscriptions: [...filter.resourceSubscriptions],
    }),
  };
}

/** Everybody on the host's side who wants to hear of changes: its 2025 session, its 2026 subscriptions. */
export class Changes {
  readonly #listeners = new Map<RequestId | symbol, Listener>();

  set(key: RequestId | symbol, filter: Filter, deliver: Deliver): void {
    this.#listeners.set(key, { filter, deliver });
  }

  delete(key: RequestId | symbol): boolean {
    return this.#listeners.delete(key);
  }

  /** All that anybody wants. */
  get interest(): Interest {
    const filters = [...this.#listeners.values()].map(({ filter }) => filter);
    return {
      tools: filters.some((filter) => filter.toolsListChanged),
      prompts: filters.some((filter) => filter.promptsListChanged),
      resources: filters.some((filter) => filter.resourcesListChanged),
      uris: new Set(filters.flatMap((filter) => [...filter.resourceSubscriptions])),
    };
  }

  /** Whether the method is one of those that are delivered here. */
  static isChange(method: string): boolean {
    return method === UPDATED || Object.hasOwn(LIST_METHODS, method);
  }

  async announce(method: string, params: JsonObject | undefined): Promise<void> {
    const uri = params?.['uri'];
    for (const { filter, deliver } of this.#listeners.values()) {
      const isWanted =
        method === UPDATED
          ? typeof uri === 'string' && isCovered(uri, filter.resourceSubscriptions)
          : filter[LIST_METHODS[method as keyof typeof LIST_METHODS]];
      if (isWanted) await deliver(method, params);
    }
  }
}

/** A server may tell of a part of what was subscribed to. */
function isCovered(uri: string, subscribed: ReadonlySet<string>): boolean {
  return subscribed.has(uri) || [...subscribed].some((whole) => uri.startsWith(whole));
}
