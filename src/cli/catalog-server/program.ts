import { Command, CommanderError } from 'commander';
import { ToolkitError } from '../../shared/errors.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { addApiKeyCommands } from './api-keys.js';
import { type RawSettings, describeConfig, resolveConfig, settingOptions } from './config.js';

/**
 * `catalog-server`: the HTTP server, the stdio server and the operator's commands.
 *
 * @param argv - arguments after the script's name
 * @returns the exit code; a server that was started ends with the process's signals
 */
export async function runCatalogServer(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('catalog-server')
    .description('Authenticated MCP server for a course catalog, with its authorization server.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .option('--json', 'print machine-readable output: one JSON line when ready', false)
    .option('--print-config', 'print the effective settings, secrets masked, and exit', false);
  for (const option of settingOptions()) program.addOption(option);
  program.action(async (options: RawSettings & { printConfig: boolean }) => {
    const config = resolveConfig(options, io.env);
    if (options.printConfig) {
      io.stdout.write(`${JSON.stringify(describeConfig(config), null, 2)}\n`);
      return;
    }
    exitCode =
      config.transport === 'stdio'
        ? await (await import('./serve-stdio.js')).serveOverStdio(config, io)
        : await (await import('./serve-http.js')).serveOverHttp(config, options, io);
  });
  addApiKeyCommands(program, io);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportFailure(error, io);
  }
}

function reportFailure(error: unknown, io: CliIo): number {
  // Commander has written its own message; help and version are not failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ToolkitError) {
    io.stderr.write(`${error.message}\n`);
    return EXIT.usage;
  }
  throw error;
}
