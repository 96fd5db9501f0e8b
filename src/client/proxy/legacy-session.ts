import { setTimeout as delay } from 'node:timers/promises';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import { NetworkError } from '../../net/errors.js';
import { type Deferred, defer } from '../waiting.js';
import type { HttpLink, Incoming, LinkAnswer } from './http-link.js';
import {
  LATEST_LEGACY,
  type Message,
  type Reply,
  type RequestId,
  type RpcError,
  isRequestId,
  textOf,
} from './messages.js';
import { reasonOf } from './modern-upstream.js';
import {
  CallLostError,
  HttpStatusError,
  type ServerDescription,
  type UpstreamCall,
  type UpstreamEvents,
} from './upstream.js';

const DEFAULT_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** Attempts in a row to take up a stream that bring nothing. */
const MAX_EMPTY_RESUMES = 5;

/** The server has forgotten the session. What was sent in it was not looked at. */
export class SessionLostError extends Error {}

/** The server refused `initialize`, in its own words. */
export class InitializeRefusedError extends Error {
  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

interface Running {
  readonly call: UpstreamCall;
  readonly reply: Deferred<Reply>;
}

/** One 2025 session at the server, from `initialize` to DELETE. Never opened a second time: see `LegacyUpstream`. */
export class LegacySession {
  readonly description: ServerDescription;
  readonly #link: HttpLink;
  readonly #events: UpstreamEvents;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #id: string | undefined;
  readonly #running = new Map<RequestId, Running>();
  /** Requests of the server that the host is thinking about. */
  readonly #asked = new Map<RequestId, AbortController>();
  readonly #ended = new AbortController();
  #nextId = 1;

  private constructor(
    link: HttpLink,
    events: UpstreamEvents,
    id: string | undefined,
    raw: JsonObject,
  ) {
    this.#link = link;
    this.#events = events;
    this.#id = id;
    const { capabilities, serverInfo, instructions, protocolVersion } = raw;
    this.description = {
      capabilities: isJsonObject(capabilities) ? capabilities : {},
      serverInfo: isJsonObject(serverInfo) ? serverInfo : undefined,
      instructions: textOf(instructions),
      raw,
    };
    this.#headers = {
      'mcp-protocol-version': textOf(protocolVersion) ?? LATEST_LEGACY,
      ...(id !== undefined && { 'mcp-session-id': id }),
    };
  }

  /** @throws {InitializeRefusedError | HttpStatusError | CallLostError} and what the link throws */
  static async open(
    link: HttpLink,
    params: JsonObject,
    events: UpstreamEvents,
    signal: AbortSignal,
  ): Promise<LegacySession> {
    const answer = await link.send({
      method: 'POST',
      message: { jsonrpc: '2.0', id: 0, method: 'initialize', params },
      signal,
    });
    if (answer.error !== undefined) throw new InitializeRefusedError(answer.error);
    requireSuccess(link, answer);
    for await (const { message } of answer.incoming) {
      if (message?.kind !== 'response') continue;
      if ('error' in message.reply) throw new InitializeRefusedError(message.reply.error);
      return new LegacySession(link, events, answer.sessionId, message.reply.result);
    }
    throw new CallLostError(link.serverUrl, 'the stream ended before it', false);
  }

  /** Ends with the session: for loops that live as long. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** @throws {SessionLostError} */
  async start(): Promise<void> {
    await this.notify('notifications/initialized', undefined);
    this.#readStandaloneStream().catch(() => undefined);
  }

  /** @throws {SessionLostError | CallLostError | HttpStatusError} or the signal's reason */
  async call(call: UpstreamCall): Promise<Reply> {
    const { method, params, signal } = call;
    const id = this.#nextId++;
    const running: Running = { call, reply: defer<Reply>() };
    this.#running.set(id, running);
    const onAbort = (): void => {
      // A broken connection is no cancellation in this era: it has to be said.
      this.notify('notifications/cancelled', {
        requestId: id,
        reason: reasonOf(signal.reason),
      }).catch(() => undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = await this.#send(
        { jsonrpc: '2.0', id, method, ...(params && { params }) },
        signal,
      );
      if (answer.error !== undefined) return { error: answer.error };
      requireSuccess(this.#link, answer);
      return await this.#follow(running, answer, signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#running.delete(id);
    }
  }

  /** @throws {SessionLostError} */
  async notify(method: string, params: JsonObject | undefined): Promise<void> {
    const answer = await this.#send({ jsonrpc: '2.0', method, ...(params && { params }) });
    for await (const _item of answer.incoming) {
      // Nothing is expected; what comes is not read further.
      break;
    }
  }

  /** Ends everything that runs; tells the server when it would otherwise keep the session. */
  async close(reason: 'lost' | 'over', signal?: AbortSignal): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    for (const controller of this.#asked.values()) controller.abort();
    if (reason === 'lost' || this.#id === undefined) return;
    const answer = await this.#link.send({ method: 'DELETE', headers: this.#headers, signal });
    for await (const _item of answer.incoming) break;
  }

  /** Reads the call's stream, and takes it up again where it breaks, until its answer has come. */
  async #follow(running: Running, first: LinkAnswer, signal: AbortSignal): Promise<Reply> {
    let answer = first;
    let lastEventId: string | undefined;
    let isDone = false;
    running.reply.promise.then(
      () => (isDone = true),
      () => undefined,
    );
    for (let empty = 0; ;) {
      let problem: unknown;
      try {
        for await (const item of answer.incoming) {
          if (item.eventId !== undefined) {
            lastEventId = item.eventId;
            empty = 0;
          }
          await this.#take(item, running.call);
          if (isDone) return await running.reply.promise;
        }
      } catch (error) {
        if (signal.aborted) throw error;
        problem = error;
      }
      if (isDone) return running.reply.promise;
      const reason = problem === undefined ? 'the stream ended before it' : reasonOf(problem);
      if (lastEventId === undefined || empty++ >= MAX_EMPTY_RESUMES) {
        throw new CallLostError(this.#link.serverUrl, reason, true, { cause: problem });
      }
      await delay(waitTime(answer, empty), undefined, { signal });
      const next = await this.#resume(lastEventId, signal);
      if (next !== undefined) answer = next;
    }
  }

  /** @returns undefined when the server cannot be reached now */
  async #resume(lastEventId: string, signal: AbortSignal): Promise<LinkAnswer | undefined> {
    try {
      const answer = await this.#link.send({
        method: 'GET',
        headers: { ...this.#headers, 'last-event-id': lastEventId },
        signal,
      });
      if (answer.status >= 200 && answer.status <= 299) return answer;
      if (answer.status >= 500 || answer.status === 429) return undefined;
      throw new CallLostError(
        this.#link.serverUrl,
        `the stream cannot be taken up again (status ${answer.status})`,
        true,
      );
    } catch (error) {
      if (error instanceof NetworkError) return undefined;
      throw error;
    }
  }

  /** What the server says of itself, where it offers a stream for that. */
  async #readStandaloneStream(): Promise<void> {
    const { signal } = this.#ended;
    let lastEventId: string | undefined;
    let failures = 0;
    let isReconnect = false;
    while (!signal.aborted) {
      let answer: LinkAnswer | undefined;
      try {
        answer = await this.#link.send({
          method: 'GET',
          headers: {
            ...this.#headers,
            ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
          },
          signal,
        });
        if (answer.status === 404 && this.#id !== undefined) {
          this.#events.onResync();
          return;
        }
        if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return;
        if (answer.status < 300) {
          failures = 0;
          // Without a place to go on from, something may have been missed.
          if (isReconnect && lastEventId === undefined) this.#events.onResync();
          for await (const item of answer.incoming) {
            if (item.eventId !== undefined) lastEventId = item.eventId;
            await this.#take(item, undefined);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof NetworkError)) {
          this.#events.onSignedOut();
          return;
        }
      }
      isReconnect = true;
      await delay(waitTime(answer, failures++), undefined, { signal }).catch(() => undefined);
    }
  }

  async #take({ message }: Incoming, call: UpstreamCall | undefined): Promise<void> {
    if (message === undefined) return;
    switch (message.kind) {
      case 'response':
        if (message.id !== null) this.#running.get(message.id)?.reply.resolve(message.reply);
        return;
      case 'notification':
        return this.#takeNotification(message, call);
      case 'request':
        // Answered when the host has: what the server says meanwhile goes on.
        this.#serve(message, call).catch(() => undefined);
    }
  }

  async #takeNotification(
    { method, params }: Extract<Message, { kind: 'notification' }>,
    call: UpstreamCall | undefined,
  ): Promise<void> {
    if (method === 'notifications/cancelled') {
      const id = params?.['requestId'];
      if (isRequestId(id)) this.#asked.get(id)?.abort(new Error(textOf(params?.['reason']) ?? ''));
      return;
    }
    const isOfCall = method === 'notifications/progress' || method === 'notifications/message';
    if (isOfCall && call !== undefined) return call.onNotification(method, params);
    return this.#events.onNotification(method, params);
  }

  async #serve(
    request: Extract<Message, { kind: 'request' }>,
    call: UpstreamCall | undefined,
  ): Promise<void> {
    const { id, method } = request;
    const controller = new AbortController();
    this.#asked.set(id, controller);
    try {
      const ask = call?.onRequest ?? this.#events.onRequest;
      const reply: Reply =
        method === 'ping' ? { result: {} } : await ask(request, controller.signal);
      if (controller.signal.aborted) return;
      const answer = await this.#send({ jsonrpc: '2.0', id, ...reply } as unknown as JsonObject);
      for await (const _item of answer.incoming) break;
    } finally {
      this.#asked.delete(id);
    }
  }

  /** @throws {SessionLostError} */
  async #send(message: JsonObject, signal?: AbortSignal): Promise<LinkAnswer> {
    const answer = await this.#link.send({
      method: 'POST',
      headers: this.#headers,
      message,
      signal,
    });
    if (this.#isLost(answer)) throw new SessionLostError('the server does not know the session');
    return answer;
  }

  /** 404 by the specification; some servers say it with 400 and an error of their own. */
  #isLost({ status, error }: LinkAnswer): boolean {
    if (this.#id === undefined) return false;
    if (status === 404) return error === undefined || error.code !== -32601;
    return status === 400 && error?.code === -32000 && /session/i.test(error.message);
  }
}

function requireSuccess(link: HttpLink, answer: LinkAnswer): void {
  if (answer.status >= 200 && answer.status <= 299) return;
  throw new HttpStatusError(link.serverUrl, answer.status, answer.retryAfterMs);
}

function waitTime(answer: LinkAnswer | undefined, failures: number): number {
  const asked = answer?.retryMs();
  if (asked !== undefined) return Math.min(asked, MAX_RETRY_MS);
  return Math.min(DEFAULT_RETRY_MS * 2 ** Math.min(failures, 5), MAX_RETRY_MS);
}
