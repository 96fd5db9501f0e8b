import type { Pool, PoolClient, QueryResult } from 'pg';
import type { SqlEngine, SqlParam, SqlProgram, SqlRequest } from '../sql.js';
import { repeatRow, toPostgresSql, toPostgresValue } from './dialect.js';

/** Deadlock and serialization failure: nothing of the transaction was kept, and a second run can succeed. */
const RETRIED = new Set(['40P01', '40001']);
const MAX_ATTEMPTS = 4;
const MAX_ROWS_PER_STATEMENT = 500;

const LOCK = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))';
const LOCK_SHARED = 'SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))';
/** Carries the ids of bus messages to the processes that listen. */
export const CHANNEL = 'catalog_mcp';
const NOTIFY = `SELECT pg_notify('${CHANNEL}', $1)`;
const SET_TENANT = "SELECT set_config('app.tenant', $1, true)";

export interface PostgresEngineOptions {
  /** Makes what is thrown of a failure that is no answer of the server. */
  readonly unavailable: (cause: Error) => Error;
  /** See `PostgresOptions.isPreparing`. Default true. */
  readonly isPreparing?: boolean;
}

/**
 * Runs programs on a pool. A transaction has one connection, whose tenant and locks end with it; so a pooler that
 * lends connections per transaction may stand between.
 */
export function createPostgresEngine(pool: Pool, options: PostgresEngineOptions): SqlEngine {
  const statementOf = rememberStatements(options.isPreparing ?? true);
  // A connection that breaks is replaced; who needs the server and does not get it is told by the statement.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const connect = async (): Promise<PoolClient> => {
    try {
      return await pool.connect();
    } catch (error) {
      throw error instanceof Error ? options.unavailable(error) : error;
    }
  };
  const withStatements = async <T>(work: (statements: Statements) => Promise<T>): Promise<T> => {
    const client = await connect();
    const statements = new Statements(client, statementOf);
    try {
      return await work(statements);
    } catch (error) {
      throw error instanceof Error && isConnectionFailure(error)
        ? options.unavailable(error)
        : error;
    } finally {
      client.release(statements.isBroken);
    }
  };
  const transaction = <T>(begin: string, work: () => SqlProgram<T>): Promise<T> =>
    withStatements(async (statements) => {
      try {
        statements.send(begin);
        const value = await runToEnd(statements, work());
        await statements.ask('COMMIT');
        return value;
      } catch (error) {
        await statements.rollBack();
        throw error;
      }
    });
  return {
    run: (work) =>
      withStatements(async (statements) => {
        const value = await runToEnd(statements, work());
        await statements.settle();
        return value;
      }),
    read: (work) => transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work),
    async write(work) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await transaction('BEGIN', work);
        } catch (error) {
          if (attempt >= MAX_ATTEMPTS || !RETRIED.has(stateOf(error) ?? '')) throw error;
        }
      }
    },
  };
}

/** The statements of one connection. What nobody waits for goes out together with what follows it. */
class Statements {
  /** The connection must not be used again: it broke, or nobody knows what state its transaction is in. */
  isBroken = false;
  readonly statementOf: (sql: string) => Statement;
  readonly #client: PoolClient;
  #sent: Promise<unknown>[] = [];

  constructor(client: PoolClient, statementOf: (sql: string) => Statement) {
    this.#client = client;
    this.statementOf = statementOf;
  }

  send(statement: string | Statement, values?: unknown[]): void {
    const sent = this.#query(statement, values);
    // Its failure is met by the next `ask`.
    sent.catch(() => undefined);
    this.#sent.push(sent);
  }

  async ask(statement: string | Statement, values?: unknown[]): Promise<QueryResult> {
    const result = this.#query(statement, values);
    // In the order they were sent: the first failure is the cause of those after it.
    const [last] = await Promise.all([result, this.settle()]);
    return last;
  }

  /** Waits for what was sent. */
  async settle(): Promise<void> {
    const sent = this.#sent;
    this.#sent = [];
    await Promise.all(sent);
  }

  async rollBack(): Promise<void> {
    if (this.isBroken) return;
    this.#sent = [];
    try {
      await this.#client.query('ROLLBACK');
    } catch {
      this.isBroken = true;
    }
  }

  async #query(statement: string | Statement, values: unknown[] | undefined): Promise<QueryResult> {
    try {
      return await (typeof statement === 'string'
        ? this.#client.query(statement, values)
        : this.#client.query({ ...statement, values: values ?? [] }));
    } catch (error) {
      if (error instanceof Error && isConnectionFailure(error)) this.isBroken = true;
      throw error;
    }
  }
}

/** A statement as PostgreSQL has it; with a name, each connection parses it once. */
interface Statement {
  readonly text: string;
  readonly name?: string;
}

/** The stores have a fixed list of statements, so each is translated once. */
function rememberStatements(isPreparing: boolean): (sql: string) => Statement {
  const known = new Map<string, Statement>();
  return (sql) => {
    const found = known.get(sql);
    if (found !== undefined) return found;
    const text = toPostgresSql(sql);
    const statement = isPreparing ? { text, name: `catalog_${known.size}` } : { text };
    known.set(sql, statement);
    return statement;
  };
}

async function runToEnd<T>(statements: Statements, program: SqlProgram<T>): Promise<T> {
  let step = program.next();
  while (step.done !== true) step = program.next(await fulfil(statements, step.value));
  return step.value;
}

async function fulfil(statements: Statements, request: SqlRequest): Promise<unknown> {
  switch (request.kind) {
    case 'all':
      return (await statements.ask(statements.statementOf(request.sql), toValues(request.params)))
        .rows;
    case 'run': {
      const statement = statements.statementOf(request.sql);
      const result = await statements.ask(statement, toValues(request.params));
      return result.rowCount ?? 0;
    }
    case 'runEach':
      sendEach(statements, request.sql, request.rows);
      return undefined;
    case 'tenant':
      statements.send(SET_TENANT, [String(request.tenant)]);
      return undefined;
    case 'notify':
      statements.send(NOTIFY, [String(request.id)]);
      return undefined;
    case 'lock':
      statements.send(request.isShared ? LOCK_SHARED : LOCK, [`catalog-mcp ${request.name}`]);
      return undefined;
  }
}

function sendEach(
  statements: Statements,
  sql: string,
  rows: readonly (readonly SqlParam[])[],
): void {
  for (let start = 0; start < rows.length; start += MAX_ROWS_PER_STATEMENT) {
    const some = rows.slice(start, start + MAX_ROWS_PER_STATEMENT);
    const together = repeatRow(sql, some.length);
    if (together === undefined) {
      const one = statements.statementOf(sql);
      for (const row of some) statements.send(one, toValues(row));
    } else {
      statements.send(toPostgresSql(together), toValues(some.flat()));
    }
  }
}

function toValues(params: readonly SqlParam[]): unknown[] {
  return params.map(toPostgresValue);
}

/** SQLSTATE of an error that the server answered with. */
export function stateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'severity' in error && 'code' in error ? error.code : '';
  return typeof code === 'string' && code !== '' ? code : undefined;
}

/** The connection is of no more use: it broke, went silent, or the server ended it. */
function isConnectionFailure(error: Error): boolean {
  const state = stateOf(error);
  if (state !== undefined) return state.startsWith('08') || state.startsWith('57P');
  const code = 'code' in error ? error.code : undefined;
  return (
    (typeof code === 'string' && /^E[A-Z]+$/.test(code)) ||
    /^(?:Connection terminated|Query read timeout|Client has encountered|Client was closed)/.test(
      error.message,
    )
  );
}
