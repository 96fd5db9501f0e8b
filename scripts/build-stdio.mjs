// The stdio entry: hosts start it for every conversation, so its start is most of what a person waits for.
//
// `catalog-stdio.js` is a launcher of a few lines. What it loads is one CommonJS bundle with V8's code cache beside it:
// compiling the bundle takes longer than running it. The cache belongs to the very Node and machine that made it;
// elsewhere V8 refuses it and compiles.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
const LAUNCHER = `#!/usr/bin/env node
${LOAD.replace(', writeFileSync', '')}import { fileURLToPath } from 'node:url';
const filename = fileURLToPath(new URL('catalog-stdio.bundle.cjs', import.meta.url));
let cachedData;
try {
  cachedData = readFileSync(\`\${filename}.cache\`);
} catch {
  // Never made, or not packed: it only saves time.
}
load(filename, cachedData);
`;
const MAKER = `${LOAD}
const filename = process.env['BUNDLE'];
const script = load(filename);
process.on('exit', () => writeFileSync(\`\${filename}.cache\`, script.createCachedData()));
`;

// What a first answer does not need is evaluated when it is first used: the JSON Schema validator for forms that were
// written as JSON, and the word stemmers. Messages of zod exist in one language here.
const late = {
  name: 'late',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
    onLoad({ filter: /@modelcontextprotocol\/server\/dist\/shimsNode\.mjs$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const found = /import \{ (\w+) as AjvJsonSchemaValidator \} from "([^"]+)"/.exec(source);
      if (found === null) throw new Error(`${path} has changed: see scripts/build-stdio.mjs`);
      return {
        resolveDir: dirname(path),
        contents: `
          import process from 'node:process';
          class DefaultJsonSchemaValidator {
            #validator;
            getValidator(schema) {
              this.#validator ??= new (require(${JSON.stringify(found[2])}).${found[1]})();
              return this.#validator.getValidator(schema);
            }
          }
          export { DefaultJsonSchemaValidator, process };`,
      };
    });
    onLoad({ filter: /src\/catalog\/domain\/analysis\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replace(
        /import \{ (type Stemmer), newStemmer \} from 'snowball-stemmers';/,
        `import { $1 } from 'snowball-stemmers';
         const newStemmer = (language) => require('snowball-stemmers').newStemmer(language);`,
      ),
    }));
  },
};

/**
 * @param {string} root - project folder, with a slash at its end
 * @param {object} shared - esbuild options of every entry
 */
export async function buildStdio(root, shared) {
  const outfile = bundleOf(root);
  const { outdir: _outdir, outExtension: _extension, ...rest } = shared;
  await build({
    ...rest,
    outfile,
    format: 'cjs',
    entryPoints: ['src/cli/bin/catalog-stdio.ts'],
    plugins: [late],
    external: ['@photostructure/sqlite', '@napi-rs/keyring', 'pg', '@opentelemetry/api'],
    define: { 'import.meta.url': '__bundleUrl' },
    // A script has no module loader behind it: what is loaded late is required.
    supported: { 'dynamic-import': false },
    minifySyntax: true,
    minifyWhitespace: true,
  });
  // One expression, so that a script of it has a value: the function that runs the bundle.
  const code = readFileSync(outfile, 'utf8').replace(/^#!.*\n/, '\n');
  const url =
    "const __bundleUrl=require('node:url').pathToFileURL(require.resolve('./catalog-stdio.bundle.cjs')).href;";
  writeFileSync(outfile, `(function(require){const module={exports:{}};${url}${code}\n})`);
  writeFileSync(`${root}dist/bin/catalog-stdio.js`, LAUNCHER, { mode: 0o755 });
}

/**
 * Runs one conversation with a key, so that the cache holds what a first answer compiles. Needs the entry of
 * `catalog-server`. Without a cache all works, slower.
 */
export function makeCodeCache(root) {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-code-cache-'));
  const env = { PATH: process.env.PATH, HOME: folder, CATALOG_DATA: folder };
  const prefix = 'io.modelcontextprotocol/';
  const _meta = { [`${prefix}protocolVersion`]: '2026-07-28', [`${prefix}clientCapabilities`]: {} };
  const lines = ['server/discover', 'tools/list'].map((method, id) =>
    JSON.stringify({ jsonrpc: '2.0', id, method, params: { _meta } }),
  );
  const options = { env, encoding: 'utf8', timeout: 60_000 };
  try {
    const create = [`${root}dist/bin/catalog-server.js`, 'api-keys', 'create', '--json'];
    const made = execFileSync(process.execPath, create, {
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    spawnSync(process.execPath, ['--input-type=module', '--eval', MAKER], {
      ...options,
      env: { ...env, CATALOG_API_KEY: JSON.parse(made).key, BUNDLE: bundleOf(root) },
      input: `${lines.join('\n')}\n`,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  } catch (error) {
    // A convenience must not fail an installation.
    process.stderr.write(`no code cache for the stdio entry, it starts slower: ${error.message}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function bundleOf(root) {
  return `${root}dist/bin/catalog-stdio.bundle.cjs`;
}
