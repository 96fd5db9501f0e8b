import {
  type EventStore,
  type JSONRPCMessage,
  type JSONRPCRequest,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { randomNumber } from '../../shared/ids.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { EventLog, SessionStore, StreamCall } from '../core/ports.js';
import type { Presence } from '../core/presence.js';
import { interruptedCall } from './errors.js';

export interface SessionTransportOptions {
  readonly id: string;
  readonly store: SessionStore;
  readonly events: EventLog;
  readonly presence: Presence;
  /** Answers to the questions of this process, by request id, whichever session asks. */
  readonly waiting: Map<number, (answer: JsonObject) => void>;
  readonly logger: Logger;
}

type RequestId = string | number;
type SendOptions = Parameters<WebStandardStreamableHTTPServerTransport['send']>[1];
type HandleOptions = Parameters<WebStandardStreamableHTTPServerTransport['handleRequest']>[1];

/** How long a client waits before it reconnects to a stream that was closed early (SSE `retry`). */
export const RETRY_MS = 500;
const MAX_REPLAYED_EVENTS = 1000;

/** The requests of one POST, whose answers share a stream. */
interface Post {
  readonly call: StreamCall;
  readonly open: Set<RequestId>;
  streamId: string | undefined;
  /** Settled when what was sent is written: one message after the other, so that the last one is the last. */
  sent: Promise<unknown>;
  readonly release: () => void;
}

/**
 * The SDK's transport of one session, for a session that several processes serve: streams have an owner and an end in
 * the log, and what the server asks the client may be answered to any process.
 */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  readonly #options: SessionTransportOptions;
  readonly #log: SessionEventStore;
  readonly #posts = new Map<RequestId, Post>();
  /** Ids of open questions: ours, unique in the installation, and the SDK's, unique in this instance. */
  readonly #questions = new Map<number, RequestId>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SessionTransportOptions) {
    const log = new SessionEventStore(options.id, options.events);
    super({
      sessionIdGenerator: () => options.id,
      eventStore: log,
      retryInterval: RETRY_MS,
    });
    this.#options = options;
    this.#log = log;
  }

  /** While it is on, nothing is stored. */
  set isMuted(isMuted: boolean) {
    this.#log.isMuted = isMuted;
  }

  get isBusy(): boolean {
    return this.#posts.size > 0;
  }

  isWorkingOn(requestId: unknown): boolean {
    return this.#posts.has(requestId as RequestId);
  }

  /** Whether this process writes the stream, so that it can be gone on with here. */
  isWriting(streamId: string): boolean {
    return [...this.#posts.values()].some((post) => post.streamId === streamId);
  }

  /**
   * Ends the connection that a stream is sent on: its client comes back for it on another one. The one before is most
   * often dead without a word, and a refusal would keep the client out until that is noticed.
   */
  letGo(streamId: string): void {
    for (const [requestId, post] of this.#posts) {
      if (post.streamId === streamId) this.closeSSEStream(requestId);
    }
  }

  /** To be called once, when the server is connected: from then on it hears its own ids. */
  translateInbound(): void {
    const deliver = this.onmessage;
    this.onmessage = (message, extra) => deliver?.(this.#translate(message), extra);
  }

  /** A POST. Those with requests take turns until their stream is opened: the log is told whose it is. */
  async post(request: Request, body: unknown, options: HandleOptions): Promise<Response> {
    const requestIds = this.#log.isMuted ? [] : requestIdsOf(body);
    if (requestIds.length === 0) return this.handleRequest(request, options);
    const { presence } = this.#options;
    const post: Post = {
      call: { processId: presence.processId, requestIds },
      open: new Set(requestIds),
      streamId: undefined,
      sent: Promise.resolve(),
      release: await presence.hold(),
    };
    for (const id of requestIds) {
      this.#answered(id);
      this.#posts.set(id, post);
    }
    const before = this.#turn;
    let passOn: () => void = () => undefined;
    this.#turn = new Promise((resolve) => (passOn = resolve));
    let isOpened = false;
    try {
      await before;
      this.#log.opening = post;
      const response = await this.handleRequest(request, options);
      isOpened = response.ok;
      return response;
    } finally {
      this.#log.opening = undefined;
      passOn();
      if (!isOpened) for (const id of requestIds) this.#answered(id);
    }
  }

  override async send(message: JSONRPCMessage, options?: SendOptions): Promise<void> {
    if (this.#log.isMuted) return super.send(message, options);
    if (!('method' in message)) {
      const post = message.id === undefined ? undefined : this.#posts.get(message.id);
      if (message.id === undefined || post === undefined) return undefined;
      post.open.delete(message.id);
      try {
        await this.#sendOn(post, message, options, post.open.size === 0);
      } finally {
        this.#answered(message.id);
      }
      return undefined;
    }
    const related = options?.relatedRequestId;
    const post = related === undefined ? undefined : this.#posts.get(related);
    if (post === undefined) {
      // Changes reach the session's own stream another way; nothing else belongs to no call.
      if ('id' in message) throw new Error(`${message.method} belongs to no call that is running`);
      this.#options.logger.debug('a notification belongs to no call', { method: message.method });
      return undefined;
    }
    if ('id' in message) return this.#ask(post, message, options);
    return this.#sendOn(post, this.#withdrawn(message), options, false);
  }

  /** The client has cancelled a request: no answer will come, and its stream gets no more events. */
  async cancelled(requestId: unknown): Promise<void> {
    const post = this.#posts.get(requestId as RequestId);
    if (post === undefined) return;
    // The SDK takes its questions back first, at once.
    await new Promise((resolve) => setImmediate(resolve));
    await post.sent;
    this.#answered(requestId as RequestId);
    if (post.open.size > 0 || post.streamId === undefined) return;
    const { id, events } = this.#options;
    await events.append(id, post.streamId, {}, { call: post.call, isLast: true });
  }

  /** Answers what still runs with an error, so that no client waits for what will not come. */
  async abandon(): Promise<void> {
    for (const id of this.#posts.keys()) {
      await this.send(interruptedCall(id)).catch((error: unknown) =>
        this.#options.logger.error('a call could not be answered', { error }),
      );
    }
  }

  override async close(): Promise<void> {
    await super.close();
    for (const id of this.#posts.keys()) this.#answered(id);
    const open = [...this.#questions.keys()];
    for (const id of open) this.#options.waiting.delete(id);
    this.#questions.clear();
    await this.#withdraw(open);
  }

  #sendOn(
    post: Post,
    message: JSONRPCMessage,
    options: SendOptions,
    isLast: boolean,
  ): Promise<void> {
    const sent = post.sent.then(() => this.#write(post, message, options, isLast));
    post.sent = sent.catch(() => undefined);
    return sent;
  }

  async #write(
    post: Post,
    message: JSONRPCMessage,
    options: SendOptions,
    isLast: boolean,
  ): Promise<void> {
    this.#log.next = { post, isLast };
    // The SDK hands the message to the log before it waits for anything.
    const written = super.send(message, options);
    this.#log.next = undefined;
    try {
      await written;
    } catch (error) {
      if (!(error instanceof StreamEndedError)) throw error;
      // Another process took this one for dead and has answered the call.
      this.#options.logger.warn('a call was answered by another process, which took this for dead');
      for (const id of post.call.requestIds) this.closeSSEStream(id);
    }
  }

  async #ask(post: Post, message: JSONRPCRequest, options: SendOptions): Promise<void> {
    const { id, store, presence, waiting } = this.#options;
    const requestId = randomNumber();
    this.#questions.set(requestId, message.id);
    waiting.set(requestId, (answer) => this.onmessage?.(answer as never));
    try {
      await store.ask(id, { requestId, processId: presence.processId });
      await this.#sendOn(post, withId(message, requestId), options, false);
    } catch (error) {
      this.#forget(requestId);
      throw error;
    }
  }

  #translate(message: JSONRPCMessage): JSONRPCMessage {
    if (!('method' in message)) {
      const requestId = Number(message.id);
      const known = this.#questions.get(requestId);
      if (known === undefined) return message;
      this.#forget(requestId);
      return { ...message, id: known };
    }
    const params = message.params as JsonObject | undefined;
    const token = this.#questions.get(Number(params?.['progressToken']));
    if (message.method !== 'notifications/progress' || token === undefined) return message;
    return { ...message, params: { ...params, progressToken: token } };
  }

  /** A notification to the client; one that takes a question back names it as the client knows it. */
  #withdrawn(message: JSONRPCMessage): JSONRPCMessage {
    const { params } = message as { readonly params?: JsonObject };
    if (!('method' in message) || message.method !== 'notifications/cancelled') return message;
    for (const [requestId, known] of this.#questions) {
      if (known !== params?.['requestId']) continue;
      this.#forget(requestId);
      return { ...message, params: { ...params, requestId } };
    }
    return message;
  }

  #forget(requestId: number): void {
    this.#questions.delete(requestId);
    this.#options.waiting.delete(requestId);
    void this.#withdraw([requestId]);
  }

  async #withdraw(requestIds: readonly number[]): Promise<void> {
    try {
      await this.#options.store.withdraw(requestIds);
    } catch (error) {
      this.#options.logger.error('a question could not be withdrawn', { error });
    }
  }

  #answered(id: RequestId): void {
    const post = this.#posts.get(id);
    if (post === undefined) return;
    this.#posts.delete(id);
    post.open.delete(id);
    if (!post.call.requestIds.some((other) => this.#posts.get(other) === post)) post.release();
  }
}

class StreamEndedError extends Error {}

/** The SDK's event store over our log. An empty message is a priming event: it gives a client its first event id. */
class SessionEventStore implements EventStore {
  isMuted = false;
  /** The POST whose stream is being opened. */
  opening: Post | undefined;
  /** What the next event belongs to, when it is no opening. */
  next: { readonly post: Post; readonly isLast: boolean } | undefined;
  readonly #sessionId: string;
  readonly #events: EventLog;

  constructor(sessionId: string, events: EventLog) {
    this.#sessionId = sessionId;
    this.#events = events;
  }

  async storeEvent(streamId: string, message: object): Promise<string> {
    if (this.isMuted) return '0';
    const { post, isLast } = this.next ?? { post: this.opening, isLast: false };
    if (post !== undefined) post.streamId = streamId;
    const eventId = await this.#events.append(this.#sessionId, streamId, message as JsonObject, {
      call: post?.call,
      isLast,
    });
    if (eventId === undefined) throw new StreamEndedError('the stream has ended');
    return eventId;
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return this.#events.streamOf(this.#sessionId, eventId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: Parameters<EventStore['replayEventsAfter']>[1],
  ): Promise<string> {
    const events = await this.#events.after(this.#sessionId, lastEventId, MAX_REPLAYED_EVENTS);
    for (const { eventId, message } of events) {
      if (Object.keys(message).length > 0) await send(eventId, message as never);
    }
    return (await this.getStreamIdForEventId(lastEventId)) ?? '';
  }
}

function requestIdsOf(body: unknown): RequestId[] {
  const ids = (Array.isArray(body) ? body : [body]).flatMap((message) =>
    isJsonObject(message) && typeof message['method'] === 'string' ? [message['id']] : [],
  );
  return ids.filter((id): id is RequestId => typeof id === 'string' || typeof id === 'number');
}

/** The request under another id, which the SDK also gives as the token for progress. */
function withId(message: JSONRPCRequest, requestId: number): JSONRPCRequest {
  const { params } = message;
  if (params?._meta?.progressToken === undefined) return { ...message, id: requestId };
  const _meta = { ...params._meta, progressToken: requestId };
  return { ...message, id: requestId, params: { ...params, _meta } };
}
