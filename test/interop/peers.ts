import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('peers', import.meta.url));
const FILES = ['package.json', 'package-lock.json'] as const;
const INSTALL_LIMIT_MS = 240_000;

/** Clients of others, as their authors published them. None of them is a dependency of this project. */
export interface Peers {
  /** A Node 24: most of them do not run on the Node of this project. */
  readonly node: string;
  /** Path of a file of one of the packages. */
  file(path: string): string;
}

/**
 * Installs what the lockfile says into a temporary folder, without running anything that the packages bring. The
 * folder is named after the lockfile and stays: the next run finds it.
 */
export async function installPeers(): Promise<Peers> {
  const folder = join(tmpdir(), `catalog-mcp-interop-${fingerprint()}`);
  if (!existsSync(folder)) await installInto(folder);
  const file = (path: string): string => join(folder, 'node_modules', path);
  return { node: node24(file), file };
}

function fingerprint(): string {
  const hash = createHash('sha256').update(
    `${process.platform}-${process.arch}-${process.getuid?.()}`,
  );
  for (const name of FILES) hash.update(readFileSync(join(SOURCE, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Beside its place first, so that a folder of that name is always a whole one, whoever else installs meanwhile. */
async function installInto(folder: string): Promise<void> {
  const draft = `${folder}-${process.pid}`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    for (const name of FILES) cpSync(join(SOURCE, name), join(draft, name));
    await runNpm(draft);
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function runNpm(cwd: string): Promise<void> {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const shell = process.platform === 'win32';
  try {
    await promisify(execFile)('npm', args, { cwd, shell, timeout: INSTALL_LIMIT_MS });
  } catch (error) {
    const { code, killed, stderr } = error as {
      code?: unknown;
      killed?: boolean;
      stderr?: string;
    };
    let why = stderr ?? '';
    if (code === 'ENOENT') why = 'there is no npm on the PATH: install it';
    else if (killed === true) why = `npm was not done after ${INSTALL_LIMIT_MS / 1000} s`;
    throw new Error(`the clients for the interop tests could not be installed: ${why}`, {
      cause: error,
    });
  }
}

function node24(file: (path: string) => string): string {
  const bundled = file(`node-${process.platform}-${process.arch}/bin/node`);
  if (existsSync(bundled)) return bundled;
  const [major] = process.versions.node.split('.');
  if (Number(major) >= 24) return process.execPath;
  throw new Error(
    `the interop tests need Node 24 and npm has none for ${process.platform}-${process.arch}: run them with Node 24`,
  );
}
