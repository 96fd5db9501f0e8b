import { createInterface } from 'node:readline/promises';
import { Command, CommanderError } from 'commander';
import {
  AgentAuthenticationError,
  type AgentAnswer,
  type Confirmation,
  InsufficientScopeError,
  ModelUnavailableError,
  type Planner,
  ToolSourceError,
  type ToolSource,
  ToolSourceUnreachableError,
  deterministicPlanner,
  loadChatModel,
  modelPlanner,
  runAgent,
} from '../../agent/index.js';
import { ToolkitError, quote } from '../../shared/errors.js';
import { describeFailure } from '../catalog-client/failure.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { VERSION } from '../version.js';
import { AgentUsageError, type Target, chooseTarget } from './connection.js';

interface Flags {
  readonly data?: string;
  readonly server?: string;
  readonly json: boolean;
  readonly enroll: boolean;
  readonly yes: boolean;
  readonly model?: string;
  readonly max: string;
}

/** What the command reaches out to; tests put their own in. */
export interface AgentDependencies {
  /** @throws {AgentAuthenticationError} when nobody is signed in at the target */
  readonly openSource: (target: Target, io: CliIo) => Promise<ToolSource>;
  readonly loadPlanner?: (model: string) => Promise<Planner>;
  readonly signal?: AbortSignal;
}

/**
 * `catalog-agent "request"`: recommends courses out of a catalog server's tools.
 *
 * The answer goes to stdout, steps and problems to stderr.
 *
 * @param argv - arguments after the script's name
 * @returns the exit code: 0 answered (also when nothing fits), 1 usage, 2 server, 3 network, 4 authentication, 130
 * interrupted
 */
export async function runCatalogAgent(
  argv: readonly string[],
  io: CliIo,
  dependencies: AgentDependencies,
): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command('catalog-agent')
    .description(
      'Recommends courses for a request in plain words, out of what a catalog server returns and nothing else.',
    )
    .version(VERSION)
    .argument('<request...>', 'what you are, what you want to learn, and how much time you have')
    .option('--data <folder>', 'start the server on this data folder (needs CATALOG_API_KEY)')
    .option(
      '--server <url>',
      'use the running server at this URL (after catalog-client login, or with CATALOG_API_KEY); default: CATALOG_URL, else http://localhost:3000/mcp',
    )
    .option('--max <number>', 'recommend at most so many courses, 1 to 20', '5')
    .option(
      '--model <provider:name>',
      'let this chat model propose; default: CATALOG_MODEL, else fixed rules',
    )
    .option('--enroll', 'enroll in the first recommendation, after a confirmation', false)
    .option('--yes', 'confirm the enrollment beforehand', false)
    .option('--json', 'print one JSON document', false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .action(async (words: string[], flags: Flags) => {
      code = await recommend(words.join(' '), flags, io, dependencies);
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (dependencies.signal?.aborted === true) {
      io.stderr.write('interrupted\n');
      return EXIT.interrupted;
    }
    if (!(error instanceof ToolkitError)) throw error;
    io.stderr.write(`catalog-agent: ${error.message}\n`);
    return exitCodeOf(error);
  }
}

async function recommend(
  request: string,
  flags: Flags,
  io: CliIo,
  dependencies: AgentDependencies,
): Promise<number> {
  const max = /^\d{1,2}$/.test(flags.max) ? Number(flags.max) : 0;
  if (max < 1 || max > 20) {
    throw new AgentUsageError(`--max ${quote(flags.max)} is not a whole number from 1 to 20`);
  }
  if (request.trim() === '') throw new AgentUsageError('the request is empty: say what to learn');
  const isInteractive = io.stdin.isTTY === true && io.stderr.isTTY === true;
  if (flags.enroll && !flags.yes && !isInteractive) {
    throw new AgentUsageError(
      '--enroll asks for a confirmation: run it on a terminal or add --yes',
    );
  }
  const target = chooseTarget(flags, io.env);
  const planner = await choosePlanner(flags.model ?? io.env['CATALOG_MODEL'], dependencies);
  const source = await dependencies.openSource(target, io);
  try {
    const answer = await runAgent(request, {
      source,
      planner,
      maxRecommendations: max,
      enroll: flags.enroll,
      onStep: ({ node, message }) => void io.stderr.write(`${node}: ${message}\n`),
      ...confirmation(flags.yes, isInteractive, io),
      ...(dependencies.signal !== undefined && { signal: dependencies.signal }),
    });
    io.stdout.write(flags.json ? `${JSON.stringify(toDocument(answer))}\n` : `${answer.text}\n`);
    return enrollmentCode(answer, target, io);
  } catch (error) {
    throw error instanceof AgentAuthenticationError ? withRemedy(error, target) : error;
  } finally {
    await source.close();
  }
}

/** The exit code of an answered request: what became of the enrollment decides, when one was asked for. */
function enrollmentCode(answer: AgentAnswer, target: Target, io: CliIo): number {
  switch (answer.enrollment?.status) {
    case 'forbidden': {
      const login =
        target.kind === 'url' && target.apiKey === undefined
          ? `run "catalog-client login ${target.url} --force --scope '${ENROLLMENT_SCOPES}'"`
          : 'use an API key with the scope enrollment:write';
      io.stderr.write(`catalog-agent: ${login}\n`);
      return EXIT.authentication;
    }
    case 'unconfirmed':
      io.stderr.write('catalog-agent: add --yes to confirm the enrollment beforehand\n');
      return EXIT.ok;
    case 'failed':
      return EXIT.server;
    case 'enrolled':
    case 'declined':
    case undefined:
      return EXIT.ok;
  }
}

/** What the agent's tools need of this project's server when it enrolls. */
const ENROLLMENT_SCOPES = 'catalog:read learner:read enrollment:write';

/** The credentials were there and the server did not take them: what to do next depends on their kind. */
function withRemedy(error: AgentAuthenticationError, target: Target): AgentAuthenticationError {
  if (target.kind === 'data') return error;
  const remedy =
    target.apiKey === undefined
      ? `run "catalog-client login ${target.url}"`
      : `check CATALOG_API_KEY, or unset it and run "catalog-client login ${target.url}"`;
  return new AgentAuthenticationError(`${error.message}: ${remedy}`, { cause: error });
}

async function choosePlanner(
  model: string | undefined,
  dependencies: AgentDependencies,
): Promise<Planner> {
  if (model === undefined || model === '') return deterministicPlanner();
  if (dependencies.loadPlanner !== undefined) return dependencies.loadPlanner(model);
  return modelPlanner(await loadChatModel(model), model);
}

function confirmation(
  isYes: boolean,
  isInteractive: boolean,
  io: CliIo,
): { confirm?: (question: Confirmation) => Promise<boolean> } {
  if (isYes) return { confirm: () => Promise.resolve(true) };
  if (!isInteractive) return {};
  return {
    async confirm({ question }) {
      const prompt = createInterface({ input: io.stdin, output: io.stderr });
      try {
        return /^\s*y(?:es)?\s*$/i.test(await prompt.question(`${question} [y/N] `));
      } finally {
        prompt.close();
      }
    },
  };
}

/** The document of `--json`: the answer, with a field for everything that has none. */
function toDocument(answer: AgentAnswer): Record<string, unknown> {
  return { ...answer, enrollment: answer.enrollment ?? null };
}

function exitCodeOf(error: ToolkitError): number {
  if (error instanceof AgentAuthenticationError || error instanceof InsufficientScopeError) {
    return EXIT.authentication;
  }
  if (error instanceof ToolSourceUnreachableError) return EXIT.network;
  if (error instanceof ToolSourceError) return EXIT.server;
  if (error instanceof AgentUsageError || error instanceof ModelUnavailableError) return EXIT.usage;
  // What the credentials' own module reports ends as it does in catalog-client.
  const context = { signal: new AbortController().signal, profileFlag: '', server: undefined };
  return describeFailure(error, context).exitCode;
}
