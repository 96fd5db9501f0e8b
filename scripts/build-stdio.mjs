// The stdio entry: hosts start it for every conversation, so its start is most of what a person waits for.
//
// Compiling the bundle takes longer than running it: see script-bundle.mjs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildScript, fillCodeCache, loaderOf } from './script-bundle.mjs';

const NAME = 'catalog-stdio';
const LAUNCHER = `#!/usr/bin/env node
${loaderOf(NAME)}
loadBundle();
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
  await buildScript(
    root,
    {
      ...shared,
      plugins: [late],
      external: ['@photostructure/sqlite', '@napi-rs/keyring', 'pg', '@opentelemetry/api'],
    },
    NAME,
  );
  writeFileSync(`${root}dist/bin/${NAME}.js`, LAUNCHER, { mode: 0o755 });
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
    fillCodeCache(root, NAME, [], {
      ...options,
      env: { ...env, CATALOG_API_KEY: JSON.parse(made).key },
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
