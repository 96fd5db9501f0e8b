import type { Client } from 'pg';
import { UnknownMigrationError } from '../errors.js';
import { migrations } from '../migrations/index.js';
import { tablesIn } from '../migrations/postgres-ddl.js';
import { stateOf } from './engine.js';

const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('catalog-mcp migrations', 0))";
const INSUFFICIENT_PRIVILEGE = '42501';
const APPEND_ONLY = ['audit_row', 'audit_sweep'];

/**
 * Brings the schema up to date, in one transaction. Processes that start together wait for each other; a role that may
 * not create tables can start on a schema that is up to date.
 *
 * @param grantTo - existing role that gets the rights that the stores need, and no others
 * @throws {UnknownMigrationError} when the database is newer than this code
 */
export async function migratePostgres(client: Client, grantTo?: string): Promise<void> {
  if (grantTo === undefined && (await missing(client)).length === 0) return;
  await client.query('BEGIN');
  try {
    await client.query(LOCK);
    for (const migration of await missing(client)) {
      await apply(client, migration.postgres, migration.id);
    }
    if (grantTo !== undefined) await grant(client, client.escapeIdentifier(grantTo));
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function missing(client: Client): Promise<typeof migrations> {
  const { rows: found } = await client.query<{ name: string | null }>(
    "SELECT to_regclass('schema_migration')::text AS name",
  );
  if ((found[0]?.name ?? null) === null) return migrations;
  const { rows } = await client.query<{ id: string }>('SELECT id FROM schema_migration');
  const known = new Set(migrations.map((migration) => migration.id));
  const unknown = rows.find((row) => !known.has(row.id));
  if (unknown !== undefined) throw new UnknownMigrationError(unknown.id);
  const applied = new Set(rows.map((row) => row.id));
  return migrations.filter((migration) => !applied.has(migration.id));
}

async function apply(client: Client, ddl: string, id: string): Promise<void> {
  try {
    await client.query(
      'CREATE TABLE IF NOT EXISTS schema_migration (id TEXT PRIMARY KEY, applied_at BIGINT NOT NULL)',
    );
    await client.query(ddl);
    await client.query(
      'INSERT INTO schema_migration (id, applied_at) VALUES ($1, extract(epoch FROM now())::bigint)',
      [id],
    );
  } catch (error) {
    if (stateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new Error(
      `its schema lacks ${id}, and this role may not create tables: open it once as the role that owns it`,
      { cause: error },
    );
  }
}

/** Rows may be read and written; what happened stays in the audit log, and the schema stays as it is. */
async function grant(client: Client, role: string): Promise<void> {
  const tables = migrations.flatMap((migration) => tablesIn(migration.postgres));
  const writable = tables.filter((table) => !APPEND_ONLY.includes(table));
  const { rows } = await client.query<{ name: string }>('SELECT current_schema() AS name');
  await client.query(`
    GRANT USAGE ON SCHEMA ${client.escapeIdentifier(rows[0]?.name ?? 'public')} TO ${role};
    GRANT SELECT ON schema_migration TO ${role};
    GRANT SELECT, INSERT ON ${APPEND_ONLY.join(', ')} TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ${writable.join(', ')} TO ${role};
  `);
}
