import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach } from 'vitest';
import { Broker } from '../../../src/client/broker.js';
import { createClientFetch } from '../../../src/client/client-fetch.js';
import { type Proxy, type ProxyOptions, startProxy } from '../../../src/client/proxy/proxy.js';
import { createSafeExchange } from '../../../src/net/safe-exchange.js';
import { silentLogger } from '../../../src/shared/logger.js';

export type Json = Record<string, unknown>;

export interface Rpc {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Runs when the test is over, last one first. */
export function afterThis(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup);
}

/** A broker with nothing in it, in a folder that goes with the test. */
export function emptyBroker(): { readonly broker: Broker; readonly home: string } {
  const home = mkdtempSync(join(tmpdir(), 'catalog-mcp-test-'));
  afterThis(() => rmSync(home, { recursive: true, force: true }));
  return { broker: new Broker({ home }), home };
}

/** A server on a free port. */
export async function listen(
  handler: (
    req: IncomingMessage,
    res: ServerResponse,
    body: Json | undefined,
  ) => void | Promise<void>,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    req.on('end', () => {
      const body = text === '' ? undefined : (JSON.parse(text) as Json);
      Promise.resolve(handler(req, res, body)).catch(() => res.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterThis(() => closeServer(server));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, server };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

export function answerJson(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The host's end of a proxy that runs in this process. */
export class TestHost {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly proxy: Proxy;
  readonly received: Rpc[] = [];
  /** Answers the proxy's requests. */
  onRequest: (request: Rpc) => Json | undefined = () => undefined;
  readonly #waiting = new Map<string | number, (message: Rpc) => void>();
  readonly #watchers = new Set<() => void>();
  #nextId = 1;

  constructor(serverUrl: string, options: Partial<ProxyOptions> = {}) {
    const { broker, home } =
      options.broker === undefined
        ? emptyBroker()
        : { broker: options.broker, home: options.home ?? '' };
    this.proxy = startProxy({
      serverUrl,
      input: this.input,
      output: this.output,
      broker,
      home,
      exchange: createSafeExchange({ allowLoopback: true }),
      oauthFetch: createClientFetch({ target: serverUrl, isOAuth: true }),
      headers: {},
      usesOAuth: true,
      launchHelper: () => Promise.reject(new Error('no login in this test')),
      version: '1.2.3',
      logger: silentLogger,
      ...options,
    });
    afterThis(() => this.proxy.close());
    let rest = '';
    this.output.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#receive(JSON.parse(line) as Rpc);
    });
  }

  say(message: Json): void {
    this.input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  request(method: string, params: Json = {}, id: string | number = this.#nextId++): Promise<Rpc> {
    const answer = new Promise<Rpc>((resolve) => this.#waiting.set(id, resolve));
    this.say({ id, method, params });
    return answer;
  }

  modern(method: string, params: Json = {}, meta: Json = {}, id?: string | number): Promise<Rpc> {
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
      'io.modelcontextprotocol/clientInfo': { name: 'host', version: '1.0.0' },
    };
    return this.request(method, { ...params, _meta: { ...envelope, ...meta } }, id);
  }

  async initialize(capabilities: Json = {}): Promise<Rpc> {
    const answer = await this.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities,
      clientInfo: { name: 'host', version: '1.0.0' },
    });
    this.say({ method: 'notifications/initialized' });
    return answer;
  }

  /** Resolves with the first message, past or to come, that fits. */
  async until(fits: (message: Rpc) => boolean): Promise<Rpc> {
    for (;;) {
      const found = this.received.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  #receive(message: Rpc): void {
    this.received.push(message);
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
    if (message.id === undefined) return;
    if (message.method !== undefined) {
      const result = this.onRequest(message);
      if (result !== undefined) this.say({ id: message.id, result });
      return;
    }
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}

export function textOf(answer: Rpc): string {
  const content = answer.result?.['content'] as readonly { readonly text?: string }[] | undefined;
  return content?.map(({ text }) => text ?? '').join('') ?? JSON.stringify(answer.error);
}
