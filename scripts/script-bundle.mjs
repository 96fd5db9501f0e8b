// A bundle that is compiled before it is installed: one CommonJS script, V8's code cache beside it, and a launcher of
// a few lines that loads the two. The cache belongs to the very Node and machine that made it; elsewhere V8 refuses it
// and compiles.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const LOAD = `import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

function load(filename, cachedData) {
  const script = new Script(readFileSync(filename, 'utf8'), { filename, cachedData });
  script.runInThisContext()(createRequire(filename));
  return script;
}
`;
const MAKER = `${LOAD}
const filename = process.env['BUNDLE'];
const script = load(filename);
process.on('exit', () => writeFileSync(\`\${filename}.cache\`, script.createCachedData()));
`;

/** Code of a launcher that ends with loading the bundle of that name. It uses `fileURLToPath` and top-level names. */
export function loaderOf(name) {
  return `${LOAD.replace(', writeFileSync', '')}import { fileURLToPath } from 'node:url';

function loadBundle() {
  const filename = fileURLToPath(new URL('${name}.bundle.cjs', import.meta.url));
  let cachedData;
  try {
    cachedData = readFileSync(\`\${filename}.cache\`);
  } catch {
    // Never made, or not packed: it only saves time.
  }
  load(filename, cachedData);
}
`;
}

/**
 * @param {string} root - project folder, with a slash at its end
 * @param {object} options - esbuild options of every entry
 */
export async function buildScript(root, { outdir: _outdir, outExtension: _ext, ...options }, name) {
  const outfile = bundleOf(root, name);
  await build({
    ...options,
    outfile,
    format: 'cjs',
    entryPoints: [`src/cli/bin/${name}.ts`],
    define: { 'import.meta.url': '__bundleUrl' },
    // A script has no module loader behind it: what is loaded late is required.
    supported: { 'dynamic-import': false },
    minifySyntax: true,
    minifyWhitespace: true,
  });
  // One expression, so that a script of it has a value: the function that runs the bundle.
  const code = readFileSync(outfile, 'utf8').replace(/^#!.*\n/, '\n');
  const url = `const __bundleUrl=require('node:url').pathToFileURL(require.resolve('./${name}.bundle.cjs')).href;`;
  writeFileSync(outfile, `(function(require){const module={exports:{}};${url}${code}\n})`);
}

/** Runs the bundle once with the given process options; what it compiles goes into the cache. */
export function fillCodeCache(root, name, argv, options) {
  return spawnSync(process.execPath, ['--input-type=module', '--eval', MAKER, '--', ...argv], {
    ...options,
    env: { ...options.env, BUNDLE: bundleOf(root, name) },
  });
}

export function bundleOf(root, name) {
  return `${root}dist/bin/${name}.bundle.cjs`;
}
