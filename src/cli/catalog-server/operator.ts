import type { Command } from 'commander';
import { LOCAL_ISSUER } from '../../server/core/principal.js';
import { systemClock } from '../../shared/clock.js';
import type { CliIo } from '../io.js';
import { type RawSettings, type ServerConfig, resolveConfig } from './config.js';
import { type OpenStorage, openStorage } from './open-storage.js';
import { serverLogger } from './server-logger.js';

/** What a command of the operator of this machine works with. */
export interface Operator {
  readonly config: ServerConfig;
  readonly storage: OpenStorage;
  /** Prints JSON with `--json`, else the text. */
  readonly print: (data: unknown, human: string) => void;
  /** Writes into the audit log what was done; nobody signed in for it, so it names no person as the one who did it. */
  readonly record: (event: {
    /** Such as `grants/revoke`. */
    readonly operation: string;
    readonly target: string | undefined;
    readonly tenant?: string | undefined;
    readonly clientId?: string | undefined;
    readonly reason?: string | undefined;
  }) => Promise<void>;
}

/** Opens the database for one command, and closes it after. */
export async function asOperator(
  command: Command,
  io: CliIo,
  work: (operator: Operator) => Promise<void>,
): Promise<void> {
  const config = resolveConfig(command.optsWithGlobals<RawSettings>(), io.env);
  const storage = await openStorage(config, serverLogger(config, io));
  try {
    await work({
      config,
      storage,
      print: (data, human) =>
        void io.stdout.write(config.isJson ? `${JSON.stringify(data)}\n` : human),
      record: ({ operation, target, tenant, clientId, reason }) =>
        storage.audit.append({
          at: systemClock.nowMs(),
          issuer: LOCAL_ISSUER,
          subject: undefined,
          tenant,
          clientId,
          transport: 'local',
          era: 'modern',
          operation,
          target,
          outcome: 'ok',
          durationMs: 0,
          ...(reason !== undefined && { reason }),
        }),
    });
  } finally {
    await storage.close();
  }
}
