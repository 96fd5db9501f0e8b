import { existsSync } from 'node:fs';
import { verifyApiKey } from '../../server/core/api-key.js';
import { isTracingRegistered } from '../../server/observe/tracing.js';
import { openSqlite } from '../../storage/sqlite/database.js';
import { createSqliteEngine } from '../../storage/sqlite/engine.js';
import { hasCurrentSchema } from '../../storage/sqlite/migrate.js';
import { createApiKeyStore } from '../../storage/stores/api-key-store.js';
import { dataFolderOf, databaseFileIn } from '../catalog-server/data-folder.js';

type Env = Readonly<Record<string, string | undefined>>;

const TRANSPORT = /^--transport[= ]stdio$/;
const UNDERSTOOD = new Set(['CATALOG_API_KEY', 'CATALOG_DATA', 'CATALOG_TRANSPORT']);

/** Whether nothing is set that this part of the program would have to understand. */
export function isPlainStart(args: readonly string[], env: Env): boolean {
  if (args.length > 0 && !TRANSPORT.test(args.join(' '))) return false;
  if ((env['CATALOG_TRANSPORT'] ?? 'stdio') !== 'stdio' || isTracingRegistered()) return false;
  return Object.keys(env).every((name) => !name.startsWith('CATALOG_') || UNDERSTOOD.has(name));
}

/**
 * Checks the API key of the environment in the database that is there.
 *
 * @returns undefined whenever something is missing or wrong: what to say of it is the server's own business. Else a
 *   hold on the database, to be released when the server has it open: it is not folded up and unfolded in between
 */
export async function checkedKey(env: Env): Promise<{ release(): void } | undefined> {
  const key = env['CATALOG_API_KEY'] ?? env['X-API-KEY'];
  const file = databaseFileIn(dataFolderOf(env['CATALOG_DATA'], env));
  if (key === undefined || !existsSync(file)) return undefined;
  try {
    const database = openSqlite(file);
    const store = createApiKeyStore(createSqliteEngine(database));
    const isGood = hasCurrentSchema(database) && (await verifyApiKey(store, key)).ok;
    const release = (): void => database.close();
    if (isGood) return { release };
    release();
  } catch {
    // The server meets the same and reports it.
  }
  return undefined;
}
