import { type IncomingMessage, createServer, request } from 'node:http';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { ROOT, type RunOutcome, runNode, temporaryFolder } from '../support/processes.js';

export type Revision = '2025-11-25' | '2026-07-28';

/** `clean`: at least one check succeeded, none failed, none warned, and a client under test exited 0. */
export interface Verdict {
  readonly scenario: string;
  readonly isClean: boolean;
  readonly problems: readonly string[];
}

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
  readonly description?: string;
}

const PACKAGE = join(ROOT, 'node_modules/@modelcontextprotocol/conformance');
const CLI = [
  '--import',
  join(ROOT, 'test/conformance/node20-fs.mjs'),
  join(PACKAGE, 'dist/index.js'),
];

/** The scored scenarios of a revision, as the suite lists them. */
export async function requiredScenarios(
  role: 'server' | 'client',
  revision: Revision,
): Promise<string[]> {
  const { stdout } = await runNode([...CLI, 'list', '--requirements', revision]);
  const [scored = ''] = stdout.split(/^Run and reported/m);
  const [server = '', client = ''] = scored.split(/^Client scenarios/m);
  const names = [...(role === 'server' ? server : client).matchAll(/^\s+- (\S+)/gm)];
  return names.flatMap((match) => match[1] ?? []);
}

/** Runs the frozen requirement set of a revision against a server, all scenarios in one go. */
export async function runServerSet(url: string, revision: Revision): Promise<Map<string, Verdict>> {
  const out = temporaryFolder();
  const args = ['server', '--url', url, '--requirements', revision, '-o', out];
  await runNode([...CLI, ...args], { timeoutMs: 200_000 });
  const verdicts = new Map<string, Verdict>();
  for (const file of checkFiles(out)) {
    const scenario = scenarioOf(file);
    verdicts.set(scenario, judge(scenario, file, true));
  }
  for (const scenario of await requiredScenarios('server', revision)) {
    if (!verdicts.has(scenario)) verdicts.set(scenario, notRun(scenario));
  }
  return verdicts;
}

/** What one scenario said of a server: its verdict, or that the suite always passes it over. */
export async function runServerScenario(
  url: string,
  scenario: string,
): Promise<Verdict | 'always skipped'> {
  const out = temporaryFolder();
  const args = ['server', '--url', url, '--scenario', scenario, '-o', out];
  const outcome = await runNode([...CLI, ...args], { timeoutMs: 100_000 });
  const file = checkFiles(out).at(-1);
  if (file === undefined) return notRun(scenario, outcome);
  const checks = JSON.parse(readFileSync(file, 'utf8')) as Check[];
  const isSkipped = checks.length > 0 && checks.every((check) => check.status === 'SKIPPED');
  return isSkipped ? 'always skipped' : judge(scenario, file, true);
}

/** Runs one scenario against a client; unlike the suite's own list mode this counts the client's exit code. */
export async function runClientScenario(
  command: string,
  scenario: string,
  revision: Revision | '2025-03-26',
): Promise<Verdict> {
  const out = temporaryFolder();
  const outcome = await runNode(
    // `exec`: the suite's time limit then ends the client itself, not only the shell around it.
    [...CLI, 'client', '--command', `exec ${command}`, '--scenario', scenario].concat([
      '--spec-version',
      revision,
      '--force',
      '--timeout',
      '60000',
      '-o',
      out,
    ]),
    { timeoutMs: 100_000 },
  );
  const file = checkFiles(out).at(-1);
  return file === undefined ? notRun(scenario, outcome) : judge(scenario, file, endedWell(outcome));
}

function endedWell(outcome: RunOutcome): boolean {
  return (
    outcome.code !== null &&
    !/CLIENT (TIMED OUT|EXITED WITH ERROR)/.test(outcome.stdout + outcome.stderr)
  );
}

function notRun(scenario: string, outcome?: RunOutcome): Verdict {
  const tail = outcome === undefined ? '' : `: ${(outcome.stdout + outcome.stderr).slice(-400)}`;
  return { scenario, isClean: false, problems: [`no result${tail}`] };
}

function judge(scenario: string, file: string, clientEndedWell: boolean): Verdict {
  const checks = JSON.parse(readFileSync(file, 'utf8')) as Check[];
  const problems = checks
    .filter((check) => check.status === 'FAILURE' || check.status === 'WARNING')
    .map(
      (check) => `${check.status} ${check.id}: ${check.errorMessage ?? check.description ?? ''}`,
    );
  if (!clientEndedWell) problems.push('the client did not exit with 0 in time');
  const succeeded = checks.some((check) => check.status === 'SUCCESS');
  if (!succeeded) problems.push('no check succeeded');
  return { scenario, isClean: problems.length === 0, problems };
}

function checkFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => basename(name) === 'checks.json')
    .map((name) => join(folder, name));
}

/** Result folders are named `server-<scenario>-<time>`, nested when the scenario has a slash. */
function scenarioOf(file: string): string {
  const folder = basename(join(file, '..'));
  return folder.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, '');
}

/**
 * The suite sends no credentials: this relay adds a bearer token. It rewrites its own authority alone in Host and
 * Origin, so that a hostile Host stays hostile.
 */
export async function startTokenRelay(
  target: string,
  token: string,
): Promise<{ url: string; close: () => Promise<void> }> {
  const upstream = new URL(target);
  const relay = createServer((req, res) => {
    const own = `localhost:${(relay.address() as AddressInfo).port}`;
    const forwarded = request(
      {
        host: upstream.hostname,
        port: upstream.port,
        method: req.method,
        path: req.url,
        headers: relayedHeaders(req, own, upstream.host, token),
        agent: false,
      },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        res.flushHeaders();
        answer.pipe(res);
        answer.on('error', () => res.destroy());
      },
    );
    forwarded.on('error', () => res.destroy());
    res.on('close', () => forwarded.destroy());
    req.pipe(forwarded);
  });
  await new Promise<void>((resolve) => relay.listen(0, 'localhost', resolve));
  const { port } = relay.address() as AddressInfo;
  return {
    url: `http://localhost:${port}${upstream.pathname}`,
    close: () =>
      new Promise((resolve) => {
        relay.closeAllConnections();
        relay.close(() => resolve());
      }),
  };
}

function relayedHeaders(
  req: IncomingMessage,
  own: string,
  upstream: string,
  token: string,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(req.headers)) {
    if (value === undefined) continue;
    const isAuthority = name === 'host' || name === 'origin';
    headers[name] = isAuthority && typeof value === 'string' ? value.replace(own, upstream) : value;
  }
  headers['authorization'] ??= `Bearer ${token}`;
  return headers;
}
