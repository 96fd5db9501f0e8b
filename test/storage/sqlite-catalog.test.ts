import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalogMigration } from '../../src/storage/migrations/003-catalog.js';
import { emptyStore } from '../catalog/support.js';
import { describeCourseStore } from './contract/catalog-courses.js';
import { describeLearnerStore } from './contract/catalog-learners.js';

const make = (): Promise<ReturnType<typeof emptyStore>['store']> =>
  Promise.resolve(emptyStore().store);

describeCourseStore('SQLite', make);
describeLearnerStore('SQLite', make);

const FOLDER = fileURLToPath(new URL('../../src/storage/stores', import.meta.url));
/** The list of tenants itself: it has nobody's rows, and is how a tenant gets its number. */
const UNSCOPED_TABLES = new Set(['tenant']);
const TABLES = new Set(
  [...catalogMigration.sqlite.matchAll(/CREATE TABLE (\w+)/g)].map(([, name = '']) => name),
);

/** Every SQL text in the catalog's storage files, with the fragments of the same file put in. */
function statements(): { file: string; sql: string }[] {
  const files = readdirSync(FOLDER).filter((name) => /^catalog-.*\.ts$/.test(name));
  return files.flatMap((file) => {
    const source = readFileSync(join(FOLDER, file), 'utf8');
    const fragments = new Map(
      [...source.matchAll(/const ([A-Z_]+) = `([^`]*)`/g)].map(([, name = '', text = '']) => [
        name,
        text,
      ]),
    );
    const fill = (text: string): string =>
      text.replaceAll(/\$\{([A-Z_]+)\}/g, (whole, name: string) => {
        const fragment = fragments.get(name);
        return fragment === undefined ? whole : fill(fragment);
      });
    const texts = [...source.matchAll(/`([^`]*)`|'([^'\n]*)'/g)].map(([, a, b]) => a ?? b ?? '');
    return texts
      .filter((text) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|REPLACE)\b/.test(text))
      .filter((text) => !/^\s*SELECT[^]*\$\{FILTERED\}/.test(text))
      .map((text) => ({ file, sql: fill(text).replaceAll(/\s+/g, ' ').trim() }));
  });
}

/** Tables read or written without `tenant_id = ?` of their own. */
function unscoped(sql: string): string[] {
  const found: string[] = [];
  for (const [, table = '', alias = ''] of sql.matchAll(
    /\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?!WHERE|SET|JOIN|ON|ORDER|GROUP|VALUES|CROSS|LIMIT)(\w+))?/g,
  )) {
    if (!TABLES.has(table) || UNSCOPED_TABLES.has(table)) continue;
    const isInsert = new RegExp(`INTO ${table} \\( ?tenant_id,`).test(sql);
    const isScoped =
      alias === ''
        ? /(?<![.\w])tenant_id = \?/.test(sql)
        : new RegExp(`\\b${alias}\\.tenant_id = \\?`).test(sql);
    if (!isInsert && !isScoped) found.push(alias === '' ? table : `${table} ${alias}`);
  }
  return found;
}

describe('tenant walls in the SQL of the catalog', () => {
  it('finds the statements it has to check', () => {
    expect(statements().length).toBeGreaterThan(50);
    for (const { sql, file } of statements()) expect(sql, file).not.toContain('${');
  });

  it.each(statements())('$file: $sql', ({ sql }) => {
    expect(unscoped(sql)).toEqual([]);
  });

  it.each([
    'SELECT id FROM course WHERE id = ?',
    'SELECT c.id FROM course c JOIN course_text t ON t.tenant_id = ? AND t.course_no = c.course_no',
    'DELETE FROM learner_goal WHERE learner_no = ?',
    'UPDATE enrollment SET state = ? WHERE learner_no = ?',
    'INSERT INTO activity (learner_no, at) VALUES (?, ?)',
  ])('would catch: %s', (sql) => {
    expect(unscoped(sql)).not.toEqual([]);
  });

  it('starts every key of a tenant table with the tenant', () => {
    for (const [, table = '', body = ''] of catalogMigration.sqlite.matchAll(
      /CREATE TABLE (\w+) \(([^;]*)\) STRICT/g,
    )) {
      expect(body, table).toMatch(/PRIMARY KEY \(tenant_id|tenant_id INTEGER PRIMARY KEY/);
    }
    for (const [, index = ''] of catalogMigration.sqlite.matchAll(
      /INDEX \w+ ON \w+ \(([^)]*)\)/g,
    )) {
      expect(index).toMatch(/^tenant_id/);
    }
  });
});
