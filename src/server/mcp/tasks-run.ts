import {
  type CallToolResult,
  MissingRequiredClientCapabilityError,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { AuditOutcome } from '../core/audit.js';
import type { Answer, Question, ToolContext } from '../core/context.js';
import type { ToolDefinition, ToolTask } from '../core/define.js';
import { type RunningTask, TaskCancelledError } from '../core/running-task.js';
import type { Tasks } from '../core/tasks.js';
import { isAnswerTo, toInputRequests } from './ask.js';
import { appendAudit } from './audit-call.js';
import { internalError, toWireError } from './errors.js';
import type { OperationEnvironment, Outcome } from './operation.js';
import { LimitedError } from './refusals.js';
import { formatTask } from './tasks.js';

const DEFAULT_TTL_MS = 3_600_000;
const DEFAULT_POLL_INTERVAL_MS = 1000;
// A client that never answers as it was asked must not be asked for ever.
const MAX_ROUNDS = 10;

/** What is needed to run a tool as a task. */
export interface TaskCall {
  readonly environment: OperationEnvironment;
  readonly tasks: Tasks;
  readonly tool: ToolDefinition;
  readonly options: ToolTask;
  /** The context of the request: of use until the task begins. */
  readonly context: ToolContext;
  /** Checks the arguments, runs the tool, fits its result. */
  run(tool: ToolDefinition, context: ToolContext): Promise<Outcome<CallToolResult>>;
}

/**
 * Runs a tool that may go on after its answer. Until the task begins all is as in any call: arguments are checked,
 * questions are put to the caller. With its beginning the caller is answered, and the tool is on its own.
 */
export async function runAsTask(call: TaskCall): Promise<Outcome<CallToolResult>> {
  const { options, tool, context } = call;
  const escalation = new Escalation(call);
  const begun = new Promise<RunningTask>((resolve) => (escalation.onBegin = resolve));
  const work = call.run(
    {
      ...tool,
      async handler(args, inner) {
        if (options.begins !== 'in-handler') await escalation.begin();
        return tool.handler(args, inner);
      },
    },
    escalation.contextFrom(context),
  );
  // A task that has begun is told of, however soon it ends.
  const first = await Promise.race([begun.then((task) => ({ task })), work]).catch(
    (error: unknown) => {
      escalation.leave();
      throw error;
    },
  );
  if (!('task' in first)) {
    escalation.leave();
    return first;
  }
  const background = finish(call, first.task, work);
  const created = { ...formatTask(first.task.record), resultType: 'task' };
  return { result: created as unknown as CallToolResult, outcome: 'ok', background };
}

/** The step from a call to a task. */
class Escalation {
  onBegin: (task: RunningTask) => void = () => undefined;
  readonly #call: TaskCall;
  readonly #controller = new AbortController();
  readonly #onGone = (): void => {
    if (this.#task === undefined) this.#controller.abort(this.#call.context.signal.reason);
  };
  #task: RunningTask | undefined;
  #beginning: Promise<void> | undefined;

  constructor(call: TaskCall) {
    this.#call = call;
    const { signal } = call.context;
    if (signal.aborted) this.#onGone();
    else signal.addEventListener('abort', this.#onGone, { once: true });
  }

  begin(): Promise<void> {
    this.#beginning ??= this.#begin();
    return this.#beginning;
  }

  /** The request is over, or the task has begun: it is no affair of the request any more. */
  leave(): void {
    this.#call.context.signal.removeEventListener('abort', this.#onGone);
  }

  /** The tool's context: of the request at first, of the task when that has begun. */
  contextFrom(context: ToolContext): ToolContext {
    const { environment } = this.#call;
    return {
      principal: context.principal,
      era: context.era,
      clock: context.clock,
      signal: this.#controller.signal,
      clientCapabilities: context.clientCapabilities,
      ask: (questions) =>
        this.#task === undefined
          ? context.ask(questions)
          : askInTask(this.#call, this.#task, questions),
      // A task has neither log messages nor progress: how far it is stands in its status.
      log: async (...message) => (this.#task === undefined ? context.log(...message) : undefined),
      progress: async (progress, total, message) => {
        if (this.#task === undefined) return context.progress(progress, total, message);
        const share = total === undefined ? `${progress}` : `${progress} of ${total}`;
        return this.#task.say(message ?? share);
      },
      closeStream: () => (this.#task === undefined ? context.closeStream() : undefined),
      upstream: (name) =>
        environment.upstreams === undefined
          ? context.upstream(name)
          : environment.upstreams.open(name, context.principal, () => this.#controller.signal),
      beginTask: () => this.begin(),
    };
  }

  async #begin(): Promise<void> {
    const { tasks, tool, options, context } = this.#call;
    const task = await tasks.begin({
      principal: context.principal,
      tool: tool.name,
      ttlMs: options.ttlMs ?? DEFAULT_TTL_MS,
      pollIntervalMs: options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS,
    });
    if (task === undefined) {
      const message = 'You have too many tasks: wait until some have expired.';
      throw new LimitedError({ reason: 'concurrency', message, retryAfterSeconds: 60 });
    }
    this.#task = task;
    this.leave();
    task.signal.addEventListener('abort', () => this.#controller.abort(task.signal.reason), {
      once: true,
    });
    this.onBegin(task);
  }
}

/** Asks the client of a task, again where an answer does not fit its question. */
async function askInTask<Key extends string>(
  { context }: TaskCall,
  task: RunningTask,
  questions: Readonly<Record<Key, Question>>,
): Promise<Record<Key, Answer>> {
  const answers: Partial<Record<Key, Answer>> = {};
  let open = Object.entries<Question>(questions);
  refuseUndeclared(
    context.clientCapabilities,
    open.map(([, question]) => question),
  );
  for (let round = 0; open.length > 0; round++) {
    if (round === MAX_ROUNDS)
      throw new TypeError('the answers of the client do not fit the questions');
    const requests = toInputRequests(Object.fromEntries(open));
    const given = await task.ask(requests as unknown as Record<string, JsonObject>);
    const left: typeof open = [];
    for (const [key, question] of open) {
      const answer = given[key];
      if (isJsonObject(answer) && (await isAnswerTo(question, answer)))
        answers[key as Key] = answer;
      else left.push([key, question]);
    }
    open = left;
  }
  return answers as Record<Key, Answer>;
}

/** @throws MissingRequiredClientCapabilityError when the client did not say that it can be asked so */
function refuseUndeclared(declared: JsonObject, questions: readonly Question[]): void {
  const missing: Record<string, JsonObject> = {};
  for (const { kind } of questions) {
    const name = CAPABILITY_OF[kind];
    const have = declared[name];
    const lacksUrl = kind === 'url' && !(isJsonObject(have) && isJsonObject(have['url']));
    if (!isJsonObject(have) || lacksUrl) missing[name] = kind === 'url' ? { url: {} } : {};
  }
  if (Object.keys(missing).length > 0) {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: missing });
  }
}

const CAPABILITY_OF = {
  form: 'elicitation',
  url: 'elicitation',
  sampling: 'sampling',
  roots: 'roots',
} as const;

/** Waits for the tool, and writes down how its task ended. Never rejects. */
async function finish(
  call: TaskCall,
  task: RunningTask,
  work: Promise<Outcome<CallToolResult>>,
): Promise<void> {
  const { environment, tool, context } = call;
  const ended = await work.then(toEnding, (error: unknown) => failed(call, error));
  // A tool that stops because it was told to has not failed; one that was done anyway has its result.
  const isStopped = task.isCancelled && ended.outcome !== 'ok';
  try {
    if (isStopped) await task.end('cancelled', undefined);
    else await task.end(ended.status, ended.payload);
  } catch (error) {
    environment.logger.error('the end of a task could not be stored', { tool: tool.name, error });
  }
  await appendAudit(environment, {
    principal: context.principal,
    operation: 'tasks/run',
    target: tool.name,
    arguments: undefined,
    outcome: isStopped ? 'cancelled' : ended.outcome,
    reason: isStopped ? undefined : ended.reason,
    startedAt: task.record.createdAtMs,
    requestId: undefined,
    traceId: undefined,
  });
}

interface Ending {
  readonly status: 'completed' | 'failed';
  readonly payload: JsonObject;
  readonly outcome: AuditOutcome;
  readonly reason: string | undefined;
}

function toEnding({ result, outcome, reason }: Outcome<CallToolResult>): Ending {
  return { status: 'completed', payload: result as unknown as JsonObject, outcome, reason };
}

/** Only what is an error on the wire fails a task: a tool that could not do it has a result that says so. */
function failed({ environment, tool }: TaskCall, error: unknown): Ending {
  const wireError = toWireError(error);
  if (wireError === undefined && !(error instanceof TaskCancelledError)) {
    environment.logger.error('a task failed', { tool: tool.name, error });
  }
  const { code, message, data } = wireError ?? internalError();
  return {
    status: 'failed',
    payload: { code, message, ...(data !== undefined && { data: data as JsonObject }) },
    outcome: 'failed',
    reason: 'handler_error',
  };
}
