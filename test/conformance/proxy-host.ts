// A host of the conformance suite that speaks stdio alone: `proxy-host.ts legacy|modern URL` starts the built
// `catalog-client proxy URL`, signs in through its tool, and does what the scenario says.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type ClientCapabilities } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { context, runScenario, scenario } from './scenarios.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [era, url = ''] = process.argv.slice(-2);
const home = mkdtempSync(join(tmpdir(), 'catalog-mcp-conformance-'));

/** An executable that signs in without a person: follows the redirect of the suite's page to the callback. */
function browser(): string {
  const path = join(home, 'browser.mjs');
  const code = `#!${process.execPath}
const page = process.argv[2];
const { headers } = await fetch(page, { redirect: 'manual' });
await fetch(new URL(headers.get('location'), page));
`;
  writeFileSync(path, code);
  chmodSync(path, 0o755);
  return path;
}

const capabilities: ClientCapabilities = {
  elicitation: { form: { applyDefaults: true } },
  ...(scenario === 'request-metadata' && { roots: {}, sampling: {} }),
};
const flags = [
  ['--client-metadata-url', 'https://conformance-test.local/client-metadata.json'],
  ['--port', '0'],
  ['--timeout', '20'],
  ...(context.client_id === undefined ? [] : [['--client-id', context.client_id]]),
  ...(context.issuer === undefined ? [] : [['--issuer', context.issuer]]),
].flat();

const client = new Client(
  { name: 'conformance-host', version: '1.0.0' },
  {
    capabilities,
    versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' },
  },
);
client.setRequestHandler('elicitation/create', () =>
  Promise.resolve({ action: 'accept', content: {} }),
);
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [join(ROOT, 'dist/bin/catalog-client.js'), 'proxy', url, ...flags, '--verbose'],
  env: {
    PATH: process.env['PATH'] ?? '',
    CATALOG_CLIENT_HOME: home,
    CATALOG_CLIENT_KEYCHAIN: 'off',
    BROWSER: browser(),
    ...(context.client_secret !== undefined && { CATALOG_CLIENT_SECRET: context.client_secret }),
  },
});

const callTool = client.callTool.bind(client);
const signIn = async (): Promise<void> => {
  const result = await callTool({ name: 'sign_in', arguments: {} });
  if (result.isError === true) throw new Error(JSON.stringify(result.content));
};
/** As a model would: what says that a login is needed is answered with one, once. */
client.callTool = async (params, options) => {
  const result = await callTool(params, options);
  if (result.isError !== true || !JSON.stringify(result.content).includes('tool sign_in')) {
    return result;
  }
  await signIn();
  return callTool(params, options);
};

try {
  await client.connect(transport);
  const { tools } = await client.listTools();
  if (tools.some(({ name }) => name === 'sign_in')) await signIn();
  await runScenario(client);
  await client.close();
} finally {
  rmSync(home, { recursive: true, force: true });
}
