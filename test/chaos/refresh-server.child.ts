// An authorization server that kills itself at a chosen point of a refresh, as SIGKILL from outside would. Waits for a
// line on standard input that says where; so a spare one costs no start-up time.
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { createAuthorizationServer } from '../../src/authorization/index.js';
import { createPostgresEngine } from '../../src/storage/postgres/engine.js';
import { createAuthorizationStores } from '../../src/storage/stores/authorization-stores.js';
import type { SqlEngine, SqlProgram } from '../../src/storage/sql.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { createSqliteEngine } from '../../src/storage/sqlite/engine.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import type { KillPoint, Ready } from './refresh-chaos.js';

const [databaseUrl = '', port = '0', secret = ''] = process.argv.slice(2);

/** Statements of the refresh that runs. */
let count = 0;
let isRefreshing = false;
let point: KillPoint = { kind: 'none' };

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Counts every statement, those inside a transaction too. */
function* counted<T>(program: SqlProgram<T>): SqlProgram<T> {
  let step = program.next();
  while (step.done !== true) {
    if (isRefreshing) {
      count += 1;
      if (point.kind === 'statement' && count === point.at) die();
    }
    step = program.next(yield step.value);
  }
  return step.value;
}

function withKillPoints(engine: SqlEngine): SqlEngine {
  return {
    run: (work) => engine.run(() => counted(work())),
    read: (work) => engine.read(() => counted(work())),
    async write(work) {
      const value = await engine.write(() => counted(work()));
      if (isRefreshing && point.kind === 'committed') die();
      return value;
    },
  };
}

async function openEngine(): Promise<SqlEngine> {
  if (!databaseUrl.startsWith('postgres')) {
    const database = openSqlite(databaseUrl);
    migrate(database);
    return createSqliteEngine(database);
  }
  const { default: pg } = await import('pg');
  const INT8 = 20;
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    types: {
      getTypeParser: ((oid: number, format: 'text') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as never,
    },
  });
  return createPostgresEngine(pool, { unavailable: (cause) => cause });
}

/** Dies around the answer: before any of it, in the middle of it, or when all of it was handed to the system. */
function watchAnswer(response: ServerResponse): void {
  const end = response.end.bind(response);
  response.end = ((...args: unknown[]) => {
    if (point.kind === 'answer') die();
    if (point.kind === 'half') {
      const [body] = args;
      const bytes = Buffer.from(String(body));
      response.write(bytes.subarray(0, bytes.length >> 1), () => die());
      return response;
    }
    return (end as (...all: unknown[]) => ServerResponse)(...args);
  }) as typeof response.end;
  if (point.kind === 'sent') response.on('finish', die);
}

async function serve(): Promise<void> {
  const stores = createAuthorizationStores(withKillPoints(await openEngine()));
  const origin = `http://localhost:${port}`;
  await stores.users.upsert({
    id: 'ada',
    displayName: 'Ada Okafor',
    tenant: 'north',
    scopes: ['catalog:read'],
    isDisabled: false,
  });
  const authorization = await createAuthorizationServer({
    issuer: origin,
    stores,
    masterSecret: Buffer.from(secret),
    resources: [{ resource: `${origin}/mcp`, scopes: { 'catalog:read': 'Read' } }],
    signIn: { kind: 'demo' },
  });
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const isToken = request.url === '/token' && request.headers['x-refresh'] !== undefined;
    if (isToken) {
      isRefreshing = true;
      count = 0;
      watchAnswer(response);
      response.once('finish', () => {
        isRefreshing = false;
        say({ statements: count });
      });
    }
    if (authorization.handle(request, response) === false) response.writeHead(404).end();
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
  say({ isReady: true });
}

function say(message: Ready | { readonly statements: number }): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

createInterface({ input: process.stdin })
  .once('line', (line) => {
    point = JSON.parse(line) as KillPoint;
    void serve();
  })
  // The test is gone.
  .on('close', () => process.exit(0));
say({ isLoaded: true });
