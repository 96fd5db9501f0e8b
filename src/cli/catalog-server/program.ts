import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { addApiKeyCommands } from './api-keys.js';
import { addAuditCommands } from './audit.js';
import { baseCommand, onServe, runCommand } from './base-command.js';
import type { OpenFileTools } from './catalog-service.js';
import type { Upstreams } from '../../server/core/upstream.js';
import type { ServerConfig } from './config.js';
import { addClientCommands } from './clients.js';
import { addGrantCommands } from './grants.js';
import { addLearnerCommands } from './learners.js';
import { addImportCommand } from './import.js';
import { addMasterSecretCommands } from './master-secret-commands.js';
import { addSigningKeyCommands } from './signing-keys.js';
import { addUserCommands } from './users.js';

/**
 * `catalog-server`: the server over either transport, and the operator's commands.
 *
 * @param argv - arguments after the script's name
 * @returns the exit code, when the command is done or a signal ended the server
 */
export async function runCatalogServer(argv: readonly string[], io: CliIo): Promise<number> {
  let commandCode: number = EXIT.ok;
  const program = onServe(baseCommand(io), io, async (config, raw) => {
    const fileTools = await openerOf(config, io);
    if (config.transport === 'stdio') {
      const { serveOverStdio } = await import('./serve-stdio.js');
      const upstreams = await upstreamsOf(config, io);
      await serveOverStdio(config, io, { openFileTools: fileTools, upstreams });
    } else {
      const { serveOverHttp } = await import('./serve-http.js');
      await serveOverHttp(config, raw, io, fileTools);
    }
  });
  addApiKeyCommands(program, io);
  addAuditCommands(program, io);
  addUserCommands(program, io);
  addClientCommands(program, io);
  addGrantCommands(program, io);
  addLearnerCommands(program, io);
  addSigningKeyCommands(program, io);
  addMasterSecretCommands(program, io);
  addImportCommand(program, io, (code) => (commandCode = code));
  const code = await runCommand(program, argv, io);
  return code === EXIT.ok ? commandCode : code;
}

/** What loads tool files is itself loaded only where somebody asks for them. */
async function openerOf(config: ServerConfig, io: CliIo): Promise<OpenFileTools | undefined> {
  if (config.toolsFolder === undefined && !config.isWatching) return undefined;
  const { fileToolsOf } = await import('./watch.js');
  return fileToolsOf(config, io);
}

/** Over stdio alone: over HTTP they need the authorization server. */
async function upstreamsOf(config: ServerConfig, io: CliIo): Promise<Upstreams | undefined> {
  if (config.upstreams === undefined) return undefined;
  const { openUpstreams } = await import('./upstreams.js');
  return openUpstreams(config.upstreams, { config, env: io.env }).upstreams;
}
