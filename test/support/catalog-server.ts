import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, startServer, temporaryFolder } from './processes.js';

/** What `npm start -- --json` prints when it is ready. */
export interface ReadyLine {
  readonly url: string;
  readonly mcp: string;
  readonly issuer: string;
  readonly apiKey: string;
  readonly learner: string;
}

export const SERVER = join(ROOT, 'server.js');
export const CLIENT = join(ROOT, 'dist/bin/catalog-client.js');

/** Starts the real server with its own data folder on a free port. */
export async function startCatalog(
  args: readonly string[] = [],
  options: { data?: string; env?: Record<string, string> } = {},
): Promise<Awaited<ReturnType<typeof startServer<ReadyLine>>> & { data: string }> {
  const data = options.data ?? temporaryFolder();
  const hasPort = args.some((arg) => arg.startsWith('--port'));
  const port = hasPort ? [] : ['--port', '0'];
  const server = await startServer<ReadyLine>(
    [SERVER, '--transport=http', ...port, '--data', data, '--json', ...args],
    options.env === undefined ? {} : { env: options.env },
  );
  return { ...server, data };
}

/** An executable that signs in as a demo person in place of a browser: what `BROWSER` may point at. */
export function browserCommand(person: string): string {
  const path = join(temporaryFolder(), 'scripted-browser');
  const script = join(ROOT, 'test/support/scripted-browser-command.ts');
  const tsx = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
  writeFileSync(
    path,
    `#!/bin/sh\nexec ${process.execPath} --import ${tsx} ${script} ${JSON.stringify(person)} "$1"\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

/** POSTs one JSON-RPC message to an MCP endpoint. */
function postMcp(
  url: string,
  message: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  });
}

/** A 2026-07-28 request with its headers: stateless, no session. */
export function modernCall(
  url: string,
  method: string,
  params: Record<string, unknown>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const name = params['name'] ?? params['uri'];
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method,
    params: {
      ...params,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
      },
    },
  };
  return postMcp(url, message, {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
    ...headers,
  });
}
