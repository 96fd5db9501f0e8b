import { Command, CommanderError } from 'commander';
import { ToolkitError } from '../../shared/errors.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { VERSION } from '../version.js';
import {
  type RawSettings,
  type ServerConfig,
  describeConfig,
  resolveConfig,
  settingOptions,
} from './config.js';

/** `catalog-server` with every setting and no action yet. */
export function baseCommand(io: CliIo): Command {
  const program = new Command('catalog-server')
    .description('Authenticated MCP server for a course catalog, with its authorization server.')
    .version(VERSION)
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    });
  for (const option of settingOptions()) program.addOption(option);
  return program
    .option('--json', 'print machine-readable output: one JSON line when ready', false)
    .option('--print-config', 'print the effective settings, secrets masked, and exit', false);
}

/** What the command does without a sub-command: print the settings, or serve. */
export function onServe(
  program: Command,
  io: CliIo,
  serve: (config: ServerConfig, raw: RawSettings) => Promise<void>,
): Command {
  return program.action(async (options: RawSettings & { readonly printConfig: boolean }) => {
    const config = resolveConfig(options, io.env);
    if (!options.printConfig) return serve(config, options);
    io.stdout.write(`${JSON.stringify(describeConfig(config), null, 2)}\n`);
    return undefined;
  });
}

/** Parses and runs; what goes wrong becomes one line on stderr and an exit code. */
export async function runCommand(
  program: Command,
  argv: readonly string[],
  io: CliIo,
): Promise<number> {
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    // The argument parser has written its own message; help and version are not failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof ToolkitError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return EXIT.usage;
  }
}
