import type { Clock } from '../../shared/clock.js';
import type { JsonObject } from '../../shared/json.js';
import type { TaskRecord, TaskStatus, TaskStore } from './task-store.js';

// A tool that reports often must not write as often.
const MESSAGE_EVERY_MS = 1000;

/** Thrown into a tool that waits for an answer when its task is cancelled. */
export class TaskCancelledError extends Error {
  constructor() {
    super('the task was cancelled');
    this.name = 'TaskCancelledError';
  }
}

/** A task whose tool runs in this process. */
export class RunningTask {
  readonly record: TaskRecord;
  readonly #store: TaskStore;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #controller = new AbortController();
  readonly #waiting = new Map<string, (answer: unknown) => void>();
  #askedSoFar = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #hasEnded = false;

  constructor(record: TaskRecord, store: TaskStore, clock: Clock, onEnd: () => void) {
    this.record = record;
    this.#store = store;
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  get expiresAtMs(): number {
    return this.record.expiresAtMs;
  }

  /** Aborted when the task is cancelled, expires, or the server stops. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isCancelled(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Puts questions, and waits for all their answers. A key of a question is never used twice in a task.
   *
   * @param requests - as the wire has them
   * @throws TaskCancelledError
   */
  async ask<Key extends string>(
    requests: Readonly<Record<Key, JsonObject>>,
  ): Promise<Record<Key, unknown>> {
    if (this.isCancelled) throw new TaskCancelledError();
    const asked = Object.entries<JsonObject>(requests).map(
      ([key, request]) => [key as Key, `${key}-${++this.#askedSoFar}`, request] as const,
    );
    const answers = Promise.all(
      asked.map(async ([key, id]) => [key, await this.#next(id)] as const),
    );
    // Handled here already, in case that the store fails first.
    answers.catch(() => undefined);
    const opened = Object.fromEntries(asked.map(([, id, request]) => [id, request]));
    await this.#store.ask(this.record.id, opened, this.#clock.nowMs());
    return Object.fromEntries(await answers) as Record<Key, unknown>;
  }

  /** Answers that were given to this task; the store has closed their questions. */
  receive(answers: JsonObject): void {
    for (const [id, answer] of Object.entries(answers)) {
      const wake = this.#waiting.get(id);
      this.#waiting.delete(id);
      wake?.(answer);
    }
  }

  cancel(): void {
    this.#controller.abort(new TaskCancelledError());
  }

  /** Tells people how far it is. */
  async say(statusMessage: string): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (this.#hasEnded || nowMs - this.#saidAtMs < MESSAGE_EVERY_MS) return;
    this.#saidAtMs = nowMs;
    await this.#change({ statusMessage: statusMessage.slice(0, 1000) });
  }

  /** @param outcome - a tool result, or a JSON-RPC error */
  async end(
    status: Extract<TaskStatus, 'completed' | 'failed' | 'cancelled'>,
    outcome: JsonObject | undefined,
  ): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    try {
      await this.#change({ status, ...(outcome !== undefined && { outcome }) });
    } finally {
      this.#onEnd();
    }
  }

  /** The server stops: what runs is told, and not waited for. */
  async stop(error: JsonObject): Promise<void> {
    const ended = this.end('failed', error);
    this.cancel();
    await ended;
  }

  #next(id: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(id);
        reject(new TaskCancelledError());
      };
      this.signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(id, (answer) => {
        this.signal.removeEventListener('abort', onAbort);
        resolve(answer);
      });
    });
  }

  async #change(
    changes: Partial<Pick<TaskRecord, 'status' | 'statusMessage' | 'outcome'>>,
  ): Promise<void> {
    await this.#store.update(this.record.id, { ...changes, updatedAtMs: this.#clock.nowMs() });
  }
}
