import type { ClientConfig, PoolConfig } from 'pg';
import { ToolkitError } from '../../shared/errors.js';
import { StorageUnavailableError } from '../errors.js';
import type { Storage } from '../storage.js';
import { createStores } from '../stores/index.js';
import { createMessageBus } from '../stores/message-bus.js';
import { createPostgresEngine } from './engine.js';
import { migratePostgres } from './migrate.js';
import { createPostgresWaker } from './waker.js';

export interface PostgresOptions {
  /** Connections of this process at most, besides the one that waits for messages of other processes. Default 10. */
  readonly poolSize?: number;
  /** For a connection, and for one of the pool to become free. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** For one statement, waiting for locks included. Default 15000. */
  readonly statementTimeoutMs?: number;
  /**
   * Whether a connection keeps the statements that it has parsed, which makes a search half as long. Turn it off behind
   * a pooler that lends connections per transaction and knows no prepared statements. Default true.
   */
  readonly isPreparing?: boolean;
  /**
   * Existing role that the server will run as: gets the rights that the stores need. For the one call that the owner
   * makes before; a plain role cannot grant.
   */
  readonly grantTo?: string;
}

export interface PostgresStorage extends Storage {
  /**
   * Whether the database itself keeps tenants apart for this role. False for a superuser and a role with BYPASSRLS:
   * there, the statements alone do.
   */
  readonly hasRowSecurity: boolean;
  /** Waits for what is running, then ends every connection. */
  close(): Promise<void>;
}

// A role that opens a new database builds its schema: longer than any statement later on.
const MIGRATION_TIMEOUT_MS = 120_000;
const INT8 = 20;

/**
 * Opens a PostgreSQL database (15 or newer) and brings its schema up to date. Any number of processes may have it
 * open. Row-level security holds for every role but those that bypass it: let the server run as a plain role (see
 * `grantTo`) and look at `hasRowSecurity`.
 *
 * @param url - `postgres://user:password@host:5432/database`; `?sslmode=` and the like as libpq has them
 * @throws {TypeError} when the URL is none; the message does not repeat it
 * @throws {StorageUnavailableError} when the server cannot be reached or refuses, or the schema cannot be updated;
 *   names host and database, never the user's password
 * @throws {UnknownMigrationError} when a newer version wrote the database
 */
export async function openPostgresStorage(
  url: string,
  options: PostgresOptions = {},
): Promise<PostgresStorage> {
  const { poolSize = 10, connectTimeoutMs = 5000, statementTimeoutMs = 15_000 } = options;
  const { isPreparing = true, grantTo } = options;
  const name = nameOf(url);
  const unavailable = (cause: Error): Error =>
    cause instanceof ToolkitError ? cause : new StorageUnavailableError(name, { cause });
  // Loaded here: SQLite users do not pay for it.
  const { default: pg } = await import('pg');
  const config: ClientConfig = {
    connectionString: url,
    application_name: 'catalog-mcp',
    connectionTimeoutMillis: connectTimeoutMs,
    types: {
      // Counts and times: they stay far below 2^53.
      getTypeParser: ((oid: number, format: 'text') =>
        oid === INT8 && format !== ('binary' as string)
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  };
  const first = new pg.Client({ ...config, ...timeLimits(MIGRATION_TIMEOUT_MS) });
  first.on('error', () => undefined);
  let hasRowSecurity: boolean;
  let position: number;
  let isConnected = false;
  try {
    await first.connect();
    isConnected = true;
    await migratePostgres(first, grantTo);
    const { rows } = await first.query<{ bypasses: boolean }>(
      'SELECT rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user',
    );
    hasRowSecurity = rows[0]?.bypasses === false;
    const newest = await first.query<{ no: number | null }>(
      'SELECT max(message_no) AS no FROM bus_message',
    );
    position = newest.rows[0]?.no ?? 0;
  } catch (error) {
    throw error instanceof Error ? unavailable(error) : error;
  } finally {
    // Without a connection there is nothing to end, and nothing would answer.
    if (isConnected) await first.end().catch(() => undefined);
  }
  const pool = new pg.Pool({
    ...config,
    ...timeLimits(statementTimeoutMs),
    max: poolSize,
    // Statements that nobody waits for travel together with the next one.
    pipeline: true,
  } as PoolConfig);
  const engine = createPostgresEngine(pool, { unavailable, isPreparing });
  const waker = createPostgresWaker(async () => {
    const client = new pg.Client({ ...config, ...timeLimits(statementTimeoutMs), keepAlive: true });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  });
  return {
    ...createStores(engine),
    bus: createMessageBus(engine, { position, waker }),
    hasRowSecurity,
    async close() {
      await waker.stop();
      await pool.end();
    },
  };
}

/** The server ends a statement that takes too long; a server that no longer answers is given up a little later. */
function timeLimits(timeoutMs: number): ClientConfig {
  return {
    statement_timeout: timeoutMs,
    idle_in_transaction_session_timeout: timeoutMs * 2,
    query_timeout: timeoutMs + 5000,
  };
}

/** Server and database, without user and password. */
function nameOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(?:ql)?:$/.test(parsed.protocol)) {
    throw new TypeError(
      'the database URL has to look like postgres://user:password@host:5432/database',
    );
  }
  return `postgres://${parsed.host}${parsed.pathname}`;
}
