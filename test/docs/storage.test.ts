import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { ROOT } from '../support/processes.js';

describe('docs/storage.md', () => {
  it('names every table of the database', () => {
    const database = openSqlite(':memory:');
    migrate(database);
    const tables = database.all<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    );
    database.close();
    const document = readFileSync(join(ROOT, 'docs/storage.md'), 'utf8');
    const unknown = tables.filter(({ name }) => !document.includes(`\`${name}\``));
    expect(unknown).toEqual([]);
    expect(tables.length).toBeGreaterThan(20);
  });
});
