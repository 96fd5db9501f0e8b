import type { ArtifactRecord } from './ports.js';

type Given = Pick<ArtifactRecord, 'model' | 'idHash' | 'payload' | 'expiresAt' | 'createdAt'> &
  Partial<Pick<ArtifactRecord, 'accountId'>>;

/** A record of ours beside the engine's own: found by its id alone, not yet consumed, bound to no grant and no client. */
export function ownArtifact(given: Given): ArtifactRecord {
  return {
    grantHash: undefined,
    uidHash: undefined,
    userCodeHash: undefined,
    clientId: undefined,
    accountId: undefined,
    consumedAt: undefined,
    ...given,
  };
}
