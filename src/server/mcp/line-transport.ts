import type { Readable, Writable } from 'node:stream';
import {
  type JSONRPCMessage,
  type Transport,
  parseJSONRPCMessage,
} from '@modelcontextprotocol/server';
import { JSON_RPC } from '../../shared/errors.js';

// One message. A longer one ends the connection: there is no telling where the next begins.
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Newline-delimited JSON-RPC over a pair of streams (MCP basic/transports, stdio). Unlike the SDK's transport it answers
 * what it cannot read: silence would leave a client waiting.
 *
 * Closes itself when the input ends or the output breaks; it never closes the streams.
 */
export class LineTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #input: Readable;
  readonly #output: Writable;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #isClosed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#onData);
    this.#input.on('end', this.#onEnd);
    this.#input.on('close', this.#onEnd);
    this.#input.on('error', this.#onBroken);
    this.#output.on('error', this.#onBroken);
    if (this.#input.readableEnded || this.#input.destroyed) setImmediate(this.#onEnd);
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the stdio connection is closed'));
    return new Promise((resolve, reject) => {
      this.#output.write(`${JSON.stringify(message)}\n`, (error) =>
        error == null ? resolve() : reject(error),
      );
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#input.off('data', this.#onData);
    this.#input.off('end', this.#onEnd);
    this.#input.off('close', this.#onEnd);
    // The error listeners stay: a write that is still under way may fail after this.
    if (this.#input.listenerCount('data') === 0) this.#input.pause();
    this.#pending = [];
    this.onclose?.();
  }

  readonly #onEnd = (): void => void this.close();

  readonly #onBroken = (error: Error): void => {
    if (this.#isClosed) return;
    this.onerror?.(error);
    void this.close();
  };

  readonly #onData = (chunk: Buffer | string): void => {
    let rest = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE)) {
      const line = Buffer.concat([...this.#pending, rest.subarray(0, at)]).toString('utf8');
      this.#pending = [];
      this.#pendingBytes = 0;
      rest = rest.subarray(at + 1);
      this.#receive(line);
      if (this.#isClosed) return;
    }
    this.#pending.push(rest);
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > MAX_MESSAGE_BYTES) {
      this.#onBroken(new Error(`a message is longer than ${MAX_MESSAGE_BYTES} bytes`));
    }
  };

  #receive(line: string): void {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      this.#reject(null, JSON_RPC.parseError, 'Parse error');
      return;
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(value);
    } catch {
      this.#reject(idOf(value), JSON_RPC.invalidRequest, 'Invalid Request');
      return;
    }
    this.onmessage?.(message);
  }

  #reject(id: string | number | null, code: number, message: string): void {
    const response = { jsonrpc: '2.0', id, error: { code, message } };
    this.send(response as unknown as JSONRPCMessage).catch((error: Error) => this.onerror?.(error));
  }
}

function idOf(value: unknown): string | number | null {
  const id = (value as { readonly id?: unknown } | null)?.id;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}
