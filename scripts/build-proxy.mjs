// `catalog-client`: a launcher that gives `proxy` a bundle of its own. Hosts start it for every conversation, and it
// needs no schemas, no SDK and no command line library; the other commands are in the second bundle.
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOADER, buildScript, bundleOf } from './script-bundle.mjs';

const require = createRequire(import.meta.url);
const NAME = 'catalog-proxy';
const LAUNCHER = `#!/usr/bin/env node
${LOADER}
if (process.argv[2] === 'proxy' || process.argv[2] === 'proxy-login') loadBundle('${NAME}');
else await import('./catalog-client.main.js');
`;

// Only a renewal of tokens and the login itself use undici, and of that a few parts: each is evaluated when it is used.
const lateUndici = {
  name: 'late-undici',
  setup({ onLoad }) {
    const index = require.resolve('undici');
    const parts = {
      Agent: 'dispatcher/agent.js',
      ProxyAgent: 'dispatcher/proxy-agent.js',
      EnvHttpProxyAgent: 'dispatcher/env-http-proxy-agent.js',
      fetch: 'web/fetch/index.js',
    };
    onLoad({ filter: /node_modules\/undici\/index\.js$/ }, () => ({
      resolveDir: dirname(index),
      contents: Object.entries(parts)
        .map(([name, path]) => {
          const value = `require('./lib/${path}')${name === 'fetch' ? '.fetch' : ''}`;
          return `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => ${value} });`;
        })
        .join('\n'),
    }));
  },
};

/**
 * @param {string} root - project folder, with a slash at its end
 * @param {object} shared - esbuild options of every entry
 */
export async function buildProxy(root, shared) {
  await buildScript(
    root,
    { ...shared, plugins: [lateUndici], external: ['@napi-rs/keyring'] },
    NAME,
  );
  writeFileSync(`${root}dist/bin/catalog-client.js`, LAUNCHER, { mode: 0o755 });
}

/** Runs one conversation with a server that answers, so that the cache holds what a first answer compiles. */
export async function makeProxyCodeCache(root) {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-code-cache-'));
  const env = { PATH: process.env.PATH, HOME: folder, CATALOG_CLIENT_HOME: folder };
  try {
    await new Promise((resolve, reject) => {
      const warmUp = fileURLToPath(new URL('warm-up-proxy.mjs', import.meta.url));
      const child = fork(warmUp, [bundleOf(root, NAME)], {
        env,
        timeout: 60_000,
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      let text = '';
      child.stderr.on('data', (chunk) => (text += chunk));
      child.once('error', reject);
      child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(text.slice(-500)))));
    });
  } catch (error) {
    // A convenience must not fail an installation.
    process.stderr.write(`no code cache for the proxy, it starts slower: ${error.message}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
