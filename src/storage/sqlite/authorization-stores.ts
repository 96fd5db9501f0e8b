import type { AuthorizationStores } from '../../authorization/ports.js';
import { createSqliteArtifactStore } from './authorization-artifacts.js';
import { createSqliteAuthorizationClientStore } from './authorization-clients.js';
import { createSqliteCounterStore } from './authorization-counters.js';
import {
  createSqliteAuthorizationUserStore,
  createSqliteConsentStore,
} from './authorization-people.js';
import { createSqliteSigningKeyStore } from './authorization-signing-keys.js';
import type { SqliteDatabase } from './database.js';

/**
 * The authorization server's stores over one migrated database. They keep what they are given: ids come hashed and
 * payloads sealed from the layer above.
 */
export function createSqliteAuthorizationStores(database: SqliteDatabase): AuthorizationStores {
  return {
    artifacts: createSqliteArtifactStore(database),
    clients: createSqliteAuthorizationClientStore(database),
    signingKeys: createSqliteSigningKeyStore(database),
    users: createSqliteAuthorizationUserStore(database),
    consents: createSqliteConsentStore(database),
    counters: createSqliteCounterStore(database),
  };
}
