// `npm run check`: every static gate, one line each; the first that fails shows its output and ends the run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['src', 'test', 'bench', 'examples', 'scripts', 'server.js', 'vitest.config.ts'];
const folder = mkdtempSync(join(tmpdir(), 'catalog-mcp-check-'));
const { name: packageName, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const tarball = join(folder, `${packageName}-${version}.tgz`);
const bin = (name) => `${root}node_modules/.bin/${name}`;

const gates = [
  ['format', bin('oxfmt'), '--check', ...folders],
  ['lint', bin('oxlint'), '--type-aware', ...folders],
  ['types', bin('tsc'), '-p', 'tsconfig.json'],
  ['build', process.execPath, 'scripts/build.mjs'],
  ['unused code and dependencies', bin('knip')],
  // Packed by hand: left to themselves both tools would build anew, under each other's feet.
  ['pack', 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder],
  ['package', bin('publint'), '--strict', tarball],
  ['package types', bin('attw'), tarball, '--profile', 'esm-only'],
];

process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function fail(name, output) {
  process.stdout.write(`FAIL  ${name}\n${output}\n`);
  process.exit(1);
}

for (const [name, command, ...args] of gates) {
  const started = process.hrtime.bigint();
  const run = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.status !== 0) fail(name, `${run.stdout ?? ''}${run.stderr ?? ''}${run.error ?? ''}`);
  const seconds = Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
  process.stdout.write(`ok    ${name} (${seconds.toFixed(1)} s)\n`);
}

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const reasons = readFileSync(`${root}docs/dependencies.md`, 'utf8');
const pinned = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.overrides };
const loose = Object.entries(pinned).filter(
  ([, range]) => !/^(npm:[\w@/.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(range),
);
if (loose.length > 0)
  fail('pins', `not pinned exactly: ${loose.map((entry) => entry.join('@')).join(', ')}`);
const unexplained = Object.keys(manifest.dependencies).filter(
  (name) => !reasons.includes(`| \`${name}\` |`),
);
if (unexplained.length > 0)
  fail('pins', `no reason in docs/dependencies.md: ${unexplained.join(', ')}`);
process.stdout.write('ok    pins\n');
