import type { Logger } from '../shared/logger.js';
import type { ArtifactStore, ArtifactWrite } from './ports.js';

/** Who has to hear of a revocation before the answer to it goes out. */
export interface RevocationHints {
  /** The same store; after a commit that revoked something it waits for the listeners. */
  readonly artifacts: ArtifactStore;
  /** @returns a function that ends it */
  subscribe(listener: () => Promise<void>): () => void;
}

/**
 * Tells resource servers of this process that the revocation feed has grown: a token that `/revoke`, a reuse or an
 * operator's hand ended is refused from the very next request on. Other processes read the feed themselves. A listener
 * that fails is logged: what was revoked stays so.
 */
export function withRevocationHints(store: ArtifactStore, logger: Logger): RevocationHints {
  const listeners = new Set<() => Promise<void>>();
  const tell = async (listener: () => Promise<void>): Promise<void> => {
    try {
      await listener();
    } catch (error) {
      logger.warn('a resource server did not hear of a revocation', { error });
    }
  };
  return {
    artifacts: {
      ...store,
      async commit(writes) {
        const outcome = await store.commit(writes);
        if (outcome.ok && writes.some(revokes)) await Promise.all([...listeners].map(tell));
        return outcome;
      },
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function revokes(write: ArtifactWrite): boolean {
  switch (write.kind) {
    case 'revokeGrant':
    case 'revokeClient':
      return true;
    case 'destroy':
      return write.model === 'AccessToken';
    case 'upsert':
    case 'insert':
    case 'consume':
    case 'keepReplay':
    case 'touchClient':
      return false;
  }
}
