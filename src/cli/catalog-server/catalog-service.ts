import { type CatalogDependencies, createCatalog } from '../../catalog/index.js';
import type { Changes } from '../../server/core/changes.js';
import type { ResultStore } from '../../server/core/kept-results.js';
import type { PermitStore } from '../../server/core/permits.js';
import type { AuditLog } from '../../server/core/ports.js';
import { type Registry, createRegistry } from '../../server/core/registry.js';
import type { ServerInfo } from '../../server/mcp/server-factory.js';
import { systemClock } from '../../shared/clock.js';
import { deriveKey } from '../../shared/sealing.js';
import type { Stores } from '../../storage/index.js';
import { serverInfo } from './server-info.js';

/** What the catalog's server is made of, whichever transport it is reached by. */
export interface CatalogService {
  readonly registry: Registry | (() => Registry);
  readonly changes?: Changes;
  readonly serverInfo: ServerInfo;
  readonly audit: AuditLog;
  readonly stateSecret: Uint8Array;
  readonly permits: PermitStore;
  readonly results: ResultStore;
}

/** Tools from files: what is served now, and how clients hear of another version. */
export interface FileTools {
  readonly registry: () => Registry;
  readonly changes: Changes;
  close(): void;
}

/** Loads the tools that `--tools` and `--watch` ask for. */
export type OpenFileTools = (dependencies: CatalogDependencies) => Promise<FileTools>;

/** Both transports get the same one: a cursor or a state that one of them handed out is good at the other. */
export async function createCatalogService(
  stores: Pick<Stores, 'catalog' | 'audit' | 'permits' | 'results'>,
  masterSecret: Uint8Array,
  openFileTools?: OpenFileTools,
): Promise<CatalogService & { close(): void }> {
  const dependencies: CatalogDependencies = {
    store: stores.catalog,
    clock: systemClock,
    cursorSecret: deriveKey(masterSecret, 'catalog-cursor'),
  };
  const fileTools = await openFileTools?.(dependencies);
  return {
    ...(fileTools === undefined
      ? { registry: createRegistry(createCatalog(dependencies)) }
      : { registry: fileTools.registry, changes: fileTools.changes }),
    serverInfo: serverInfo(),
    audit: stores.audit,
    permits: stores.permits,
    results: stores.results,
    stateSecret: deriveKey(masterSecret, 'request-state'),
    close: () => fileTools?.close(),
  };
}
