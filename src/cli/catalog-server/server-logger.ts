import type { Logger } from '../../shared/logger.js';
import { type Redactor, createRedactor } from '../../shared/redact.js';
import type { CliIo } from '../io.js';
import { stderrLogger } from '../stderr-logger.js';
import type { ServerConfig } from './config.js';

/** Environment variables whose value may not appear in a log. */
const SECRET_VARIABLES = ['CATALOG_MASTER_SECRET', 'CATALOG_API_KEY', 'X-API-KEY', 'PGPASSWORD'];

/**
 * The operator's log, as the settings ask for it.
 *
 * @param traceId - the trace that the code that logs runs in
 */
export function serverLogger(
  config: Pick<
    ServerConfig,
    'logLevel' | 'observation' | 'database' | 'masterSecret' | 'previousMasterSecrets'
  >,
  io: Pick<CliIo, 'env' | 'stderr'>,
  traceId?: () => string | undefined,
): Logger {
  return stderrLogger({
    level: config.logLevel,
    format: config.observation.logFormat,
    write: (line) => void io.stderr.write(line),
    redactor: redactorOf(config, io),
    ...(traceId !== undefined && { traceId }),
  });
}

function redactorOf(
  {
    database,
    masterSecret,
    previousMasterSecrets,
  }: Pick<ServerConfig, 'database' | 'masterSecret' | 'previousMasterSecrets'>,
  { env }: Pick<CliIo, 'env'>,
): Redactor {
  return createRedactor([
    masterSecret,
    ...previousMasterSecrets,
    database.kind === 'postgres' ? passwordOf(database.url) : undefined,
    ...SECRET_VARIABLES.map((name) => env[name]),
  ]);
}

function passwordOf(url: string): string {
  const { password } = new URL(url);
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}
