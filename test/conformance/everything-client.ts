// The client of the conformance suite, made of this project's own client library: `everything-client.ts URL`, with the
// scenario in MCP_CONFORMANCE_SCENARIO. Nobody is asked anything: the suite's sign-in page redirects at once.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientCapabilities } from '@modelcontextprotocol/client';
import { Broker, type LoginOptions, type OpenBrowser, connect } from '../../src/client/index.js';
import { context, runScenario, scenario } from './scenarios.js';

const url = process.argv.at(-1) ?? '';

/** Signs in the way a browser would, without one: follows the redirect to this client's own callback. */
const followRedirects: OpenBrowser = async (signIn) => {
  const response = await fetch(signIn, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`the sign-in page answered ${response.status}`);
  await fetch(new URL(location, signIn));
};

const capabilities: ClientCapabilities = {
  elicitation: { form: { applyDefaults: true } },
  ...(scenario === 'request-metadata' && { roots: {}, sampling: {} }),
};

const home = mkdtempSync(join(tmpdir(), 'catalog-mcp-conformance-'));
const login: Omit<LoginOptions, 'broker' | 'fetch'> = {
  openBrowser: followRedirects,
  callbackPort: 0,
  timeoutSeconds: 20,
  metadataDocumentUrl: 'https://conformance-test.local/client-metadata.json',
  ...(context.client_id !== undefined && {
    preRegistered: {
      clientId: context.client_id,
      ...(context.client_secret !== undefined && { clientSecret: context.client_secret }),
      ...(context.issuer !== undefined && { issuer: context.issuer }),
    },
  }),
};

try {
  const client = await connect(url, {
    broker: new Broker({ home }),
    login,
    client: { capabilities },
    prepare: (own) => {
      own.setRequestHandler('elicitation/create', () =>
        Promise.resolve({ action: 'accept', content: {} }),
      );
    },
  });
  await runScenario(client);
  await client.close();
} finally {
  rmSync(home, { recursive: true, force: true });
}
