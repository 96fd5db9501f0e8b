// The servers that ours is compared with, in a folder of their own: none of them is a dependency of this project.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PEERS = fileURLToPath(new URL('peers', import.meta.url));

/** What the lockfile says, without running anything that the packages bring. */
export function installPeers() {
  const run = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', run, { cwd: PEERS, stdio: 'inherit', shell: process.platform === 'win32' });
}

/** @returns {string | undefined} the folder, undefined when the peers are not installed */
export function installedPeers() {
  return existsSync(join(PEERS, 'node_modules', 'tmcp')) ? PEERS : undefined;
}

/** A Node 24, which npm installs as a package, for what does not run on the Node of this project. */
export function node24(folder) {
  const file = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node');
  return existsSync(file) ? file : undefined;
}
