/** What a statement may be given. A list is the right side of `IN (SELECT value FROM json_each(?))`. */
export type SqlParam = null | number | string | readonly string[] | readonly number[];

/** One thing that a program asks of the engine that runs it. */
export type SqlRequest =
  | { readonly kind: 'all' | 'run'; readonly sql: string; readonly params: readonly SqlParam[] }
  | {
      readonly kind: 'runEach';
      readonly sql: string;
      readonly rows: readonly (readonly SqlParam[])[];
    }
  | { readonly kind: 'tenant'; readonly tenant: number }
  | { readonly kind: 'notify'; readonly id: number }
  | { readonly kind: 'lock'; readonly name: string; readonly isShared: boolean };

/**
 * Storage code that both engines run: a generator that yields requests and is handed their answers. SQLite runs it to
 * its end in one go, so that no other request slips into its transaction; PostgreSQL awaits each answer.
 *
 * Statements are written as SQLite has them, with `?` for parameters, in the part of SQL that both engines share. They
 * name their columns: a newer version may add some while this one runs.
 */
export type SqlProgram<T> = Generator<SqlRequest, T, unknown>;

export interface SqlEngine {
  /** Runs a program of one statement, outside any transaction. It cannot name a tenant. */
  run<T>(work: () => SqlProgram<T>): Promise<T>;
  /** Runs statements that only read, in one transaction where the engine needs one. */
  read<T>(work: () => SqlProgram<T>): Promise<T>;
  /**
   * Runs `work` in one write transaction: all of it is kept, or, when it throws, nothing. PostgreSQL may run it again
   * from the start when it met another transaction crosswise, so it must not touch anything outside.
   */
  write<T>(work: () => SqlProgram<T>): Promise<T>;
}

export function* all<Row>(sql: string, ...params: readonly SqlParam[]): SqlProgram<Row[]> {
  return (yield { kind: 'all', sql, params }) as Row[];
}

export function* get<Row>(
  sql: string,
  ...params: readonly SqlParam[]
): SqlProgram<Row | undefined> {
  const rows = (yield { kind: 'all', sql, params }) as Row[];
  return rows[0];
}

/** @returns how many rows were inserted, changed or deleted */
export function* run(sql: string, ...params: readonly SqlParam[]): SqlProgram<number> {
  return (yield { kind: 'run', sql, params }) as number;
}

/** Runs one statement for each row of parameters. In an upsert, no two rows may have the same key. */
export function* runEach(
  sql: string,
  rows: readonly (readonly SqlParam[])[],
): SqlProgram<undefined> {
  if (rows.length > 0) yield { kind: 'runEach', sql, rows };
  return undefined;
}

/** Whose rows the rest of the transaction may see (row-level security); its statements name the tenant all the same. */
export function* actAsTenant(tenant: number): SqlProgram<undefined> {
  yield { kind: 'tenant', tenant };
  return undefined;
}

/**
 * Waits until no other write transaction holds the name, and holds it to the end of this one. SQLite has one writer
 * at a time anyway. Take locks in the same order everywhere.
 *
 * @param isShared - holders that share it do not wait for each other. Default false
 */
export function* lock(name: string, isShared = false): SqlProgram<undefined> {
  yield { kind: 'lock', name, isShared };
  return undefined;
}

/** Wakes the processes that listen, when the transaction is kept. On SQLite they look for themselves. */
export function* notify(id: number): SqlProgram<undefined> {
  yield { kind: 'notify', id };
  return undefined;
}
