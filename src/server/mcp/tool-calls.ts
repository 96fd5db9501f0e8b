import {
  type CallToolResult,
  type InputRequiredResult,
  MissingRequiredClientCapabilityError,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { ToolContext } from '../core/context.js';
import type { SizedResult } from '../core/budget.js';
import type { ToolDefinition, ToolResult } from '../core/define.js';
import { textOf } from '../core/policy.js';
import type { SchemaIssue } from '../core/schema.js';
import { UpstreamCredentialError } from '../upstream/errors.js';
import { UnansweredSignal } from './ask.js';
import { toWireError } from './errors.js';
import { checkingSchema } from './json-schema.js';
import {
  type OperationContext,
  type OperationEnvironment,
  type Outcome,
  asParams,
  runOperation,
  visibleIn,
} from './operation.js';
import { RefusedError, unknownTool } from './refusals.js';
import { TASKS_EXTENSION, declaresTasks, taskOf, tasksRequired } from './tasks.js';
import { type TaskCall, runAsTask } from './tasks-run.js';

/** Fits a result to the era it goes out in. */
export type ProjectResult = (result: CallToolResult, tool: ToolDefinition) => CallToolResult;

/** Serves `tools/call`. What the model can mend comes back as an `isError` result; what the client did wrong, as an error. */
export async function callTool(
  environment: OperationEnvironment,
  project: ProjectResult,
  request: { readonly method: string; readonly params?: unknown },
  context: OperationContext,
): Promise<CallToolResult | InputRequiredResult> {
  const params = asParams(request.params);
  try {
    return await runOperation(
      environment,
      { method: request.method, params },
      context,
      async (toolContext) => {
        const visible = visibleIn(environment, toolContext.principal);
        const tool = visible.tools.get(textOf(params['name']));
        if (tool === undefined) throw unknownTool(params['name']);
        const lacking = lackingCapabilities(tool, toolContext);
        if (lacking !== undefined) return { ...lacking, result: project(lacking.result, tool) };
        return executeOrBegin(environment, project, tool, params['arguments'], toolContext);
      },
    );
  } catch (error) {
    // No HTTP status can carry it here, and a model reads results, not errors.
    if (error instanceof RefusedError) return errorResult(error.message);
    throw error;
  }
}

/** Runs the tool; as a task, when it may be one and the client knows what that is. */
async function executeOrBegin(
  environment: OperationEnvironment,
  project: ProjectResult,
  tool: ToolDefinition,
  args: unknown,
  context: ToolContext,
): Promise<Outcome<CallToolResult>> {
  const run: TaskCall['run'] = async (called, inner) => {
    const { result, ...ending } = await execute(environment, called, args, inner);
    return { result: project(result, tool), ...ending };
  };
  const options = taskOf(tool);
  const { tasks } = environment;
  if (options === undefined) return run(tool, context);
  if (tasks !== undefined && declaresTasks(environment, context.clientCapabilities)) {
    return runAsTask({ environment, tasks, tool, options, context, run });
  }
  if (options.support === 'optional') return run(tool, context);
  if (environment.era === 'modern') throw tasksRequired();
  const message = `${tool.name} takes so long that it runs as a task alone: it needs a client of MCP 2026-07-28 with the extension ${TASKS_EXTENSION}`;
  return { result: errorResult(message), outcome: 'tool_error', reason: 'missing_capability' };
}

async function execute(
  environment: OperationEnvironment,
  tool: ToolDefinition,
  given: unknown,
  context: ToolContext,
): Promise<Outcome<CallToolResult>> {
  const { budget } = environment.policy;
  const page = budget.pageOf(tool, given, context.principal);
  if (!page.ok) return invalidArguments(page.message);
  const { args, start } = page;
  const input = await (tool.input && checkingSchema(tool.input)['~standard'].validate(args ?? {}));
  if (input?.issues !== undefined) {
    return invalidArguments(`Invalid arguments for ${tool.name}: ${describeIssues(input.issues)}`);
  }
  try {
    const made = await tool.handler(input === undefined ? (args ?? {}) : input.value, context);
    const sized = await toSizedResult(tool, made);
    const fitted = budget.fit(sized, { tool, principal: context.principal, args, start });
    return {
      result: toCallToolResult(fitted instanceof Promise ? await fitted : fitted),
      outcome: made.isError === true ? 'tool_error' : 'ok',
    };
  } catch (error) {
    if (error instanceof UnansweredSignal || toWireError(error) !== undefined) throw error;
    // That a token is missing the person can mend, or time; a refusal is the owner's affair.
    if (error instanceof UpstreamCredentialError && error.reason !== 'refused') {
      const reason = `upstream_${error.reason}`;
      return { result: errorResult(error.message), outcome: 'tool_error', reason };
    }
    environment.logger.error('a tool failed', { tool: tool.name, error });
    return {
      result: errorResult(
        `${tool.name} failed for a reason inside the server. It is in the server's log.`,
      ),
      outcome: 'failed',
      reason: 'handler_error',
    };
  }
}

async function toSizedResult(tool: ToolDefinition, made: ToolResult): Promise<SizedResult> {
  const isError = made.isError === true;
  const structured = await checkedStructure(tool, made, isError);
  const { content } = made;
  if (content !== undefined) return { content, structured, isMirrored: false, isError };
  if (structured === undefined) return { content: [], structured, isMirrored: true, isError };
  const text = JSON.stringify(structured);
  return { content: [{ type: 'text', text }], structured, isMirrored: true, isError };
}

function toCallToolResult({ content, structured, isError }: SizedResult): CallToolResult {
  return {
    content: content as CallToolResult['content'],
    ...(structured !== undefined && { structuredContent: structured }),
    ...(isError && { isError }),
  };
}

function invalidArguments(message: string): Outcome<CallToolResult> {
  return { result: errorResult(message), outcome: 'tool_error', reason: 'invalid_arguments' };
}

/** The output as the tool's schema describes it; a tool that breaks its own promise is a defect, not an answer. */
async function checkedStructure(
  tool: ToolDefinition,
  made: ToolResult,
  isError: boolean,
): Promise<unknown> {
  if (tool.output === undefined || isError) return made.structured;
  const outcome = await checkingSchema(tool.output)['~standard'].validate(made.structured);
  if (outcome.issues !== undefined) {
    throw new TypeError(
      `the result of tool ${tool.name} does not fit its output schema: ${describeIssues(outcome.issues)}`,
    );
  }
  return outcome.value;
}

/**
 * The refusal of a call whose client cannot do what the tool relies on; undefined when it can.
 *
 * @throws MissingRequiredClientCapabilityError (-32021) on a modern request: the code does not exist before 2026-07-28
 */
function lackingCapabilities(
  tool: ToolDefinition,
  context: ToolContext,
): Outcome<CallToolResult> | undefined {
  if (tool.requiredCapabilities === undefined) return undefined;
  const missing = missingMembers(tool.requiredCapabilities, context.clientCapabilities);
  if (Object.keys(missing).length === 0) return undefined;
  if (context.era === 'modern') {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: missing });
  }
  const names = JSON.stringify(missing);
  return {
    result: errorResult(`${tool.name} needs client capabilities that were not declared: ${names}`),
    outcome: 'tool_error',
    reason: 'missing_capability',
  };
}

function missingMembers(required: JsonObject, declared: JsonObject): JsonObject {
  const missing: Record<string, JsonObject[string]> = {};
  for (const [name, wanted] of Object.entries(required)) {
    const have = declared[name];
    if (have === undefined || have === null || have === false) missing[name] = wanted;
    else if (isJsonObject(wanted) && isJsonObject(have)) {
      const inner = missingMembers(wanted, have);
      if (Object.keys(inner).length > 0) missing[name] = inner;
    }
  }
  return missing;
}

function errorResult(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true };
}

function describeIssues(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, 8).map(({ message, path }) => {
    const where = (path ?? [])
      .map((part) => String(typeof part === 'object' ? part.key : part))
      .join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
  return shown.join('; ');
}
