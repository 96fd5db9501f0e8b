import { Command, CommanderError, Option } from 'commander';
import { BRIDGES, HOSTS, type Host, LAUNCHES, WAYS_IN } from '../../client/index.js';
import { PREFERRED_CALLBACK_PORT } from '../../client/login/callback-listener.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { VERSION } from '../version.js';
import { runConfig } from './config-command.js';
import type { ConfigFlags } from './config-target.js';
import { ClientContext, type ClientOverrides, type CommonFlags } from './context.js';
import { type Failure, describeFailure } from './failure.js';
import { LOGIN_MODES } from './login-mode.js';
import { type LoginFlags, runLogin, runLogout, runStatus, runWhoami } from './session-commands.js';
import { runCall, runTools } from './tool-commands.js';

type Action = (
  context: ClientContext,
  args: readonly string[],
  flags: Readonly<Record<string, unknown>>,
) => Promise<void>;

/**
 * `catalog-client`: signs in to MCP servers and calls their tools.
 *
 * @param argv - arguments after the script's name
 * @returns the exit code: 0 ok, 1 usage, 2 server, 3 network, 4 authentication, 130 interrupted
 */
export async function main(
  argv: readonly string[],
  io: CliIo,
  overrides: ClientOverrides = {},
): Promise<number> {
  if (argv[0] === 'proxy') {
    // The installed program never comes here: its launcher gives the proxy a bundle of its own, which starts faster.
    const { runProxy } = await import('./proxy.js');
    const ended = overrides.signal ?? new AbortController().signal;
    return runProxy(argv.slice(1), io, { script: process.argv[1] ?? '', ended });
  }
  let exitCode: number = EXIT.ok;
  const run =
    (action: Action) =>
    async (...params: unknown[]): Promise<void> => {
      const command = params.at(-1) as Command;
      exitCode = await runAction(action, command, io, overrides);
    };
  const program = buildProgram(io, run);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version come as errors too, with exit code 0. Others have been written to stderr already.
    if (error.exitCode === 0) return EXIT.ok;
    if (argv.includes('--json')) {
      writeFailure(io, true, {
        exitCode: EXIT.usage,
        code: 'ERR_CLIENT_USAGE',
        message: error.message,
        next: 'catalog-client --help',
      });
    }
    return EXIT.usage;
  }
}

async function runAction(
  action: Action,
  command: Command,
  io: CliIo,
  overrides: ClientOverrides,
): Promise<number> {
  const flags: CommonFlags & Record<string, unknown> = command.opts();
  let context: ClientContext | undefined;
  try {
    context = new ClientContext(io, flags, overrides);
    await action(context, command.args, flags);
    return EXIT.ok;
  } catch (error) {
    const signal = overrides.signal ?? new AbortController().signal;
    const failure = describeFailure(error, {
      signal,
      profileFlag: context?.profileFlag ?? '',
      server: context?.server,
    });
    writeFailure(io, flags.json === true, failure);
    return failure.exitCode;
  }
}

function writeFailure(io: CliIo, isJson: boolean, failure: Failure): void {
  const { code, message, next, details } = failure;
  if (isJson) {
    io.stdout.write(`${JSON.stringify({ error: { code, message, next, details } })}\n`);
    return;
  }
  io.stderr.write(`${message}\n`);
  if (next !== undefined) io.stderr.write(`Next: ${next}\n`);
}

function buildProgram(
  io: CliIo,
  run: (action: Action) => (...params: unknown[]) => Promise<void>,
): Command {
  const program = new Command('catalog-client')
    .description('Signs in to MCP servers and calls their tools.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .showHelpAfterError('Next: catalog-client --help');

  const add = (usage: string, description: string, action: Action): Command =>
    program
      .command(usage)
      .description(description)
      .option('--json', 'print JSON on stdout, also for failures')
      .option('--profile <name>', 'a separate set of credentials (CATALOG_PROFILE)')
      .option('--verbose', 'tell on stderr what happens')
      .action(run(action));

  add('login [url]', 'sign in', (context, [url], flags) =>
    runLogin(context, url, flags as unknown as LoginFlags),
  )
    .addOption(
      new Option(
        '--mode <mode>',
        'browser here, code on another device, or pasting the address a browser ends at',
      )
        .choices(LOGIN_MODES)
        .default('auto'),
    )
    .option('--no-browser', 'print the address, open nothing')
    .option('--force', 'sign in although a login is there')
    .option('--scope <scopes>', 'ask for these scopes, separated by spaces')
    .option('--issuer <url>', 'use this authorization server of those that the server lists')
    .option(
      '--client-id <id>',
      'a client made by an operator; its secret comes from CATALOG_CLIENT_SECRET',
    )
    .option('--client-metadata-url <url>', 'a client id metadata document')
    .addOption(
      new Option('--callback-host <host>', 'host of the redirect address')
        .choices(['127.0.0.1', 'localhost'])
        .default('127.0.0.1'),
    )
    .option(
      '--port <number>',
      'port of the redirect address; another one when it is busy',
      String(PREFERRED_CALLBACK_PORT),
    )
    .option('--timeout <seconds>', 'how long to wait for the browser', '300');
  add('logout [url]', 'revoke the tokens at the server and forget them', (context, [url]) =>
    runLogout(context, url),
  );
  add('whoami [url]', 'show who is signed in', (context, [url]) => runWhoami(context, url));
  add('status', 'show every login of the profile, without any network', (context) =>
    runStatus(context),
  );
  add('tools [url]', 'list the tools of a server', (context, [url]) => runTools(context, url));
  add('call [args...]', 'call a tool', (context, args) => runCall(context, args))
    .usage('[options] [url] <tool> [json | key=value...]')
    .addHelpText(
      'after',
      `\nExample: catalog-client call http://localhost:3000/mcp search_courses '{"query":"sql"}'`,
    );
  program
    .command('proxy')
    .description('serve an MCP server on stdio, for hosts that start commands (see proxy --help)')
    .argument('<url>');
  add(
    'config <host> [url]',
    "print or write the entry of a host's configuration",
    (context, args, flags) =>
      runConfig(context, args[0] as Host, args[1], flags as unknown as ConfigFlags),
  )
    .usage(`[options] <${HOSTS.join(' | ')}> [url]`)
    .addOption(new Option('--way <way>', 'how the host gets in').choices(WAYS_IN).default('login'))
    .addOption(
      new Option('--via <bridge>', 'what the host starts; "host": nothing, it speaks HTTP itself')
        .choices(BRIDGES)
        .default('proxy'),
    )
    .addOption(
      new Option(
        '--launch <how>',
        'fetch this exact version, or run the files of this installation (default in a clone)',
      ).choices(LAUNCHES),
    )
    .option('--name <name>', 'name of the entry', 'catalog')
    .option(
      '--header-env <Name=VARIABLE>',
      'send a header whose value is in an environment variable; may be repeated',
      (value: string, previous: string[]) => [...previous, value],
      [],
    )
    .option('--file <file>', 'another configuration file than that of your account')
    .option('--write', 'put the entry into the file; comments and order stay')
    .option('--dry-run', 'show what would be written')
    .option('--undo', 'bring back the file as it was before the last write')
    .option('--import', 'turn the entries that start mcp-remote (with --write) into ours')
    .option('--replace', 'replace another entry of that name')
    .option('--include-secrets', 'write keys into the file, from the environment of this command');
  program.addHelpText(
    'after',
    '\nThe URL is CATALOG_URL, else the last one used, else http://localhost:3000/mcp.\nAn API key in CATALOG_API_KEY is used in place of a login.\nExit codes: 0 ok, 1 usage, 2 server, 3 network, 4 authentication, 130 interrupted.',
  );
  return program;
}
