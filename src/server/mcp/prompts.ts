import type {
  CompleteResult,
  GetPromptResult,
  InputRequiredResult,
  ServerContext,
} from '@modelcontextprotocol/server';
import { quote } from '../../shared/errors.js';
import { isJsonObject } from '../../shared/json.js';
import type { Completer } from '../core/define.js';
import type { Principal } from '../core/principal.js';
import { textOf } from '../core/policy.js';
import type { Registry } from '../core/registry.js';
import { invalidParams } from './errors.js';
import { type OperationEnvironment, asParams, runOperation } from './operation.js';

const MAX_COMPLETIONS = 100;

/** Serves `prompts/get`. */
export async function getPrompt(
  environment: OperationEnvironment,
  request: { readonly method: string; readonly params?: unknown },
  context: ServerContext,
): Promise<GetPromptResult | InputRequiredResult> {
  const params = asParams(request.params);
  return runOperation(
    environment,
    { method: request.method, params },
    context,
    async (requestContext) => {
      const prompt = environment.registry.prompts.get(textOf(params['name']));
      if (prompt === undefined) throw invalidParams(`Unknown prompt: ${quote(params['name'])}`);
      const args = textMembers(params['arguments']);
      const missing = (prompt.arguments ?? []).find(
        (argument) => argument.required === true && args[argument.name] === undefined,
      );
      if (missing !== undefined) {
        throw invalidParams(`Prompt ${prompt.name} needs the argument ${quote(missing.name)}`);
      }
      const made = await prompt.render(args, requestContext);
      const description = made.description ?? prompt.description;
      const result = {
        ...(description !== undefined && { description }),
        messages: made.messages.map(({ role, content }) => ({ role, content })),
      };
      return { result: result as GetPromptResult, outcome: 'ok' };
    },
  );
}

/** Serves `completion/complete` for prompt arguments and template variables. */
export async function complete(
  registry: Registry,
  params: unknown,
  principal?: Principal,
): Promise<CompleteResult> {
  const { ref, argument, context } = asParams(params);
  if (!isJsonObject(ref) || !isJsonObject(argument)) {
    throw invalidParams('params.ref and params.argument have to be objects');
  }
  const completer = findCompleter(registry, ref, textOf(argument['name']));
  const known = isJsonObject(context) ? textMembers(context['arguments']) : {};
  const values =
    (await completer?.(textOf(argument['value']), { arguments: known, principal })) ?? [];
  return {
    completion: {
      values: values.slice(0, MAX_COMPLETIONS),
      total: values.length,
      hasMore: values.length > MAX_COMPLETIONS,
    },
  };
}

function findCompleter(
  registry: Registry,
  ref: Readonly<Record<string, unknown>>,
  argument: string,
): Completer | undefined {
  if (ref['type'] === 'ref/prompt') {
    const prompt = registry.prompts.get(textOf(ref['name']));
    if (prompt === undefined) throw invalidParams(`Unknown prompt: ${quote(ref['name'])}`);
    return prompt.arguments?.find((candidate) => candidate.name === argument)?.complete;
  }
  const uri = textOf(ref['uri']);
  const template = registry.resourceTemplates.get(uri);
  if (template === undefined && !registry.resources.has(uri)) {
    throw invalidParams(`Unknown resource template: ${quote(ref['uri'])}`);
  }
  return template?.complete?.[argument];
}

function textMembers(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (member): member is [string, string] => typeof member[1] === 'string',
    ),
  );
}
