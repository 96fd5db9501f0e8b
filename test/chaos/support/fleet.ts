import { SERVER } from '../../support/catalog-server.js';
import { freePort } from '../../support/free-port.js';
import { type TestPostgres, startPostgres } from '../../support/postgres.js';
import { runNode, startServer, temporaryFolder } from '../../support/processes.js';
import { type RoundRobinProxy, startRoundRobinProxy } from '../../support/round-robin-proxy.js';

/** One of the processes behind the proxy. */
export interface Member {
  readonly port: number;
  readonly url: string;
  readonly child: Awaited<ReturnType<typeof startServer>>['child'];
  /** Ends it by a signal. @returns its exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Processes of one kind on one PostgreSQL database, behind a plain round robin. */
export interface Fleet {
  readonly proxy: RoundRobinProxy;
  readonly mcpUrl: string;
  readonly database: string;
  readonly env: Readonly<Record<string, string>>;
  /** Starts one more, and gives it requests when it is ready. */
  start(): Promise<Member>;
  stop(): Promise<void>;
}

type StartMember = (options: {
  readonly port: number;
  readonly origin: string;
  readonly env: Readonly<Record<string, string>>;
}) => Promise<{
  readonly child: Member['child'];
  readonly isReady?: () => Promise<boolean>;
}>;

async function startFleet(startMember: StartMember): Promise<Fleet> {
  const postgres: TestPostgres = await startPostgres();
  const proxy = await startRoundRobinProxy();
  const database = await postgres.createDatabase();
  const env = { CATALOG_DATABASE: database, CATALOG_MASTER_SECRET: 'm'.repeat(43) };
  const members = new Set<Member>();
  return {
    proxy,
    mcpUrl: `${proxy.origin}/mcp`,
    database,
    env,
    async start() {
      const port = await freePort();
      const { child, isReady } = await startMember({ port, origin: proxy.origin, env });
      const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
      const backend = { port, ...(isReady !== undefined && { isReady }) };
      const member: Member = {
        port,
        url: `http://localhost:${port}/mcp`,
        child,
        async stop(signal = 'SIGTERM') {
          members.delete(member);
          // A load balancer hears of a dead server from its broken connections.
          if (signal === 'SIGKILL') proxy.remove(backend);
          child.kill(signal);
          const code = await exited;
          proxy.remove(backend);
          return code;
        },
      };
      members.add(member);
      await proxy.add(backend);
      return member;
    },
    async stop() {
      await Promise.all([...members].map((member) => member.stop('SIGKILL')));
      await proxy.close();
      await postgres.stop();
    },
  };
}

/**
 * The catalog's server, as it ships. `apiKey` lasts for as long as the fleet.
 *
 * @param args - further ones; from the origin, where they need it
 */
export async function startCatalogFleet(
  args: readonly string[] | ((origin: string) => readonly string[]) = [],
): Promise<Fleet & { readonly apiKey: string }> {
  const data = temporaryFolder();
  const fleet = await startFleet(async ({ port, origin, env }) => {
    const { child, ready } = await startServer<{ readonly admin: string }>(
      [
        SERVER,
        '--transport=http',
        '--json',
        `--data=${data}`,
        `--port=${port}`,
        `--public-url=${origin}`,
        '--admin-port=0',
        '--rate-limit=0',
        '--call-concurrency=0',
        '--drain-delay=1',
        '--log-level=error',
        ...(typeof args === 'function' ? args(origin) : args),
      ],
      { env, timeoutMs: 3_600_000 },
    );
    const isReady = async (): Promise<boolean> => (await fetch(`${ready.admin}/readyz`)).ok;
    return { child, isReady };
  });
  await fleet.start();
  const created = await runNode([SERVER, 'api-keys', 'create', '--data', data, '--json'], {
    env: fleet.env,
  });
  const { key } = JSON.parse(created.stdout) as { key: string };
  return { ...fleet, apiKey: key };
}

/** A server of the toolkit with tools that ask, wait and write: see `fixture-server.child.ts`. */
export async function startFixtureFleet(): Promise<Fleet> {
  const script = new URL('fixture-server.child.ts', import.meta.url).pathname;
  return startFleet(async ({ port, origin, env }) => {
    const args = ['--import', 'tsx', script, String(port), origin];
    const { child } = await startServer(args, { env });
    return { child };
  });
}
