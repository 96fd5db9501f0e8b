import type { AuthorizationStores } from '../authorization/ports.js';
import type { CatalogStore } from '../catalog/domain/ports.js';
import type { AuditArchive } from '../server/core/audit.js';
import type { ResultStore } from '../server/core/kept-results.js';
import type { PermitStore } from '../server/core/permits.js';
import type { ApiKeyStore, EventLog, SessionStore } from '../server/core/ports.js';
import type { TaskStore } from '../server/core/task-store.js';
import type { RevocationFeed } from '../server/core/revocations.js';
import type { MessageBus } from '../server/core/message-bus.js';

/** Every port of this project over one database. */
export interface Stores {
  readonly sessions: SessionStore;
  readonly events: EventLog;
  readonly apiKeys: ApiKeyStore;
  readonly revocations: RevocationFeed;
  readonly audit: AuditArchive;
  readonly permits: PermitStore;
  readonly results: ResultStore;
  readonly tasks: TaskStore;
  readonly authorization: AuthorizationStores;
  readonly catalog: CatalogStore;
}

/** The stores of an open database. */
export interface Storage extends Stores {
  /** To the processes that have the same database open. */
  readonly bus: MessageBus;
  close(): void;
}
