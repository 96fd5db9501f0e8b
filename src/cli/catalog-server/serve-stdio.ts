// First: in the one-script bundle zod has to be entered by its front door, as the catalog does, before the SDK needs it.
import { type OpenFileTools, createCatalogService } from './catalog-service.js';
import { credentialFromApiKey } from '../../server/core/api-key.js';
import type { Upstreams } from '../../server/core/upstream.js';
import { createTracing } from '../../server/observe/tracing.js';
import { serveStdio } from '../../server/stdio/serve-stdio.js';
import { systemClock } from '../../shared/clock.js';
import type { CliIo } from '../io.js';
import type { ServerConfig } from './config.js';
import { loadMasterSecrets } from './master-secret.js';
import { openStorage } from './open-storage.js';
import { serverLogger } from './server-logger.js';

const HOW_TO_GET_A_KEY =
  'set CATALOG_API_KEY to a key from "catalog-server api-keys create" (npm start prints a demo key)';

/** What was done before this code was loaded. */
export interface Opening {
  /** Requests that were answered: the line that went out, by id. They are in the input all the same. */
  readonly answered: ReadonlyMap<string | number, string>;
  /** Called when the storage is open. */
  release(): void;
}

interface StdioExtras {
  readonly openFileTools?: OpenFileTools | undefined;
  readonly opening?: Opening | undefined;
  readonly upstreams?: Upstreams | undefined;
}

/**
 * Serves MCP on standard input and output until the client closes the input. The person is the owner of the API key in
 * the environment; one process, one person.
 */
export async function serveOverStdio(
  config: ServerConfig,
  io: CliIo,
  { openFileTools, opening, upstreams }: StdioExtras = {},
): Promise<void> {
  const tracing = await createTracing();
  const logger = serverLogger(config, io, tracing && (() => tracing.activeTraceId()));
  const secret = loadMasterSecrets(config);
  const storage = await openStorage(config, logger);
  opening?.release();
  const key = io.env['CATALOG_API_KEY'] ?? io.env['X-API-KEY'];
  const credential = await credentialFromApiKey(storage.apiKeys, key, HOW_TO_GET_A_KEY);
  if (!credential.ok) io.stderr.write(`${credential.error.message}\n`);
  const service = await createCatalogService(
    storage,
    secret,
    logger,
    openFileTools,
    config.minimumLearners,
  );
  const server = serveStdio({
    ...service,
    ...(upstreams !== undefined && { upstreams }),
    limits: config.limits,
    auditArguments: config.observation.recordsArguments,
    observers: tracing === undefined ? [] : [tracing.observer],
    credential,
    answered: opening?.answered,
    revocations: storage.revocations,
    credentialAdvice: HOW_TO_GET_A_KEY,
    clock: systemClock,
    logger,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void server.close());
  }
  await server.closed;
  service.close();
  await storage.close();
}
