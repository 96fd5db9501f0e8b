import {
  type McpServer,
  MissingRequiredClientCapabilityError,
  type Result,
  type ServerContext,
  type StandardSchemaV1,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { ToolDefinition, ToolTask } from '../core/define.js';
import type { TaskRecord } from '../core/task-store.js';
import type { Tasks } from '../core/tasks.js';
import { internalError, invalidParams, toWireError } from './errors.js';
import { observing } from './observation.js';
import { type OperationEnvironment, requireAccess } from './operation.js';
import { type Params, requireObject, requireText } from './params.js';

/** The name of the tasks extension in the capabilities of both sides. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

const REQUIRED_CAPABILITIES = { extensions: { [TASKS_EXTENSION]: {} } };
const MAX_ANSWERS = 100;

/** How a tool is run as a task; undefined when it never is. */
export function taskOf({ task }: ToolDefinition): ToolTask | undefined {
  return typeof task === 'string' ? { support: task } : task;
}

/** Whether this request says that its client knows tasks. They exist since 2026-07-28. */
export function declaresTasks(
  environment: Pick<OperationEnvironment, 'era'>,
  capabilities: JsonObject,
): boolean {
  const { extensions } = capabilities;
  return (
    environment.era === 'modern' &&
    isJsonObject(extensions) &&
    isJsonObject(extensions[TASKS_EXTENSION])
  );
}

/** Refuses a client that does not know tasks, where there is no other way to serve it. */
export function tasksRequired(): MissingRequiredClientCapabilityError {
  return new MissingRequiredClientCapabilityError({ requiredCapabilities: REQUIRED_CAPABILITIES });
}

/** A task as `tools/call` answers it: no result, no questions. */
export function formatTask(task: TaskRecord): JsonObject {
  return {
    taskId: task.id,
    status: task.status,
    ...(task.statusMessage !== undefined && { statusMessage: task.statusMessage }),
    createdAt: new Date(task.createdAtMs).toISOString(),
    lastUpdatedAt: new Date(task.updatedAtMs).toISOString(),
    ttlMs: task.expiresAtMs - task.createdAtMs,
    pollIntervalMs: task.pollIntervalMs,
  };
}

/** A task as `tasks/get` answers it. */
function formatDetailedTask(task: TaskRecord): JsonObject {
  const { status, outcome, inputRequests } = task;
  return {
    ...formatTask(task),
    ...(status === 'input_required' && { inputRequests }),
    ...(status === 'completed' && { result: outcome ?? { content: [] } }),
    ...(status === 'failed' && { error: outcome ?? { code: -32603, message: 'Internal error' } }),
  };
}

// As for the other methods: what is read is judged by the handlers.
const AS_THEY_ARE: StandardSchemaV1<Params> = {
  '~standard': {
    version: 1,
    vendor: 'catalog-mcp',
    validate: (params) => ({ value: params as Params }),
  },
};

/**
 * `tasks/get`, `tasks/update` and `tasks/cancel`. A task is its owner's: for others it does not exist, and the scopes of
 * its tool are asked for again.
 *
 * @see SEP-2663
 */
export function registerTaskHandlers(
  { server }: McpServer,
  environment: OperationEnvironment,
  tasks: Tasks,
): void {
  const handle = (
    method: string,
    work: (task: TaskRecord, context: ServerContext) => Promise<JsonObject>,
  ): void => {
    const serve = async (params: Params, context: ServerContext): Promise<JsonObject> => {
      try {
        if (!declaresTasks(environment, environment.clientCapabilitiesOf(context)))
          throw tasksRequired();
        return await work(await ownTask(environment, tasks, params, context), context);
      } catch (error) {
        const wireError = toWireError(error);
        if (wireError !== undefined) throw wireError;
        environment.logger.error('a request failed', { method, error });
        throw internalError();
      }
    };
    server.setRequestHandler(
      method,
      { params: AS_THEY_ARE },
      observing(environment, method, serve) as (
        params: Params,
        context: ServerContext,
      ) => Promise<Result>,
    );
  };
  handle('tasks/get', async (task) => formatDetailedTask(task));
  handle('tasks/update', async (task, { mcpReq }) => {
    // The SDK takes them out of the params.
    const answers = requireObject(mcpReq.inputResponses, 'params.inputResponses');
    if (Object.keys(answers).length > MAX_ANSWERS) {
      throw invalidParams(`params.inputResponses has more than ${MAX_ANSWERS} members`);
    }
    await tasks.answer(task, answers);
    return {};
  });
  handle('tasks/cancel', async (task) => {
    await tasks.cancel(task);
    return {};
  });
}

async function ownTask(
  environment: OperationEnvironment,
  tasks: Tasks,
  params: Params,
  context: ServerContext,
): Promise<TaskRecord> {
  const principal = environment.principalOf(context);
  const id = requireText(params['taskId'], 'params.taskId');
  const task = await tasks.find(id, principal);
  if (task === undefined) throw invalidParams('There is no such task, or it has expired');
  requireAccess(environment, { method: 'tools/call', params: { name: task.tool } }, principal);
  return task;
}
