// A bundle that is compiled before it is installed: one CommonJS script, V8's code cache beside it, and a launcher of
// a few lines that loads the two. The cache belongs to the very Node and machine that made it; elsewhere V8 refuses it
// and compiles.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

// Not imported: the facade that an import makes of a built-in module evaluates parts of it that nobody needs here.
const LOAD = `const { readFileSync } = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');
const { Script } = process.getBuiltinModule('node:vm');

function load(filename, cachedData) {
  const script = new Script(readFileSync(filename, 'utf8'), { filename, cachedData });
  return { script, exports: script.runInThisContext()(createRequire(filename)) };
}
`;
const MAKER = `${LOAD}
const filename = process.env['BUNDLE'];
delete process.env['BUNDLE'];
const { script, exports } = load(filename);
process.on('exit', () => {
  const { writeFileSync } = process.getBuiltinModule('node:fs');
  writeFileSync(\`\${filename}.cache\`, script.createCachedData());
});
`;

/** Code of a launcher: `loadBundle(name)` runs a bundle of the same folder and gives what it exports. */
export const LOADER = `${LOAD}
function fileBeside(name) {
  return process.getBuiltinModule('node:url').fileURLToPath(new URL(name, import.meta.url));
}

function loadBundle(name) {
  const filename = fileBeside(\`\${name}.bundle.cjs\`);
  let cachedData;
  try {
    cachedData = readFileSync(\`\${filename}.cache\`);
  } catch {
    // Never made, or not packed: it only saves time.
  }
  return load(filename, cachedData).exports;
}
`;

/**
 * @param {string} root - project folder, with a slash at its end
 * @param {object} options - esbuild options of every entry
 * @returns {Promise<object>} what esbuild says of the bundle
 */
export async function buildScript(root, { outdir: _outdir, outExtension: _ext, ...options }, name) {
  const outfile = bundleOf(root, name);
  const { metafile } = await build({
    ...options,
    outfile,
    metafile: true,
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
  writeFileSync(
    outfile,
    `(function(require){const module={exports:{}};${url}${code}\nreturn module.exports})`,
  );
  return metafile;
}

/** Runs the bundle, and then `code` with its `exports`, once; what that compiles goes into the cache. */
export function fillCodeCache(root, name, code, options) {
  return spawnSync(process.execPath, ['--input-type=module', '--eval', MAKER + code], {
    ...options,
    env: { ...options.env, BUNDLE: bundleOf(root, name) },
  });
}

export function bundleOf(root, name) {
  return `${root}dist/bin/${name}.bundle.cjs`;
}
