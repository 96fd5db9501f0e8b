import type { Clock } from '../../shared/clock.js';
import type { CatalogStore } from '../domain/ports.js';

/** What the catalog's tools, resources and prompts work with. */
export interface CatalogDependencies {
  readonly store: CatalogStore;
  readonly clock: Clock;
  /** HMAC key of page cursors, at least 32 bytes; the same in every process that serves one database. */
  readonly cursorSecret: Uint8Array;
}
