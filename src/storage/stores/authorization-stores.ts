import type { AuthorizationStores } from '../../authorization/ports.js';
import { createArtifactStore } from './authorization-artifacts.js';
import { createClientDocumentStore } from './authorization-client-documents.js';
import { createAuthorizationClientStore } from './authorization-clients.js';
import { createCounterStore } from './authorization-counters.js';
import { createIdentityStore, createUpstreamTokenStore } from './authorization-identities.js';
import { createPasswordStore, createSignInAttemptStore } from './authorization-passwords.js';
import { createAuthorizationUserStore, createConsentStore } from './authorization-people.js';
import { createSealedValueStore } from './authorization-sealed-values.js';
import { createSigningKeyStore } from './authorization-signing-keys.js';
import type { SqlEngine } from '../sql.js';

/**
 * The authorization server's stores over one migrated database. They keep what they are given: ids come hashed and
 * payloads sealed from the layer above.
 */
export function createAuthorizationStores(engine: SqlEngine): AuthorizationStores {
  return {
    artifacts: createArtifactStore(engine),
    clients: createAuthorizationClientStore(engine),
    clientDocuments: createClientDocumentStore(engine),
    signingKeys: createSigningKeyStore(engine),
    sealedValues: createSealedValueStore(engine),
    users: createAuthorizationUserStore(engine),
    consents: createConsentStore(engine),
    counters: createCounterStore(engine),
    identities: createIdentityStore(engine),
    upstreamTokens: createUpstreamTokenStore(engine),
    passwords: createPasswordStore(engine),
    signInAttempts: createSignInAttemptStore(engine),
  };
}
