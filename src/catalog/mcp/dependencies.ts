import type { Clock } from '../../shared/clock.js';
import type { CursorSecret } from '../domain/cursor.js';
import type { CatalogStore } from '../domain/ports.js';

/** What the catalog's tools, resources and prompts work with. */
export interface CatalogDependencies {
  readonly store: CatalogStore;
  readonly clock: Clock;
  /** Of page cursors; the same in every process that serves one database. */
  readonly cursorSecret: CursorSecret;
  /** What rests on fewer learners is not used and not told. Default 3. */
  readonly minimumLearners?: number | undefined;
}
