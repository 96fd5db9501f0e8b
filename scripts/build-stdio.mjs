// The stdio entry: hosts start it for every conversation, so its start is most of what a person waits for.
//
// Compiling the bundle takes longer than running it: see script-bundle.mjs. And a part of it comes first: what every
// client asks first is answered by a bundle of a few files, from answers that the server gave when it was built.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LOADER, buildScript, fillCodeCache } from './script-bundle.mjs';

const NAME = 'catalog-stdio';
const OPENING = 'stdio-opening';
const ANSWERS = 'stdio-answers.json';
const LAUNCHER = `#!/usr/bin/env node
${LOADER}
await loadBundle('${OPENING}').open(fileBeside('${ANSWERS}'), () => loadBundle('${NAME}'));
`;

/** What a cold start cannot afford: each costs more than all the rest. */
const FORBIDDEN = [
  /node_modules\/(express|jose|hono|undici|oidc-provider|prom-client|openid-client)\//,
  /node_modules\/(langchain|@langchain|@opentelemetry)\//,
  /node_modules\/@modelcontextprotocol\/(client|express|node|sdk)\//,
  /^src\/(server\/(http|watch)|client|authorization|agent|net)\//,
];
const FORBIDDEN_FIRST = [
  ...FORBIDDEN,
  /node_modules\/(zod|commander|snowball-stemmers|@modelcontextprotocol)\//,
  /^src\/catalog\//,
];

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
  const external = ['@photostructure/sqlite', '@napi-rs/keyring', 'pg', '@opentelemetry/api'];
  const whole = await buildScript(root, { ...shared, plugins: [late], external }, NAME);
  const first = await buildScript(root, { ...shared, external }, OPENING);
  refuseLeaks(NAME, whole, FORBIDDEN);
  refuseLeaks(OPENING, first, FORBIDDEN_FIRST);
  writeFileSync(`${root}dist/bin/${NAME}.js`, LAUNCHER, { mode: 0o755 });
}

/** @throws an Error that names each file that has no business in the bundle, and which file wants it */
export function refuseLeaks(name, { inputs }, forbidden) {
  const importerOf = (file) =>
    Object.keys(inputs).find((from) => inputs[from].imports.some(({ path }) => path === file));
  const leaks = Object.keys(inputs)
    .filter((file) => forbidden.some((pattern) => pattern.test(file)))
    .map((file) => `${importerOf(file)} imports ${file}`);
  if (leaks.length > 0) throw new Error(`too much in ${name}:\n${leaks.join('\n')}`);
}

const PREFIX = 'io.modelcontextprotocol/';
const MODERN = '2026-07-28';
const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];
const LISTS = ['tools/list', 'prompts/list', 'resources/templates/list'];

/** The first messages of a client of that version: what the server answers to each is the same for everybody. */
function conversation(version) {
  if (version === MODERN) {
    const _meta = { [`${PREFIX}protocolVersion`]: version, [`${PREFIX}clientCapabilities`]: {} };
    return ['server/discover', ...LISTS].map((method) => ({ method, params: { _meta } }));
  }
  const clientInfo = { name: 'build', version: '0' };
  const params = { protocolVersion: version, capabilities: {}, clientInfo };
  return [{ method: 'initialize', params }, ...LISTS.map((method) => ({ method }))];
}

function linesOf(version) {
  const requests = conversation(version).map((message, index) => ({
    jsonrpc: '2.0',
    id: index,
    ...message,
  }));
  if (version !== MODERN)
    requests.splice(1, 0, { jsonrpc: '2.0', method: 'notifications/initialized' });
  return `${requests.map((message) => JSON.stringify(message)).join('\n')}\n`;
}

/**
 * Asks the built server what it answers first, and fills the code caches by the same conversations. Needs the entry of
 * `catalog-server`. Without answers and caches all works, slower.
 */
export function makeFirstAnswers(root) {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-first-answers-'));
  const data = { PATH: process.env.PATH, HOME: folder, CATALOG_DATA: folder };
  const options = { encoding: 'utf8', timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };
  try {
    const create = [`${root}dist/bin/catalog-server.js`, 'api-keys', 'create', '--json'];
    const made = execFileSync(process.execPath, create, {
      ...options,
      env: data,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const env = { ...data, CATALOG_API_KEY: JSON.parse(made).key };
    const answers = {};
    for (const version of [MODERN, ...LEGACY]) answers[version] = ask(root, version, env, options);
    writeFileSync(`${root}dist/bin/${ANSWERS}`, JSON.stringify(answers));
    const cache = (name, code) => {
      const run = { ...options, env, input: linesOf(MODERN), stdio: ['pipe', 'ignore', 'ignore'] };
      fillCodeCache(root, name, code, run);
    };
    cache(NAME, 'await exports.run();');
    const file = JSON.stringify(`${root}dist/bin/${ANSWERS}`);
    cache(OPENING, `await exports.open(${file}, () => ({ run() {} }));`);
  } catch (error) {
    // A convenience must not fail an installation.
    process.stderr.write(`the stdio entry starts slower than it could: ${error.message}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the server's answers by method, each up to its id */
function ask(root, version, env, options) {
  const { stdout } = spawnSync(process.execPath, [`${root}dist/bin/${NAME}.js`], {
    ...options,
    env,
    input: linesOf(version),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const found = {};
  for (const line of stdout.trim().split('\n')) {
    const { id, result } = JSON.parse(line);
    const end = `"id":${id}}`;
    if (result === undefined || !line.endsWith(end)) continue;
    found[conversation(version)[id].method] = line.slice(0, -`${id}}`.length);
  }
  return found;
}
