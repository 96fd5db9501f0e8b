import { randomId } from '../../shared/ids.js';
import { type JsonObject, type JsonValue, isJsonObject } from '../../shared/json.js';
import { type Deferred, defer } from '../waiting.js';
import type { Reply, RpcRequest } from './messages.js';

interface Question {
  readonly request: RpcRequest;
  readonly answer: Deferred<Reply>;
}

const PREFIX = 'catalog-proxy:';
const MAX_PARKED = 64;
/** How long a person may think. */
const PARKED_MS = 15 * 60_000;

/**
 * A call of a 2025 server that waits for answers of a 2026 host: the server's questions leave as `input_required`, the
 * call stays open at the server, and the host's next request brings the answers.
 */
export class ParkedCall {
  /** Proof that a retry belongs to this call: unguessable, and only this process knows it. */
  readonly state: string = `${PREFIX}${randomId()}`;
  readonly #running: Promise<Reply>;
  readonly #abort: (reason: Error) => void;
  readonly #open = new Map<string, Question>();
  #next = 1;
  #wake: Deferred<void> = defer<void>();
  #timer: NodeJS.Timeout | undefined;
  /** Where progress goes: the host's latest request. */
  onNotification: (method: string, params: JsonObject | undefined) => Promise<void>;
  /** The server knows the call by the token of its first request. */
  progressToken: JsonValue | undefined;

  constructor(
    start: (
      ask: (request: RpcRequest, signal: AbortSignal) => Promise<Reply>,
      notify: (method: string, params: JsonObject | undefined) => Promise<void>,
    ) => Promise<Reply>,
    abort: (reason: Error) => void,
    onNotification: (method: string, params: JsonObject | undefined) => Promise<void>,
  ) {
    this.#abort = abort;
    this.onNotification = onNotification;
    this.#running = start(
      (request, signal) => this.ask(request, signal),
      (method, params) => this.onNotification(method, this.#retarget(method, params)),
    );
    this.#running.catch(() => undefined);
  }

  /** Settled when the server is done with the call. */
  get over(): Promise<void> {
    return this.#running.then(
      () => undefined,
      () => undefined,
    );
  }

  /** The server's answer, or its questions. */
  async next(): Promise<Reply | { readonly questions: JsonObject }> {
    const reply = await Promise.race([this.#running, this.#wake.promise]);
    if (reply !== undefined) return reply;
    this.#wake = defer<void>();
    const questions = [...this.#open].map(([key, { request }]) => [
      key,
      { method: request.method, params: request.params ?? {} },
    ]);
    return { questions: Object.fromEntries(questions) as JsonObject };
  }

  answer(responses: JsonValue | undefined): void {
    clearTimeout(this.#timer);
    for (const [key, question] of this.#open) {
      const result = isJsonObject(responses) ? responses[key] : undefined;
      if (isJsonObject(result)) {
        this.#open.delete(key);
        question.answer.resolve({ result });
      }
    }
    // What was not answered is asked again.
    if (this.#open.size > 0) this.#wake.resolve();
  }

  /** Starts the time within which the host has to come back. */
  wait(onGone: () => void): void {
    this.#timer = setTimeout(() => {
      onGone();
      this.end(new Error('nobody answered in time'));
    }, PARKED_MS);
    this.#timer.unref();
  }

  end(reason: Error): void {
    clearTimeout(this.#timer);
    for (const { answer } of this.#open.values()) {
      answer.resolve({ error: { code: -32603, message: reason.message } });
    }
    this.#abort(reason);
  }

  /** A question of the server, put to the host with the next answer. */
  ask(request: RpcRequest, signal: AbortSignal): Promise<Reply> {
    const key = `q${this.#next++}`;
    const answer = defer<Reply>();
    this.#open.set(key, { request, answer });
    signal.addEventListener('abort', () => this.#open.delete(key), { once: true });
    this.#wake.resolve();
    return answer.promise;
  }

  #retarget(method: string, params: JsonObject | undefined): JsonObject | undefined {
    return method === 'notifications/progress' && this.progressToken !== undefined
      ? { ...params, progressToken: this.progressToken }
      : params;
  }
}

/** The calls that wait for a host. Over the limit the oldest one ends. */
export class ParkedCalls {
  readonly #calls = new Map<string, ParkedCall>();

  static isState(value: JsonValue | undefined): value is string {
    return typeof value === 'string' && value.startsWith(PREFIX);
  }

  park(call: ParkedCall): void {
    const [oldest] = this.#calls.values();
    if (this.#calls.size >= MAX_PARKED && oldest !== undefined) {
      this.#calls.delete(oldest.state);
      oldest.end(new Error('too many calls wait for answers'));
    }
    this.#calls.set(call.state, call);
    call.wait(() => this.#calls.delete(call.state));
  }

  /** Each state is good once at a time: a second request with it finds nothing until the call asks again. */
  take(state: string): ParkedCall | undefined {
    const call = this.#calls.get(state);
    this.#calls.delete(state);
    return call;
  }

  endAll(reason: Error): void {
    for (const call of this.#calls.values()) call.end(reason);
    this.#calls.clear();
  }
}
