import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toPostgresDdl } from '../../src/storage/migrations/postgres-ddl.js';
import { repeatRow, toPostgresSql, toPostgresValue } from '../../src/storage/postgres/dialect.js';

describe('statements for PostgreSQL', () => {
  it.each([
    ['SELECT a FROM t WHERE b = ? AND c > ?', 'SELECT a FROM t WHERE b = $1 AND c > $2'],
    [
      'DELETE FROM t WHERE a = ? AND b IN (SELECT value FROM json_each(?)) AND c = ?',
      'DELETE FROM t WHERE a = $1 AND b = ANY ($2) AND c = $3',
    ],
    [
      'SELECT value ->> 0 FROM json_each(?)',
      'SELECT value ->> 0 FROM jsonb_array_elements(CAST($1 AS jsonb))',
    ],
  ])('are numbered and spelled its way: %s', (sqlite, postgres) => {
    expect(toPostgresSql(sqlite)).toBe(postgres);
  });

  it('insert many rows as one', () => {
    const upsert = 'INSERT INTO t (a, b) VALUES (?, 1) ON CONFLICT (a) DO UPDATE SET b = t.b + 1';
    expect(repeatRow(upsert, 3)).toBe(
      'INSERT INTO t (a, b) VALUES (?, 1), (?, 1), (?, 1) ON CONFLICT (a) DO UPDATE SET b = t.b + 1',
    );
  });

  it.each([
    'UPDATE t SET a = ? WHERE b = ?',
    'INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = ?',
    'INSERT INTO t (a) SELECT ?',
  ])('are sent row by row when a row is not all that they hold: %s', (sql) => {
    expect(repeatRow(sql, 2)).toBeUndefined();
  });

  it('are given values that its text can hold', () => {
    expect(toPostgresValue('a\u0000b')).toBe('a\u{FFFD}b');
    expect(toPostgresValue(['\u0000', 'c'])).toEqual(['\u{FFFD}', 'c']);
    expect(toPostgresValue(null)).toBeNull();
    expect(toPostgresValue(1.5)).toBe(1.5);
  });
});

describe('tables for PostgreSQL', () => {
  it('have room for what SQLite holds, and compare text by bytes', () => {
    const ddl = toPostgresDdl(`CREATE TABLE t (
      tenant_id INTEGER NOT NULL, at INTEGER, name TEXT, share REAL, PRIMARY KEY (tenant_id, at)
    ) STRICT, WITHOUT ROWID; CREATE TABLE u (n INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;`);
    expect(ddl.replaceAll(/\s+/g, ' ')).toBe(
      'CREATE TABLE t ( tenant_id INTEGER NOT NULL, at BIGINT, name TEXT COLLATE "C", share DOUBLE PRECISION,' +
        ' PRIMARY KEY (tenant_id, at) ); CREATE TABLE u (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY);',
    );
  });
});

describe('statements of the stores', () => {
  const folder = fileURLToPath(new URL('../../src/storage/stores', import.meta.url));
  const files = readdirSync(folder);

  it.each(files)('name their columns: %s', (file) => {
    expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/SELECT \*|RETURNING \*/);
  });
});
