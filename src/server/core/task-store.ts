import type { JsonObject } from '../../shared/json.js';

/** The last three are terminal: nothing about the task changes any more. */
export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** A tool call that goes on after its answer, as it is stored: any process can tell of it. */
export interface TaskRecord {
  readonly id: string;
  /** Whose it is. Empty on a server without authentication. */
  readonly issuer: string;
  readonly subject: string;
  readonly tool: string;
  readonly status: TaskStatus;
  /** For people. */
  readonly statusMessage: string | undefined;
  /** Epoch milliseconds, as are all its times. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** From then on nobody is told of it. */
  readonly expiresAtMs: number;
  readonly pollIntervalMs: number;
  /** Open questions by their key, as the wire has them. */
  readonly inputRequests: JsonObject;
  /** A tool result when `completed`, a JSON-RPC error when `failed`. */
  readonly outcome: JsonObject | undefined;
  /** The process that runs it, which renews the lease while it lives. */
  readonly runner: string;
  readonly leaseUntilMs: number;
}

/** What somebody wants of a running task: to be taken up by the process that runs it. */
export interface TaskInput {
  /** SHA-256 of the task's id, base64url. */
  readonly idHash: string;
  readonly isCancelRequested: boolean;
  /** Answers by the key of their question, untrusted. */
  readonly answers: JsonObject;
}

export type TaskChanges = Partial<Pick<TaskRecord, 'status' | 'statusMessage' | 'outcome'>> & {
  readonly updatedAtMs: number;
};

/** Keeps tasks. Ids are stored hashed: they are unguessable, and knowing one must take more than a dump. */
export interface TaskStore {
  /** @returns false, and nothing is kept, when the owner has `maxPerOwner` tasks that have not expired */
  create(record: TaskRecord, maxPerOwner: number): Promise<boolean>;
  /** @returns undefined when unknown or expired at `nowMs` */
  find(id: string, nowMs: number): Promise<TaskRecord | undefined>;
  /** Changes a task that is not at its end; at its end no question is open. @returns whether it was there and not at its end */
  update(id: string, changes: TaskChanges): Promise<boolean>;
  /** Opens questions beside those that are open: the task is `input_required`. @returns as {@link update} */
  ask(id: string, inputRequests: JsonObject, nowMs: number): Promise<boolean>;
  /** Takes the answers to open questions, and closes these; a task with none left is `working` again. Others are passed over. */
  answer(id: string, answers: JsonObject, nowMs: number): Promise<void>;
  /** Does nothing to a task that is at its end. */
  requestCancel(id: string, nowMs: number): Promise<void>;
  /** What was wanted of the tasks of one runner since the last time, which is forgotten here. At most 1,000. */
  takeInputs(runner: string): Promise<readonly TaskInput[]>;
  /** Renews the leases of all tasks of one runner that are not at their end. */
  renew(runner: string, leaseUntilMs: number): Promise<void>;
  /** Ends every task with a lapsed lease as `failed`: its process is gone. @returns how many */
  failAbandoned(nowMs: number, error: JsonObject): Promise<number>;
  /** @returns how many were removed */
  deleteExpired(nowMs: number): Promise<number>;
}

const TERMINAL: ReadonlySet<TaskStatus> = new Set<TaskStatus>(['completed', 'failed', 'cancelled']);

export function isTerminal(status: TaskStatus): boolean {
  return TERMINAL.has(status);
}
