import { timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CallbackPortError } from '../errors.js';
import { defer } from '../waiting.js';

export type CallbackHost = '127.0.0.1' | 'localhost';

export interface CallbackListenerOptions {
  /** Host of the redirect URI. Some providers know only one of the two. Default `127.0.0.1`. */
  readonly host?: CallbackHost;
  /** Default 9696. 0: any. */
  readonly port?: number;
  /** Whether another port may be used when that one is busy. Default true. */
  readonly allowOtherPort?: boolean;
  /** The only `state` that is answered; the first request that carries it ends the wait. */
  readonly state: string;
}

/** What an authorization server sent back, decoded. Every value is the first of its name. */
export interface AuthorizationResponse {
  readonly code?: string;
  readonly iss?: string;
  readonly error?: string;
  readonly errorDescription?: string;
}

export interface CallbackListener {
  readonly redirectUri: string;
  /** Resolves once; never rejects. */
  readonly response: Promise<AuthorizationResponse>;
  close(): Promise<void>;
}

const CALLBACK_PATH = '/oauth/callback';
export const PREFERRED_CALLBACK_PORT = 9696;
const MAX_QUERY_CHARS = 16_384;

/**
 * Listens for one authorization response on this machine, on IPv4 and, where there is one, IPv6.
 *
 * Answers GET on the exact path with the right `Host` and the expected, unused `state`; everything else gets a 4xx and
 * changes nothing, so that no page in the browser can end somebody's login. The page that people see is fixed text.
 *
 * @throws {CallbackPortError} when the port is busy and no other may be used
 * @see RFC 8252 §7.3
 */
export async function listenForCallback(
  options: CallbackListenerOptions,
): Promise<CallbackListener> {
  const { host = '127.0.0.1', port = PREFERRED_CALLBACK_PORT, allowOtherPort = true } = options;
  const response = defer<AuthorizationResponse>();
  const handler = createHandler(options.state, response.resolve);
  const servers = await listenOnBoth(handler, host, port, allowOtherPort);
  return {
    redirectUri: callbackUri(host, portOf(servers[0])),
    response: response.promise,
    async close() {
      await Promise.all(servers.map(closeServer));
    },
  };
}

export function callbackUri(host: CallbackHost, port: number): string {
  return `http://${host}:${port}${CALLBACK_PATH}`;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

async function listenOnBoth(
  handler: Handler,
  host: CallbackHost,
  port: number,
  allowOtherPort: boolean,
): Promise<[Server, ...Server[]]> {
  const ports = allowOtherPort && port !== 0 ? [port, 0, 0, 0] : [port];
  let problem = '';
  for (const candidate of ports) {
    const v4 = await tryListen(handler, '127.0.0.1', candidate);
    if (typeof v4 === 'string') {
      problem = v4;
      continue;
    }
    const v6 = await tryListen(handler, '::1', portOf(v4));
    if (typeof v6 !== 'string') return [v4, v6];
    // A browser may take `localhost` for ::1: nobody else may sit there. Without IPv6 nobody can.
    if (v6 !== 'EADDRINUSE' || host === '127.0.0.1') return [v4];
    problem = v6;
    await closeServer(v4);
  }
  const reason =
    problem === 'EADDRINUSE'
      ? 'another program is using it. End it, or choose another with --port'
      : problem;
  throw new CallbackPortError(port, reason);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** @returns the server, or the system's error code */
function tryListen(handler: Handler, address: string, port: number): Promise<Server | string> {
  const server = createServer({ maxHeaderSize: 32 * 1024, requestTimeout: 10_000 }, handler);
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address, port, exclusive: true }, () => resolve(server));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A browser keeps connections open that it never uses: they get a moment to take the page, then they end.
    const timer = setTimeout(() => server.closeAllConnections(), 300);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function createHandler(state: string, settle: (answer: AuthorizationResponse) => void): Handler {
  let isUsed = false;
  return (req, res) => {
    const { port } = req.socket.address() as AddressInfo;
    const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
    const { host = '' } = req.headers;
    const target = req.url ?? '';
    const [path, query = ''] = splitOnce(target, '?');
    if (!hosts.includes(host.toLowerCase())) return respond(res, 403, PAGES.refused);
    if (path !== CALLBACK_PATH) return respond(res, 404, PAGES.refused);
    if (req.method !== 'GET') {
      res.setHeader('allow', 'GET');
      return respond(res, 405, PAGES.refused);
    }
    if (query.length > MAX_QUERY_CHARS) return respond(res, 414, PAGES.refused);
    const params = new URLSearchParams(query);
    if (isUsed || !isSame(params.get('state') ?? '', state))
      return respond(res, 400, PAGES.refused);
    isUsed = true;
    respond(res, 200, PAGES.received);
    settle({
      ...textOf('code', params.get('code')),
      ...textOf('iss', params.get('iss')),
      ...textOf('error', params.get('error')),
      ...textOf('errorDescription', params.get('error_description')),
    });
  };
}

function textOf<Name extends string>(name: Name, value: string | null): { [K in Name]?: string } {
  return value === null ? {} : ({ [name]: value } as { [K in Name]: string });
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function isSame(received: string, expected: string): boolean {
  const [a, b] = [Buffer.from(received), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const page = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body style="font:16px/1.5 system-ui;max-width:36em;margin:15vh auto;padding:0 1em"><h1>${title}</h1><p>${text}</p></body></html>`;

// Fixed texts: nothing of the request is ever shown.
const PAGES = {
  received: page('Back to your terminal', 'The answer has arrived. You can close this window.'),
  refused: page('Nothing here', 'This address only takes the answer to a login that is waiting.'),
} as const;

function respond(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  res.end(html);
}
