import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { addApiKeyCommands } from './api-keys.js';
import { baseCommand, runCommand } from './base-command.js';
import { type RawSettings, describeConfig, resolveConfig } from './config.js';
import { addImportCommand } from './import.js';

/**
 * `catalog-server`: the server over either transport, and the operator's commands.
 *
 * @param argv - arguments after the script's name
 * @returns the exit code, when the command is done or a signal ended the server
 */
export async function runCatalogServer(argv: readonly string[], io: CliIo): Promise<number> {
  let commandCode: number = EXIT.ok;
  const program = baseCommand(io);
  program.action(async (options: RawSettings & { readonly printConfig: boolean }) => {
    const config = resolveConfig(options, io.env);
    if (options.printConfig) {
      io.stdout.write(`${JSON.stringify(describeConfig(config), null, 2)}\n`);
    } else if (config.transport === 'stdio') {
      const { serveOverStdio } = await import('./serve-stdio.js');
      await serveOverStdio(config, io);
    } else {
      const { serveOverHttp } = await import('./serve-http.js');
      await serveOverHttp(config, options, io);
    }
  });
  addApiKeyCommands(program, io);
  addImportCommand(program, io, (code) => (commandCode = code));
  const code = await runCommand(program, argv, io);
  return code === EXIT.ok ? commandCode : code;
}
