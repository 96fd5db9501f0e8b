import type { Clock } from '../../shared/clock.js';
import { JSON_RPC } from '../../shared/errors.js';
import { hashId, randomId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { type Principal, isSameIdentity } from './principal.js';
import { RunningTask } from './running-task.js';
import { type TaskRecord, type TaskStore, isTerminal } from './task-store.js';

// What other processes want of a task waits for so long.
const POLL_STORE_MS = 500;
// Three renewals may fail before others hold the process for dead.
const RENEW_EVERY_MS = 10_000;
const LEASE_MS = 35_000;
const MAX_TASKS_PER_OWNER = 1000;
const NOBODY = { issuer: '', subject: '' };

const ABANDONED: JsonObject = {
  code: JSON_RPC.internalError,
  message: 'The server process that ran this task ended before the task did.',
};
const STOPPED: JsonObject = {
  code: JSON_RPC.internalError,
  message: 'The server was stopped before this task ended.',
};

interface NewTask {
  readonly principal: Principal | undefined;
  readonly tool: string;
  readonly ttlMs: number;
  readonly pollIntervalMs: number;
}

/** The tasks of a server: those that run in this process, and what the store knows of all. */
export interface Tasks {
  /** @returns undefined when the owner has too many already */
  begin(task: NewTask): Promise<RunningTask | undefined>;
  /** @returns undefined when there is none, or it is somebody else's */
  find(id: string, principal: Principal | undefined): Promise<TaskRecord | undefined>;
  answer(task: TaskRecord, answers: JsonObject): Promise<void>;
  cancel(task: TaskRecord): Promise<void>;
  /** Ends what was abandoned, and deletes what has expired. */
  sweep(): Promise<void>;
  /** Stops what runs here, and says so in the store. */
  close(): Promise<void>;
}

export function createTasks(store: TaskStore, clock: Clock, logger: Logger): Tasks {
  return new LocalTasks(store, clock, logger);
}

class LocalTasks implements Tasks {
  readonly #store: TaskStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #runner = randomId();
  /** By the hash of their ids, as the store knows them. */
  readonly #running = new Map<string, RunningTask>();
  #poller: NodeJS.Timeout | undefined;
  #renewer: NodeJS.Timeout | undefined;
  #isTaking = false;

  constructor(store: TaskStore, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
  }

  async begin({
    principal,
    tool,
    ttlMs,
    pollIntervalMs,
  }: NewTask): Promise<RunningTask | undefined> {
    const nowMs = this.#clock.nowMs();
    const { issuer, subject } = principal ?? NOBODY;
    const record: TaskRecord = {
      id: randomId(),
      issuer,
      subject,
      tool,
      status: 'working',
      statusMessage: undefined,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      expiresAtMs: nowMs + ttlMs,
      pollIntervalMs,
      inputRequests: {},
      outcome: undefined,
      runner: this.#runner,
      leaseUntilMs: nowMs + LEASE_MS,
    };
    // First the record: the client must never hold an id that no process knows.
    if (!(await this.#store.create(record, MAX_TASKS_PER_OWNER))) return undefined;
    const task = new RunningTask(record, this.#store, this.#clock, () => this.#forget(record.id));
    this.#running.set(hashId(record.id), task);
    this.#watch();
    return task;
  }

  async find(id: string, principal: Principal | undefined): Promise<TaskRecord | undefined> {
    const record = await this.#store.find(id, this.#clock.nowMs());
    if (record === undefined || !isSameIdentity(record, principal ?? NOBODY)) return undefined;
    if (isTerminal(record.status) || record.leaseUntilMs > this.#clock.nowMs()) return record;
    await this.#failAbandoned();
    return this.#store.find(id, this.#clock.nowMs());
  }

  async answer({ id }: TaskRecord, answers: JsonObject): Promise<void> {
    await this.#store.answer(id, answers, this.#clock.nowMs());
    if (this.#running.has(hashId(id))) await this.#take();
  }

  async cancel({ id }: TaskRecord): Promise<void> {
    await this.#store.requestCancel(id, this.#clock.nowMs());
    if (this.#running.has(hashId(id))) await this.#take();
  }

  async sweep(): Promise<void> {
    await this.#failAbandoned();
    const nowMs = this.#clock.nowMs();
    for (const task of this.#running.values()) if (task.expiresAtMs <= nowMs) task.cancel();
    await this.#store.deleteExpired(nowMs);
  }

  async close(): Promise<void> {
    this.#stopWatching();
    await Promise.allSettled([...this.#running.values()].map((task) => task.stop(STOPPED)));
    this.#running.clear();
  }

  async #failAbandoned(): Promise<void> {
    await this.#store.failAbandoned(this.#clock.nowMs(), ABANDONED);
  }

  #forget(id: string): void {
    this.#running.delete(hashId(id));
    if (this.#running.size === 0) this.#stopWatching();
  }

  /** A process that runs nothing asks for nothing. */
  #watch(): void {
    if (this.#poller !== undefined) return;
    const report = (error: unknown): void => this.#logger.error('tasks: storage failed', { error });
    this.#poller = setInterval(() => void this.#take().catch(report), POLL_STORE_MS).unref();
    const renew = async (): Promise<void> =>
      this.#store.renew(this.#runner, this.#clock.nowMs() + LEASE_MS);
    this.#renewer = setInterval(() => void renew().catch(report), RENEW_EVERY_MS).unref();
  }

  #stopWatching(): void {
    clearInterval(this.#poller);
    clearInterval(this.#renewer);
    this.#poller = undefined;
    this.#renewer = undefined;
  }

  async #take(): Promise<void> {
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      for (const input of await this.#store.takeInputs(this.#runner)) {
        const task = this.#running.get(input.idHash);
        task?.receive(input.answers);
        if (input.isCancelRequested) task?.cancel();
      }
    } finally {
      this.#isTaking = false;
    }
  }
}
