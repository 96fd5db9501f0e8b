// The programs that are measured, and how each is signed in before that.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startHost } from './host.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const homes = [];

export const rows = {
  bare: {
    label: 'bare Node script',
    command: () => [path('bare.mjs')],
    env: environment,
  },
  ours: {
    label: 'catalog-client proxy',
    command: (url) => [path('../../dist/bin/catalog-client.js'), 'proxy', url],
    env: environment,
  },
  remote: {
    label: 'mcp-remote 0.15.1',
    command: (url) => [
      path('../../node_modules/mcp-remote/dist/proxy.js'),
      url,
      '--transport',
      'http-only',
    ],
    env: environment,
  },
};

/** A home folder in which the program has signed in once, in its own way. */
export async function signedInHome(name, url) {
  const home = newHome();
  const host = startHost(rows[name].command(`${url}/mcp`), environment(home));
  await host.initialize();
  if (name === 'ours') {
    const { result } = await host.request('tools/call', { name: 'sign_in', arguments: {} });
    if (result?.isError === true) throw new Error(JSON.stringify(result));
  }
  await host.request('tools/list');
  await host.end();
  return home;
}

export function removeHomes() {
  for (const home of homes) rmSync(home, { recursive: true, force: true });
}

function newHome() {
  const home = mkdtempSync(join(tmpdir(), 'bench-proxy-'));
  homes.push(home);
  return home;
}

function environment(home = newHome()) {
  return {
    PATH: `${browserFolder()}:${process.env.PATH}`,
    HOME: home,
    CATALOG_CLIENT_HOME: join(home, 'catalog'),
    CATALOG_CLIENT_KEYCHAIN: 'off',
    MCP_REMOTE_CONFIG_DIR: join(home, 'remote'),
    BROWSER: join(browserFolder(), 'browser'),
  };
}

let folder;

/** A browser without a person: follows the sign-in page's redirect. */
function browserFolder() {
  if (folder !== undefined) return folder;
  folder = newHome();
  const code = `#!${process.execPath}
const { get } = require('node:http');
get(process.argv[2], (res) => get(res.headers.location).on('error', () => {}));
`;
  for (const name of ['browser', 'xdg-open']) {
    writeFileSync(join(folder, name), code);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}
