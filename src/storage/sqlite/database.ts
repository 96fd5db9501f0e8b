import { createRequire } from 'node:module';

export type SqlValue = null | number | bigint | string | Uint8Array;

interface RunOutcome {
  readonly changes: number;
}

/**
 * One SQLite file. Calls are synchronous (that is what SQLite is); the repositories above it are async, so that a
 * networked engine fits behind the same ports.
 */
export interface SqliteDatabase {
  all<Row = Record<string, SqlValue>>(sql: string, ...params: readonly SqlValue[]): Row[];
  get<Row = Record<string, SqlValue>>(sql: string, ...params: readonly SqlValue[]): Row | undefined;
  run(sql: string, ...params: readonly SqlValue[]): RunOutcome;
  /** Runs statements without parameters: DDL. */
  exec(sql: string): void;
  /**
   * Runs `work` in one write transaction (BEGIN IMMEDIATE): all of it is kept, or, when it throws, nothing. A nested
   * call joins the outer transaction. `work` must be synchronous: another request must not slip in between.
   */
  transaction<T>(work: () => T): T;
  close(): void;
}

interface Statement {
  all(...params: readonly SqlValue[]): unknown[];
  get(...params: readonly SqlValue[]): unknown;
  run(...params: readonly SqlValue[]): { readonly changes: number | bigint };
}

interface DatabaseSync {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

const STATEMENT_CACHE_SIZE = 256;
// Writers of several processes wait for each other up to this long before SQLITE_BUSY.
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens (or creates) a database file with the settings this project relies on: WAL, foreign keys, a busy timeout.
 * Safe with many processes on one file; not on a network file system.
 *
 * @param path - file path, or `:memory:`
 */
export function openSqlite(path: string): SqliteDatabase {
  const database = new (databaseConstructor())(path);
  database.exec(
    `PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;` +
      'PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000',
  );
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const made = database.prepare(sql);
    if (statements.size >= STATEMENT_CACHE_SIZE) {
      const oldest = statements.keys().next();
      if (!oldest.done) statements.delete(oldest.value);
    }
    statements.set(sql, made);
    return made;
  };
  let isInTransaction = false;
  return {
    all: <Row>(sql: string, ...params: readonly SqlValue[]) => prepare(sql).all(...params) as Row[],
    get: <Row>(sql: string, ...params: readonly SqlValue[]) =>
      prepare(sql).get(...params) as Row | undefined,
    run: (sql, ...params) => ({ changes: Number(prepare(sql).run(...params).changes) }),
    exec: (sql) => database.exec(sql),
    transaction(work) {
      if (isInTransaction) return work();
      database.exec('BEGIN IMMEDIATE');
      isInTransaction = true;
      try {
        const value = work();
        database.exec('COMMIT');
        return value;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      } finally {
        isInTransaction = false;
      }
    },
    close: () => {
      statements.clear();
      database.close();
    },
  };
}

/** The runtime's own SQLite where it has one (Node >= 22.13), else the package with the same interface. */
function databaseConstructor(): new (path: string) => DatabaseSync {
  const require = createRequire(import.meta.url);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const hasBuiltIn = major > 22 || (major === 22 && minor >= 13);
  const module = require(hasBuiltIn ? 'node:sqlite' : '@photostructure/sqlite') as {
    DatabaseSync: new (path: string) => DatabaseSync;
  };
  return module.DatabaseSync;
}
