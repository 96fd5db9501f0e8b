import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type JsonObject, parseJson } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { type Deferred, defer } from '../waiting.js';
import {
  MESSAGE_LIMITS,
  type Message,
  type Reply,
  type RequestId,
  type RpcResponse,
  readMessage,
} from './messages.js';

export interface HostLinkOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly logger: Logger;
  /** Gets every message but the answers to {@link HostLink.ask}. */
  readonly onMessage: (message: Exclude<Message, RpcResponse>) => void;
}

/** Questions to the host that are open at once. */
const MAX_ASKED = 256;

/** The host's end of stdio: newline-delimited JSON-RPC. Nothing else is ever written to it. */
export class HostLink {
  readonly #options: HostLinkOptions;
  readonly #asked = new Map<RequestId, Deferred<Reply>>();
  readonly #closed = defer<void>();
  #nextId = 1;
  #isClosed = false;
  #drained: Promise<void> | undefined;

  constructor(options: HostLinkOptions) {
    this.#options = options;
  }

  /** Settled when the host has closed its end, or can be written to no more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  start(): void {
    const { input, output } = this.#options;
    const decoder = new StringDecoder('utf8');
    let rest: string[] = [];
    let size = 0;
    input.on('data', (chunk: Buffer | string) => {
      const text = typeof chunk === 'string' ? chunk : decoder.write(chunk);
      let start = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        rest.push(text.slice(start, end));
        this.#receive(size > MESSAGE_LIMITS.maxBytes ? undefined : rest.join(''));
        rest = [];
        size = 0;
        start = end + 1;
      }
      size += text.length - start;
      // A line without end is read past, not kept.
      if (size <= MESSAGE_LIMITS.maxBytes) rest.push(text.slice(start));
      else rest = [];
    });
    // Who has said all may still read what was asked for.
    const end = (): void => this.#closed.resolve();
    input.once('end', end);
    input.once('close', end);
    input.once('error', end);
    // EPIPE: nobody reads any more.
    output.on('error', () => this.close());
    output.once('close', () => this.close());
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.input.removeAllListeners('data');
    for (const asked of this.#asked.values()) asked.resolve(gone());
    this.#asked.clear();
    this.#closed.resolve();
  }

  /** Resolves when the host has room for more: whoever waits for that slows the server down. */
  async send(message: JsonObject): Promise<void> {
    if (this.#isClosed) return;
    const { output } = this.#options;
    const hasRoom = output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    if (hasRoom) return;
    this.#drained ??= this.#untilDrained();
    return this.#drained;
  }

  notify(method: string, params: JsonObject | undefined): Promise<void> {
    return this.send({ method, ...(params !== undefined && { params }) });
  }

  answer(id: RequestId, reply: Reply): Promise<void> {
    return this.send({ id, ...reply } as unknown as JsonObject);
  }

  /** Asks the host. An aborted question is taken back; its answer is then an error. */
  async ask(method: string, params: JsonObject | undefined, signal: AbortSignal): Promise<Reply> {
    if (this.#isClosed) return gone();
    if (this.#asked.size >= MAX_ASKED) {
      return { error: { code: -32603, message: 'too many open questions to the host' } };
    }
    // Own ids: those of the server may repeat after it was restarted.
    const id = `server-${this.#nextId++}`;
    const asked = defer<Reply>();
    this.#asked.set(id, asked);
    const onAbort = (): void => {
      this.notify('notifications/cancelled', { requestId: id }).catch(() => undefined);
      asked.resolve({ error: { code: -32603, message: 'cancelled' } });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.send({ id, method, ...(params !== undefined && { params }) });
      return await asked.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#asked.delete(id);
    }
  }

  async #untilDrained(): Promise<void> {
    const drained = defer<void>();
    const { output } = this.#options;
    const done = (): void => drained.resolve();
    // Nobody who waits for room may wait for ever.
    output.once('drain', done).once('close', done).once('error', done);
    await drained.promise;
    output.off('drain', done).off('close', done).off('error', done);
    this.#drained = undefined;
  }

  #receive(line: string | undefined): void {
    if (line !== undefined && line.trim() === '') return;
    const parsed = line === undefined ? undefined : parseJson(line, MESSAGE_LIMITS);
    const message = parsed?.ok === true ? readMessage(parsed.value) : undefined;
    if (message === undefined) {
      const code = parsed?.ok === true ? -32600 : -32700;
      const text = code === -32600 ? 'not a JSON-RPC 2.0 message' : 'not JSON';
      this.send({ id: null, error: { code, message: text } }).catch(() => undefined);
      return;
    }
    if (message.kind !== 'response') return this.#options.onMessage(message);
    const asked = message.id === null ? undefined : this.#asked.get(message.id);
    if (asked === undefined) this.#options.logger.debug('an answer nobody waits for');
    else asked.resolve(message.reply);
  }
}

function gone(): Reply {
  return { error: { code: -32603, message: 'the host has gone' } };
}
