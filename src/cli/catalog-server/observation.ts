import { type Metrics, createMetrics } from '../../server/observe/metrics.js';
import type { Observer } from '../../server/observe/observer.js';
import { type Readiness, createReadiness } from '../../server/observe/readiness.js';
import { createTracing } from '../../server/observe/tracing.js';
import type { Logger } from '../../shared/logger.js';
import type { CliIo } from '../io.js';
import { type AdminPort, openAdminPort } from './admin-port.js';
import type { ServerConfig } from './config.js';
import { serverLogger } from './server-logger.js';

/** What the HTTP server is seen through. */
export interface Observation {
  readonly logger: Logger;
  readonly observers: readonly Observer[];
  readonly readiness: Readiness;
  /** Undefined without an admin port. */
  readonly metrics: Metrics | undefined;
  /** Opens the admin port, if there is to be one. */
  openAdminPort(): Promise<AdminPort | undefined>;
}

/** Spans are made when an OpenTelemetry SDK was loaded before the server (`node --import`), metrics with an admin port. */
export async function createObservation(
  config: ServerConfig,
  io: Pick<CliIo, 'env' | 'stderr'>,
): Promise<Observation> {
  const { adminHost: host, adminPort: port } = config.observation;
  const tracing = await createTracing();
  const metrics = port === undefined ? undefined : await createMetrics();
  const logger = serverLogger(config, io, tracing && (() => tracing.activeTraceId()));
  const readiness = createReadiness({ logger });
  return {
    logger,
    observers: [tracing?.observer, metrics?.observer].filter((observer) => observer !== undefined),
    readiness,
    metrics,
    openAdminPort: async () =>
      port === undefined || metrics === undefined
        ? undefined
        : openAdminPort({ host, port, readiness, metrics, logger }),
  };
}
