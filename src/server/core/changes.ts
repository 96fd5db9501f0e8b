/** Something a connected client may want to hear about. */
export type Change =
  | { readonly kind: 'tools' }
  | { readonly kind: 'prompts' }
  | { readonly kind: 'resources' }
  | { readonly kind: 'resource'; readonly uri: string };

/** Announces changes; who is told, and how, is each transport's and era's own affair. */
export interface ChangeNotifier {
  toolsChanged(): void;
  promptsChanged(): void;
  resourcesChanged(): void;
  /** The content behind this URI changed; only those who subscribed to it are told. */
  resourceUpdated(uri: string): void;
}

export interface Changes extends ChangeNotifier {
  /** @returns a function that ends the subscription */
  subscribe(listener: (change: Change) => void): () => void;
}

/** An in-process {@link Changes}. Give the same one to several transports to reach the clients of all. */
export function createChanges(): Changes {
  const listeners = new Set<(change: Change) => void>();
  const publish = (change: Change): void => {
    for (const listener of listeners) listener(change);
  };
  return {
    toolsChanged: () => publish({ kind: 'tools' }),
    promptsChanged: () => publish({ kind: 'prompts' }),
    resourcesChanged: () => publish({ kind: 'resources' }),
    resourceUpdated: (uri) => publish({ kind: 'resource', uri }),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
