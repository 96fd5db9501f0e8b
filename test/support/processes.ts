import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

/** The project's root folder. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

export interface RunOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Path of the Node that runs it. Default: the one of this process. */
  readonly node?: string;
}

const live = new Set<ChildProcess>();
const folders = new Set<string>();

/** A temporary folder that is removed when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
  folders.add(folder);
  return folder;
}

/** Runs a Node script to its end. A run over its time limit is killed and reported with code null. */
export function runNode(args: readonly string[], options: RunOptions = {}): Promise<RunOutcome> {
  const { promise, child } = startNode(args, options);
  child.stdin?.end(options.input ?? '');
  return promise;
}

/** Starts a Node script; `promise` resolves when it ends. */
export function startNode(
  args: readonly string[],
  options: RunOptions = {},
): { child: ChildProcess; promise: Promise<RunOutcome> } {
  const child = spawn(options.node ?? process.execPath, args, {
    cwd: options.cwd ?? ROOT,
    env: cleanEnvironment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  live.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  const promise = new Promise<RunOutcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      live.delete(child);
      resolve({ code, stdout, stderr });
    });
  });
  return { child, promise };
}

/** Starts a server that prints one JSON line on stdout when it is ready. */
export async function startServer<Ready>(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{
  ready: Ready;
  child: ChildProcess;
  stop: (signal?: NodeJS.Signals) => Promise<void>;
}> {
  const { child, promise } = startNode(args, { timeoutMs: 600_000, ...options });
  const firstLine = new Promise<string>((resolve) => {
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve);
  });
  const line = await Promise.race([firstLine, promise]);
  if (typeof line !== 'string') {
    throw new Error(
      `${args.join(' ')} ended with ${line.code} before it was ready: ${line.stderr}`,
    );
  }
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    child.kill(signal);
    await promise;
  };
  return { ready: JSON.parse(line) as Ready, child, stop };
}

/** The test's own environment without this project's settings, so that a developer's shell changes nothing. */
function cleanEnvironment(
  extra: Readonly<Record<string, string | undefined>> = {},
): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(CATALOG_|X-API-KEY|NODE_OPTIONS|VITEST|MCP_|BROWSER$)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...extra };
}

afterAll(async () => {
  await Promise.all(
    [...live].map(
      (child) =>
        new Promise((resolve) => {
          child.once('close', resolve);
          child.kill('SIGKILL');
        }),
    ),
  );
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
