import { UnknownMigrationError } from '../errors.js';
import { migrations } from '../migrations/index.js';
import type { SqliteDatabase } from './database.js';

export { UnknownMigrationError } from '../errors.js';

/**
 * Brings the schema up to date. Safe to call from several processes at once: each migration and its mark are one
 * write transaction.
 *
 * @throws {UnknownMigrationError} when the file is newer than this code
 */
export function migrate(database: SqliteDatabase): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS schema_migration (id TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
  );
  if (hasCurrentSchema(database)) return;
  for (const migration of migrations) {
    database.transaction(() => {
      const done = database.get('SELECT 1 FROM schema_migration WHERE id = ?', migration.id);
      if (done !== undefined) return;
      database.exec(migration.sqlite);
      database.run(
        'INSERT INTO schema_migration (id, applied_at) VALUES (?, unixepoch())',
        migration.id,
      );
    });
  }
}

/**
 * Whether every migration has run. The file has to have had its first.
 *
 * @throws {UnknownMigrationError} when the file is newer than this code
 */
export function hasCurrentSchema(database: SqliteDatabase): boolean {
  const known = new Set(migrations.map((migration) => migration.id));
  const applied = database.all<{ id: string }>('SELECT id FROM schema_migration');
  const unknown = applied.find((row) => !known.has(row.id));
  if (unknown !== undefined) throw new UnknownMigrationError(unknown.id);
  return applied.length === migrations.length;
}
