import { type CatalogDependencies, createCatalog } from '../../catalog/index.js';
import { type Changes, createChanges } from '../../server/core/changes.js';
import type { ResultStore } from '../../server/core/kept-results.js';
import type { PermitStore } from '../../server/core/permits.js';
import type { MessageBus } from '../../server/core/message-bus.js';
import type { AuditLog } from '../../server/core/audit.js';
import type { TaskStore } from '../../server/core/task-store.js';
import { type Registry, createRegistry } from '../../server/core/registry.js';
import type { ServerInfo } from '../../server/mcp/server-factory.js';
import { systemClock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import { type SealingSecret, deriveKeys } from '../../shared/sealing.js';
import type { OpenStorage } from './open-storage.js';
import { serverInfo } from './server-info.js';

/** What the catalog's server is made of, whichever transport it is reached by. */
export interface CatalogService {
  readonly registry: Registry | (() => Registry);
  readonly bus: MessageBus;
  readonly changes: Changes;
  readonly serverInfo: ServerInfo;
  readonly audit: AuditLog;
  readonly stateSecret: SealingSecret;
  readonly permits: PermitStore;
  readonly results: ResultStore;
  readonly tasks: TaskStore;
}

/** Tools from files: what is served now. */
export interface FileTools {
  readonly registry: () => Registry;
  close(): void;
}

/** Loads the tools that `--tools` and `--watch` ask for. */
export type OpenFileTools = (
  dependencies: CatalogDependencies,
  changes: Changes,
) => Promise<FileTools>;

/** Both transports get the same one: a cursor or a state that one of them handed out is good at the other. */
export async function createCatalogService(
  storage: Pick<OpenStorage, 'catalog' | 'audit' | 'permits' | 'results' | 'tasks' | 'bus'>,
  masterSecret: SealingSecret,
  logger: Logger,
  openFileTools?: OpenFileTools,
  minimumLearners?: number,
): Promise<CatalogService & { close(): void }> {
  const dependencies: CatalogDependencies = {
    store: storage.catalog,
    clock: systemClock,
    cursorSecret: deriveKeys(masterSecret, 'catalog-cursor'),
    minimumLearners,
  };
  const { bus } = storage;
  const changes = createChanges(bus, logger);
  const fileTools = await openFileTools?.(dependencies, changes);
  return {
    registry: fileTools?.registry ?? createRegistry(createCatalog(dependencies)),
    bus,
    changes,
    serverInfo: serverInfo(),
    audit: storage.audit,
    permits: storage.permits,
    results: storage.results,
    tasks: storage.tasks,
    stateSecret: deriveKeys(masterSecret, 'request-state'),
    close: () => fileTools?.close(),
  };
}
