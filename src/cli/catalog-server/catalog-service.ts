import { createCatalog } from '../../catalog/index.js';
import type { AuditLog } from '../../server/core/ports.js';
import { type Registry, createRegistry } from '../../server/core/registry.js';
import type { ServerInfo } from '../../server/mcp/server-factory.js';
import { systemClock } from '../../shared/clock.js';
import { deriveKey } from '../../shared/sealing.js';
import type { Stores } from '../../storage/index.js';
import { serverInfo } from './server-info.js';

/** What the catalog's server is made of, whichever transport it is reached by. */
export interface CatalogService {
  readonly registry: Registry;
  readonly serverInfo: ServerInfo;
  readonly audit: AuditLog;
  readonly stateSecret: Uint8Array;
}

/** Both transports get the same one: a cursor or a state that one of them handed out is good at the other. */
export function createCatalogService(
  stores: Pick<Stores, 'catalog' | 'audit'>,
  masterSecret: Uint8Array,
): CatalogService {
  const catalog = createCatalog({
    store: stores.catalog,
    clock: systemClock,
    cursorSecret: deriveKey(masterSecret, 'catalog-cursor'),
  });
  return {
    registry: createRegistry(catalog),
    serverInfo: serverInfo(),
    audit: stores.audit,
    stateSecret: deriveKey(masterSecret, 'request-state'),
  };
}
