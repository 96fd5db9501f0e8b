import type { SqlEngine } from '../sql.js';
import type { Stores } from '../storage.js';
import { createApiKeyStore } from './api-key-store.js';
import { createAuditLog } from './audit-log.js';
import { createAuthorizationStores } from './authorization-stores.js';
import { createCatalogStore } from './catalog-store.js';
import { createEventLog } from './event-log.js';
import { createPermitStore } from './permit-store.js';
import { createResultStore } from './result-store.js';
import { createRevocationFeed } from './revocation-feed.js';
import { createSessionStore } from './session-store.js';
import { createTaskStore } from './task-store.js';

/** Every port over one database with its schema. */
export function createStores(engine: SqlEngine): Stores {
  return {
    sessions: createSessionStore(engine),
    events: createEventLog(engine),
    apiKeys: createApiKeyStore(engine),
    revocations: createRevocationFeed(engine),
    audit: createAuditLog(engine),
    permits: createPermitStore(engine),
    results: createResultStore(engine),
    tasks: createTaskStore(engine),
    authorization: createAuthorizationStores(engine),
    catalog: createCatalogStore(engine),
  };
}
