import type {
  CompleteResult,
  GetPromptResult,
  InputRequiredResult,
  ServerContext,
} from '@modelcontextprotocol/server';
import { quote } from '../../shared/errors.js';
import type { JsonObject } from '../../shared/json.js';
import type { Completer } from '../core/define.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { invalidParams } from './errors.js';
import { type OperationEnvironment, runOperation, visibleIn } from './operation.js';
import { type Params, requireObject, requireText, textMembers } from './params.js';
import { unknownPrompt } from './refusals.js';

const MAX_COMPLETIONS = 100;

/** Serves `prompts/get`. */
export async function getPrompt(
  environment: OperationEnvironment,
  params: Params,
  context: ServerContext,
): Promise<GetPromptResult | InputRequiredResult> {
  const name = requireText(params['name'], 'params.name');
  const args = textMembers(params['arguments'], 'params.arguments');
  return runOperation(
    environment,
    { method: 'prompts/get', params },
    context,
    async (requestContext) => {
      const prompt = visibleIn(environment, requestContext.principal).prompts.get(name);
      if (prompt === undefined) throw unknownPrompt(name);
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
  params: Params,
  principal?: Principal,
): Promise<CompleteResult> {
  const ref = requireObject(params['ref'], 'params.ref');
  const argument = requireObject(params['argument'], 'params.argument');
  const name = requireText(argument['name'], 'params.argument.name');
  const value = requireText(argument['value'], 'params.argument.value');
  const { context } = params;
  const known =
    context === undefined
      ? {}
      : textMembers(
          requireObject(context, 'params.context')['arguments'],
          'params.context.arguments',
        );
  const completer = findCompleter(registry, ref, name);
  const values = (await completer?.(value, { arguments: known, principal })) ?? [];
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
  ref: JsonObject,
  argument: string,
): Completer | undefined {
  if (ref['type'] === 'ref/prompt') {
    const name = requireText(ref['name'], 'params.ref.name');
    const prompt = registry.prompts.get(name);
    if (prompt === undefined) throw unknownPrompt(name);
    return prompt.arguments?.find((candidate) => candidate.name === argument)?.complete;
  }
  if (ref['type'] !== 'ref/resource') {
    throw invalidParams('params.ref.type has to be "ref/prompt" or "ref/resource"');
  }
  const uri = requireText(ref['uri'], 'params.ref.uri');
  const template = registry.resourceTemplates.get(uri);
  if (template === undefined && !registry.resources.has(uri)) {
    throw invalidParams(`Unknown resource template: ${quote(uri)}`);
  }
  return template?.complete?.[argument];
}
