/** Columns that number things within a tenant or a scale: four bytes are enough, and the big indexes are made of them. */
const SMALL =
  /^(?:tenant_id|source_tenant_id|course_no|next_course_no|term_id|next_term_id|learner_no|goal_no|run_no|level|is_\w+)$/;

/**
 * Writes tables and indexes, as SQLite has them, for PostgreSQL. Text sorts and compares by bytes on both; integers
 * have the room of SQLite's unless they are numbers of this schema's own.
 */
export function toPostgresDdl(sqlite: string): string {
  return sqlite
    .replaceAll(/\) STRICT(?:, WITHOUT ROWID)?;/g, ');')
    .replaceAll(
      'INTEGER PRIMARY KEY AUTOINCREMENT',
      'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
    )
    .replaceAll(/(\w+) INTEGER\b/g, (whole, column: string) =>
      SMALL.test(column) ? whole : `${column} BIGINT`,
    )
    .replaceAll(/\bREAL\b/g, 'DOUBLE PRECISION')
    .replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"');
}

export function tablesIn(ddl: string): string[] {
  return [...ddl.matchAll(/CREATE TABLE (\w+)/g)].map(([, table = '']) => table);
}

// The sub-select is evaluated once per statement. Nothing is set: no rows; an empty setting is an error.
const TENANT = "(SELECT current_setting('app.tenant', true)::int)";
const GRANTED = `(SELECT g.source_tenant_id FROM catalog_grant g WHERE g.tenant_id = ${TENANT})`;

/** Who may read a table's rows besides their own tenant. */
export type SharedReading = 'nobody' | 'granted tenants' | 'tenants granted the shared catalog';

/**
 * Row-level security that binds the owner as well: a transaction sees and writes the rows of the tenant that
 * `app.tenant` names in it, and reads those that `sharedReading` adds.
 */
export function tenantPolicies(table: string, sharedReading: SharedReading): string {
  const own = `tenant_id = ${TENANT}`;
  const condition = {
    nobody: undefined,
    'granted tenants': `tenant_id IN ${GRANTED}`,
    'tenants granted the shared catalog': `tenant_id = 0 AND 0 IN ${GRANTED}`,
  }[sharedReading];
  return `
    ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_rows ON ${table} USING (${own}) WITH CHECK (${own});
    ${condition === undefined ? '' : `CREATE POLICY shared_rows ON ${table} FOR SELECT USING (${condition});`}
  `;
}
