import type { JsonObject } from '../../shared/json.js';
import { parseJson } from '../../shared/json.js';
import type { ExchangeAnswer, SafeExchange } from '../../net/safe-exchange.js';
import type { AnswerView, AuthorizedSession } from '../authorized-fetch.js';
import { CredentialsRejectedError } from '../errors.js';
import {
  MESSAGE_LIMITS,
  type Message,
  type RpcError,
  isRequestId,
  readError,
  readMessage,
} from './messages.js';
import { EventReader } from './sse.js';

export interface HttpLinkOptions {
  readonly serverUrl: string;
  readonly exchange: SafeExchange;
  /** Undefined: no token is sent; the headers have to do. */
  readonly session: AuthorizedSession | undefined;
  /** Sent with every request to the MCP server, and to nobody else. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One thing that came on a response: a message, or only a place in the stream. */
export interface Incoming {
  readonly message: Message | undefined;
  readonly eventId: string | undefined;
}

export interface LinkAnswer {
  readonly status: number;
  readonly sessionId: string | undefined;
  /** JSON-RPC error in the body of a refusal. */
  readonly error: RpcError | undefined;
  readonly retryAfterMs: number | undefined;
  /** Messages of a 2xx answer, as they come. Fails when the connection breaks. */
  readonly incoming: AsyncIterable<Incoming>;
  /** What the stream's `retry` field said so far, in milliseconds. */
  readonly retryMs: () => number | undefined;
}

export interface LinkRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly message?: JsonObject;
  readonly signal?: AbortSignal | undefined;
}

const MAX_ERROR_BYTES = 256 * 1024;
const MAX_COOKIES = 50;
const MAX_RETRY_AFTER_MS = 60_000;

const ANSWER_VIEW: AnswerView<ExchangeAnswer> = {
  status: (answer) => answer.status,
  challenge: (answer) => answer.header('www-authenticate'),
  discard: (answer) => answer.discard(),
};

/** One MCP endpoint over HTTP: adds credentials, keeps cookies, reads JSON and event streams. Knows no era. */
export class HttpLink {
  readonly serverUrl: string;
  readonly #url: URL;
  readonly #options: HttpLinkOptions;
  /** For load balancers that keep a client at one server by a cookie. Of this origin, for the life of the process. */
  readonly #cookies = new Map<string, string>();

  constructor(options: HttpLinkOptions) {
    this.#options = options;
    this.serverUrl = options.serverUrl;
    this.#url = new URL(options.serverUrl);
  }

  /** @throws {LoginRequiredError | CredentialsRejectedError | NetworkError} and what the network refuses */
  async send({ method, headers, message, signal }: LinkRequest): Promise<LinkAnswer> {
    const base: Record<string, string> = {
      accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
      ...(message !== undefined && { 'content-type': 'application/json' }),
      ...this.#options.headers,
      ...headers,
    };
    const body = message === undefined ? undefined : JSON.stringify(message);
    const attempt = (token: string | undefined): Promise<ExchangeAnswer> =>
      this.#options.exchange.send({
        url: this.#url,
        method,
        headers: this.#withCookies(
          token === undefined ? base : { ...base, authorization: `Bearer ${token}` },
        ),
        ...(body !== undefined && { body }),
        signal,
      });
    const { session } = this.#options;
    const answer =
      session === undefined
        ? await attempt(undefined)
        : await session.run(attempt, ANSWER_VIEW, signal);
    if (session === undefined && answer.status === 401) {
      answer.discard();
      throw new CredentialsRejectedError(this.serverUrl, 'the headers given are not accepted');
    }
    this.#keepCookies(answer.cookies);
    return this.#read(answer);
  }

  close(): void {
    this.#options.exchange.close();
  }

  async #read(answer: ExchangeAnswer): Promise<LinkAnswer> {
    const type = answer.header('content-type') ?? '';
    const common = {
      status: answer.status,
      sessionId: answer.header('mcp-session-id'),
      retryAfterMs: retryAfter(answer.header('retry-after')),
      error: undefined,
      retryMs: (): number | undefined => undefined,
    };
    if (answer.status < 200 || answer.status > 299) {
      const error = /json/i.test(type) ? await readRefusal(answer) : undefined;
      if (error === undefined) answer.discard();
      return { ...common, error, incoming: nothing() };
    }
    if (/^text\/event-stream\b/i.test(type)) {
      const reader = new EventReader(MESSAGE_LIMITS.maxBytes);
      return {
        ...common,
        incoming: readEvents(answer, reader),
        retryMs: () => reader.retryMs,
      };
    }
    if (answer.status === 202 || answer.status === 204 || !/json/i.test(type)) {
      answer.discard();
      return { ...common, incoming: nothing() };
    }
    return { ...common, incoming: readJson(answer) };
  }

  #withCookies(headers: Record<string, string>): Record<string, string> {
    if (this.#cookies.size === 0 || 'cookie' in headers) return headers;
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    return { ...headers, cookie };
  }

  #keepCookies(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = ''] = line.split(';', 1);
      const at = pair.indexOf('=');
      if (at <= 0) continue;
      const name = pair.slice(0, at).trim();
      const isOver = /;\s*max-age=(0|-\d+)\s*(;|$)/i.test(line);
      if (isOver) this.#cookies.delete(name);
      else if (this.#cookies.size < MAX_COOKIES || this.#cookies.has(name)) {
        this.#cookies.set(name, pair.slice(at + 1).trim());
      }
    }
  }
}

async function* nothing(): AsyncGenerator<Incoming> {
  // An answer without messages.
}

async function* readEvents(answer: ExchangeAnswer, reader: EventReader): AsyncGenerator<Incoming> {
  for await (const chunk of answer.body) {
    for (const { data, id, type } of reader.push(chunk)) {
      const parsed =
        type === 'message' && data !== '' ? parseJson(data, MESSAGE_LIMITS) : undefined;
      yield { message: parsed?.ok === true ? readMessage(parsed.value) : undefined, eventId: id };
    }
  }
}

async function* readJson(answer: ExchangeAnswer): AsyncGenerator<Incoming> {
  const parsed = parseJson(await answer.text(MESSAGE_LIMITS.maxBytes), MESSAGE_LIMITS);
  if (!parsed.ok) return;
  // Batches: 2025-03-26.
  for (const value of Array.isArray(parsed.value) ? parsed.value : [parsed.value]) {
    yield { message: readMessage(value), eventId: undefined };
  }
}

async function readRefusal(answer: ExchangeAnswer): Promise<RpcError | undefined> {
  const parsed = parseJson(await answer.text(MAX_ERROR_BYTES));
  const value = parsed.ok ? parsed.value : undefined;
  const message = readMessage(value);
  if (message?.kind === 'response' && 'error' in message.reply) return message.reply.error;
  // Some servers leave the id, or `jsonrpc`, out of what they refuse before reading it.
  const holder = value as { readonly error?: unknown; readonly id?: unknown } | undefined | null;
  return holder?.id === undefined || holder.id === null || isRequestId(holder.id)
    ? readError(holder?.error)
    : undefined;
}

function retryAfter(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value)
    ? Math.min(Number(value) * 1000, MAX_RETRY_AFTER_MS)
    : undefined;
}
