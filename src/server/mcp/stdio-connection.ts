import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { JSON_RPC } from '../../shared/errors.js';
import type { Logger } from '../../shared/logger.js';
import type { Change, Changes } from '../core/changes.js';
import { APPLICATION_ERROR } from './errors.js';
import { LineTransport } from './line-transport.js';
import { faultOfInputResponses } from './modern-refusals.js';
import type { ServerFactory, ServerInstance } from './server-factory.js';

export interface StdioConnectionOptions {
  readonly factory: ServerFactory;
  readonly changes: Changes;
  readonly input: Readable;
  readonly output: Writable;
  /** Requests that need no answer any more: the line that went out, by id. */
  readonly answered?: ReadonlyMap<string | number, string> | undefined;
  readonly logger: Logger;
  /**
   * Why nobody is signed in, now. While it says so only the handshake is served; the rest is answered with this text,
   * and no news is sent.
   */
  readonly refusal: () => string | undefined;
}

export interface StdioConnection {
  /** Settled when the client has gone or {@link close} was called. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

// What a client needs to find out what this server is, and that it lives.
const OPEN_METHODS = new Set([
  'initialize',
  'notifications/initialized',
  'notifications/cancelled',
  'ping',
  'server/discover',
]);

/** Serves one client over a pair of streams; its first message decides the era. */
export function connectStdio(options: StdioConnectionOptions): StdioConnection {
  const { changes, logger } = options;
  const instances = new Set<ServerInstance>();
  const transport = new GatedTransport(options);
  const handle = serveStdio(
    ({ era }) => {
      const instance = options.factory({ era });
      instances.add(instance);
      const { server } = instance.mcp;
      server.onclose = () => instances.delete(instance);
      return instance.mcp;
    },
    { transport, onerror: (error) => logger.debug('stdio', { error }) },
  );
  const unsubscribe = changes.subscribe((change) => {
    if (options.refusal() !== undefined) return;
    for (const instance of instances) {
      announce(instance, change).catch((error: unknown) => logger.debug('stdio', { error }));
    }
  });
  const untilClosed = async (): Promise<void> => {
    await transport.closed;
    unsubscribe();
  };
  return { closed: untilClosed(), close: () => handle.close() };
}

/** Sent as it is to a legacy client; the SDK routes it to the subscriptions of a modern one. */
async function announce(instance: ServerInstance, change: Change): Promise<void> {
  const { mcp, era, subscriptions } = instance;
  const { server } = mcp;
  const { tools, prompts, resources } = server.getCapabilities();
  if (!mcp.isConnected()) return;
  switch (change.kind) {
    case 'tools':
      if (tools !== undefined) await server.sendToolListChanged();
      return;
    case 'prompts':
      if (prompts !== undefined) await server.sendPromptListChanged();
      return;
    case 'resources':
      if (resources !== undefined) await server.sendResourceListChanged();
      return;
    case 'resource':
      if (resources === undefined) return;
      for (const uri of change.uris) {
        const isSubscribed = era === 'modern' || subscriptions.has(uri);
        if (isSubscribed && instance.mayHear(uri)) await server.sendResourceUpdated({ uri });
      }
  }
}

/** The stdio transport with a gate: it answers what the SDK must not see, everything but the handshake without credentials. */
class GatedTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly closed: Promise<void>;
  readonly #lines: LineTransport;
  readonly #refusal: () => string | undefined;
  readonly #answered: Map<unknown, string>;
  readonly #logger: Logger;

  constructor({ input, output, refusal, answered, logger }: StdioConnectionOptions) {
    this.#lines = new LineTransport(input, output);
    this.#refusal = refusal;
    this.#answered = new Map(answered);
    this.#logger = logger;
    this.closed = new Promise((resolve) => {
      this.#lines.onclose = () => {
        resolve();
        this.onclose?.();
      };
    });
    this.#lines.onerror = (error) => this.onerror?.(error);
    this.#lines.onmessage = (message) => this.#receive(message);
  }

  start(): Promise<void> {
    return this.#lines.start();
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#answered.size > 0 && this.#wasSent(message)) return Promise.resolve();
    return this.#lines.send(message);
  }

  close(): Promise<void> {
    return this.#lines.close();
  }

  #wasSent(message: JSONRPCMessage): boolean {
    if ('method' in message) return false;
    const sent = this.#answered.get(message.id);
    if (sent === undefined) return false;
    this.#answered.delete(message.id);
    if (sent !== JSON.stringify(message)) {
      this.#logger.error('a request was answered with something out of date', { id: message.id });
    }
    return true;
  }

  #receive(message: JSONRPCMessage): void {
    const error = this.#errorFor(message);
    if (error === undefined) {
      this.onmessage?.(message);
    } else if ('id' in message) {
      this.send({ jsonrpc: '2.0', id: message.id, error }).catch((cause: Error) =>
        this.onerror?.(cause),
      );
    }
  }

  #errorFor(message: JSONRPCMessage): { code: number; message: string } | undefined {
    if (!('method' in message)) return undefined;
    const refusal = OPEN_METHODS.has(message.method) ? undefined : this.#refusal();
    if (refusal !== undefined) {
      return { code: APPLICATION_ERROR.unauthenticated, message: refusal };
    }
    const fault = faultOfInputResponses(message);
    return fault === undefined ? undefined : { code: JSON_RPC.invalidParams, message: fault };
  }
}
