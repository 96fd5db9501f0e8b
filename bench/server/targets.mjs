// The servers that are compared, each made by a function that is given the number of tools and answers with its port.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { DESCRIPTION, SCOPE, add, inputShape, outputShape, toolNames } from './tools.mjs';

/**
 * @typedef {{ port: number, path?: string, token?: string }} Started
 * @typedef {{ tools: number, peers: string | undefined, reply: string | undefined }} TargetOptions
 */

const INFO = { name: 'bench', version: '1.0.0' };
const config = () => ({
  description: DESCRIPTION,
  inputSchema: z.object(inputShape),
  outputSchema: z.object(outputShape),
});

/** @type {Record<string, (options: TargetOptions) => Promise<Started>>} */
export const targets = {
  /** node:http and nothing else: reads the body, parses it, answers JSON of the size of a tool result. */
  async bare({ reply }) {
    const fixed = reply === undefined ? undefined : Buffer.from(reply);
    return listen(
      createServer((request, response) => {
        const chunks = [];
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
          const { id, params } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
          const body = fixed ?? JSON.stringify({ jsonrpc: '2.0', id, result: params.arguments });
          response.writeHead(200, {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          });
          response.end(body);
        });
      }),
    );
  },

  ours: (options) => ours(options, {}),
  'ours-sdk-path': (options) => ours(options, { isDirectPathOff: true }),

  async 'sdk-v2-node'({ tools }) {
    const { toNodeHandler } = await import('@modelcontextprotocol/node');
    const handle = toNodeHandler(await sdkV2Handler(tools));
    return listen(createServer((request, response) => void handle(request, response)));
  },

  async 'sdk-v2-express'({ tools }) {
    const { toNodeHandler } = await import('@modelcontextprotocol/node');
    const { default: express } = await import('express');
    const handle = toNodeHandler(await sdkV2Handler(tools));
    const app = express();
    app.use(express.json());
    app.all('/mcp', (request, response) => void handle(request, response, request.body));
    return listen(createServer(app));
  },

  async 'sdk-v1-stateless'({ tools }) {
    const { StreamableHTTPServerTransport } =
      await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
    const { default: express } = await import('express');
    const app = express();
    app.use(express.json());
    app.post('/mcp', async (request, response) => {
      const server = await sdkV1Server(tools);
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: undefined,
        enableJsonResponse: true,
      });
      response.on('close', () => {
        void transport.close();
        void server.close();
      });
      await server.connect(transport);
      await transport.handleRequest(request, response, request.body);
    });
    return listen(createServer(app));
  },

  async 'sdk-v1-session'({ tools }) {
    const { StreamableHTTPServerTransport } =
      await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
    const { randomUUID } = await import('node:crypto');
    const { default: express } = await import('express');
    const transports = new Map();
    const app = express();
    app.use(express.json());
    app.post('/mcp', async (request, response) => {
      let transport = transports.get(request.headers['mcp-session-id']);
      if (transport === undefined) {
        transport = new StreamableHTTPServerTransport({
          sessionIdGenerator: () => randomUUID(),
          onsessioninitialized: (id) => transports.set(id, transport),
        });
        await (await sdkV1Server(tools)).connect(transport);
      }
      await transport.handleRequest(request, response, request.body);
    });
    return listen(createServer(app));
  },

  async fastmcp({ tools, peers }) {
    const { FastMCP } = await peer(peers, 'fastmcp');
    const server = new FastMCP(INFO);
    for (const name of toolNames(tools)) {
      server.addTool({
        name,
        description: DESCRIPTION,
        parameters: z.object(inputShape),
        execute: async (args) => ({ content: add(args).content }),
      });
    }
    const port = await freePort();
    await server.start({
      transportType: 'httpStream',
      httpStream: { port, endpoint: '/mcp', stateless: true, host: '127.0.0.1' },
    });
    return { port };
  },

  async tmcp({ tools, peers }) {
    const { McpServer } = await peer(peers, 'tmcp');
    const { ZodJsonSchemaAdapter } = await peer(peers, '@tmcp/adapter-zod');
    const { HttpTransport } = await peer(peers, '@tmcp/transport-http');
    const { getRequestListener } = await peer(peers, '@hono/node-server');
    const server = new McpServer(
      { ...INFO, description: 'bench' },
      { adapter: new ZodJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
    );
    for (const name of toolNames(tools)) {
      const schema = z.object(inputShape);
      const outputSchema = z.object(outputShape);
      server.tool({ name, description: DESCRIPTION, schema, outputSchema }, add);
    }
    const transport = new HttpTransport(server, { path: '/mcp' });
    const listener = getRequestListener((request) => transport.respond(request));
    return listen(createServer(listener));
  },

  async 'mcp-use'({ tools, peers }) {
    const { MCPServer } = await peer(peers, 'mcp-use');
    const { z: zod } = await peer(peers, 'zod');
    const server = new MCPServer(INFO);
    for (const name of toolNames(tools)) {
      const inputSchema = zod.object({ a: zod.number(), b: zod.number() });
      const outputSchema = zod.object({ sum: zod.number() });
      server.tool({ name, description: DESCRIPTION, inputSchema, outputSchema }, add);
    }
    const port = await freePort();
    await server.listen(port, { host: '127.0.0.1' });
    return { port };
  },
};

/** Access token with audience and scope checked, SQLite file with audit rows: as a deployment has it. */
async function ours({ tools }, more) {
  const toolkit = await import('../../dist/server/index.js');
  const storage = await import('../../dist/storage/index.js');
  const folder = mkdtempSync(join(tmpdir(), 'bench-server-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const stores = storage.openSqliteStorage(join(folder, 'bench.sqlite'));
  const { trustedIssuer, signFor } = await createIssuer();
  const server = toolkit.createHttpServer({
    registry: toolkit.createRegistry({
      tools: toolNames(tools).map((name) =>
        toolkit.defineTool({
          name,
          description: DESCRIPTION,
          scopes: [SCOPE],
          input: z.object(inputShape),
          output: z.object(outputShape),
          handler: (args) => ({ structured: add(args).structuredContent }),
        }),
      ),
    }),
    serverInfo: INFO,
    authentication: {
      trustedIssuers: [trustedIssuer],
      apiKeys: stores.apiKeys,
    },
    authorizationServers: [trustedIssuer.issuer],
    sessions: stores.sessions,
    events: stores.events,
    audit: stores.audit,
    stateSecret: new Uint8Array(32).fill(1),
    ...more,
  });
  const { port, mcpUrl } = await server.listen({ port: 0 });
  return { port, token: await signFor(mcpUrl) };
}

/** An access token for the resource, and the issuer that a server has to trust for it. */
export async function signedToken(resource) {
  const { trustedIssuer, signFor } = await createIssuer();
  return { trustedIssuer, token: await signFor(resource) };
}

async function createIssuer() {
  const { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } = await import('jose');
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const issuer = 'https://issuer.example';
  const keys = createLocalJWKSet({
    keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }],
  });
  return {
    trustedIssuer: { issuer, identity: issuer, keys, tenantClaim: undefined },
    signFor: (resource) =>
      new SignJWT({ client_id: 'bench', scope: SCOPE })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one' })
        .setIssuer(issuer)
        .setSubject('bench')
        .setAudience(resource)
        .setIssuedAt()
        .setExpirationTime('12h')
        .sign(privateKey),
  };
}

async function sdkV2Handler(tools) {
  const { McpServer, createMcpHandler } = await import('@modelcontextprotocol/server');
  return createMcpHandler(() => {
    const server = new McpServer(INFO);
    for (const name of toolNames(tools)) server.registerTool(name, config(), add);
    return server;
  });
}

async function sdkV1Server(tools) {
  const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const server = new McpServer(INFO);
  for (const name of toolNames(tools)) {
    server.registerTool(
      name,
      { description: DESCRIPTION, inputSchema: inputShape, outputSchema: outputShape },
      add,
    );
  }
  return server;
}

/** A package that is not ours to depend on, from a folder that has it installed. */
async function peer(folder, name) {
  if (folder === undefined) throw new Error(`${name} needs --peers DIR`);
  const { resolve } = createRequire(join(folder, 'package.json'));
  let file;
  try {
    file = resolve(name);
  } catch {
    // Packages with an `import` condition only.
    file = join(folder, 'node_modules', name, await entryOf(folder, name));
  }
  return import(pathToFileURL(file).href);
}

async function entryOf(folder, name) {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  const manifest = JSON.parse(text);
  const entry = manifest.exports?.['.'] ?? manifest.exports ?? manifest.main;
  const pick = (value) =>
    typeof value === 'string' ? value : pick(value.import ?? value.default ?? value.node);
  return pick(entry);
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }));
  });
}

async function freePort() {
  const server = createServer();
  const { port } = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
