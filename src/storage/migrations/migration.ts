export interface Migration {
  /** `NNN-name`, unique, ordered. */
  readonly id: string;
  /** DDL for SQLite, run in one transaction. */
  readonly sqlite: string;
  /** The same for PostgreSQL: the same tables and columns, with row-level security where a row has a tenant. */
  readonly postgres: string;
}
