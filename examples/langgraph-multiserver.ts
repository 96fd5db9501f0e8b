// LangGraph tools from one catalog server, reached in three ways: over stdio, over HTTP with OAuth, and through
// mcp-remote as a stdio bridge.
//
//   npm start                                            # in another terminal; note the demo API key
//   npx catalog-client login http://localhost:3000/mcp
//   CATALOG_API_KEY=... npx tsx examples/langgraph-multiserver.ts http://localhost:3000/mcp DATA_FOLDER
//
// Outside this repository import from 'catalog-mcp/client'.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { Broker, clientHome, createOAuthProvider, systemKeychain } from '../src/client/index.js';

const url = process.argv[2] ?? process.env['CATALOG_URL'] ?? 'http://localhost:3000/mcp';
const dataFolder = process.argv[3] ?? process.env['CATALOG_DATA'];
const apiKey = process.env['CATALOG_API_KEY'];
if (apiKey === undefined || dataFolder === undefined) {
  console.error('usage: CATALOG_API_KEY=... langgraph-multiserver.ts [URL] DATA_FOLDER');
  process.exit(1);
}

// The broker holds what `catalog-client login` stored. The provider refreshes tokens; it never opens a browser, because
// a login that starts inside the adapter could not be finished there.
const broker = new Broker({
  home: clientHome(process.env),
  explicitKey: process.env['CATALOG_CLIENT_KEY'],
  keychain: systemKeychain(),
});
if ((await broker.accessToken(url)) === undefined) {
  console.error(`not signed in: run "npx catalog-client login ${url}"`);
  process.exit(4);
}

const mcpRemote = createRequire(import.meta.url).resolve('mcp-remote/dist/proxy.js');
const client = new MultiServerMCPClient({
  mcpServers: {
    stdio: {
      transport: 'stdio',
      command: process.execPath,
      args: [
        fileURLToPath(new URL('../server.js', import.meta.url)),
        '--transport=stdio',
        '--data',
        dataFolder,
      ],
      env: { CATALOG_API_KEY: apiKey },
    },
    http: {
      transport: 'http',
      url,
      authProvider: createOAuthProvider({ broker, serverUrl: url }),
      // A 4xx would otherwise be answered with two attempts over SSE, which hide the first error.
      automaticSSEFallback: false,
    },
    bridge: {
      transport: 'stdio',
      command: process.execPath,
      // mcp-remote fills in the variable: a key in argv could be read by every process of this machine.
      args: [
        mcpRemote,
        url,
        '--transport',
        'http-only',
        '--header',
        'X-API-Key:${CATALOG_API_KEY}',
      ],
      env: { CATALOG_API_KEY: apiKey, ...configFolder() },
      stderr: 'ignore',
    },
  },
  // Explicit: the adapter's next major version turns the default around.
  prefixToolNameWithServerName: true,
});

try {
  const tools = await client.getTools();
  for (const server of ['stdio', 'http', 'bridge']) {
    const own = tools.filter(({ name }) => name.startsWith(`${server}__`));
    const search = own.find(({ name }) => name === `${server}__search_courses`);
    if (search === undefined) throw new Error(`${server} offers no search_courses`);
    const message: unknown = await search.invoke({
      type: 'tool_call',
      id: 'call-1',
      name: search.name,
      args: { query: 'sql' },
    });
    console.log(`${server}: ${own.length} tools; sql finds ${idsIn(message).join(', ')}`);
  }
} finally {
  await client.close();
}

/** The adapter puts a result's structured content into the message's artifact. */
function idsIn(message: unknown): string[] {
  const { artifact } = message as {
    artifact: { type: string; data: { courses: { id: string }[] } }[];
  };
  const structured = artifact.find(({ type }) => type === 'mcp_structured_content');
  return structured?.data.courses.map(({ id }) => id) ?? [];
}

function configFolder(): Record<string, string> {
  const folder = process.env['MCP_REMOTE_CONFIG_DIR'];
  return folder === undefined ? {} : { MCP_REMOTE_CONFIG_DIR: folder };
}
