export interface Migration {
  /** `NNN-name`, unique, ordered. */
  readonly id: string;
  /** DDL for SQLite, run in one transaction. */
  readonly sqlite: string;
}
