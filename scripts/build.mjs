// Builds dist/: the library (one module per source file, with declarations) and the command entries as bundles.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildProxy, makeProxyCodeCache } from './build-proxy.mjs';
import { buildStdio, makeFirstAnswers } from './build-stdio.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
rmSync(`${root}dist`, { recursive: true, force: true });

const tsc = require.resolve('typescript/package.json').replace(/package\.json$/, 'bin/tsc');
execFileSync(process.execPath, [tsc, '-p', `${root}tsconfig.build.json`], { stdio: 'inherit' });

const shared = {
  absWorkingDir: root,
  outdir: 'dist/bin',
  outExtension: { '.js': '.js' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  legalComments: 'linked',
  logLevel: 'warning',
};
// Bundled dependencies that are CommonJS need a `require`; native ones cannot be bundled.
const bundled = {
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  external: ['@photostructure/sqlite', '@napi-rs/keyring', 'pg'],
  // Its main file is UMD, which hides its own parts from a bundler.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  minifySyntax: true,
  minifyWhitespace: true,
};
const entries = (names) =>
  names.map((name) => `src/cli/bin/${name}.ts`).filter((file) => existsSync(root + file));

await build({
  ...shared,
  ...bundled,
  entryPoints: [{ in: 'src/cli/bin/catalog-client.ts', out: 'catalog-client.main' }],
});
await buildProxy(root, shared);
await buildStdio(root, shared);
// Split: what a role does not use (the authorization server, the other transport) is not even loaded.
await build({
  ...shared,
  packages: 'external',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  entryPoints: entries(['catalog-server', 'catalog-agent']),
});
for (const name of ['catalog-stdio', 'catalog-client', 'catalog-server', 'catalog-agent']) {
  if (existsSync(`${root}dist/bin/${name}.js`)) chmodSync(`${root}dist/bin/${name}.js`, 0o755);
}
makeFirstAnswers(root);
await makeProxyCodeCache(root);
