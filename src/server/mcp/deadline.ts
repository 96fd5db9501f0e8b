import { TimeLimitError } from './refusals.js';

/** The end of the time that a call has: its signal aborts, and its client is answered, whatever the handler does. */
export class Deadline {
  isOver = false;
  readonly #timeoutMs: number;
  readonly #target: string;
  readonly #controller = new AbortController();
  #combined: AbortSignal | undefined;

  /** @param target - what the answer calls the tool, prompt or resource */
  constructor(timeoutMs: number, target: string) {
    this.#timeoutMs = timeoutMs;
    this.#target = target;
  }

  /** Aborted with the other one, and when the time is over. */
  signalWith(other: AbortSignal): AbortSignal {
    this.#combined ??= AbortSignal.any([other, this.#controller.signal]);
    return this.#combined;
  }

  /** @throws TimeLimitError when the work has not ended in time */
  over<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.isOver = true;
        const error = new TimeLimitError(this.#target, this.#timeoutMs);
        this.#controller.abort(error);
        reject(error);
      }, this.#timeoutMs);
      // A handler that hangs must not keep a process from ending.
      timer.unref();
      work.then(
        (value) => {
          clearTimeout(timer);
          return resolve(value);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
  }
}
