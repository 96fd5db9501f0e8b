import type {
  PromptDefinition,
  ResourceDefinition,
  ResourceTemplateDefinition,
  ToolDefinition,
} from './define.js';
import { frozenSchema } from './schema.js';

/** Everything one server offers. Plain data and handlers: no protocol, no transport. */
export interface Registry {
  readonly tools: ReadonlyMap<string, ToolDefinition>;
  readonly resources: ReadonlyMap<string, ResourceDefinition>;
  readonly resourceTemplates: ReadonlyMap<string, ResourceTemplateDefinition>;
  readonly prompts: ReadonlyMap<string, PromptDefinition>;
}

export interface RegistryOptions {
  readonly tools?: readonly ToolDefinition[];
  readonly resources?: readonly ResourceDefinition[];
  readonly resourceTemplates?: readonly ResourceTemplateDefinition[];
  readonly prompts?: readonly PromptDefinition[];
}

const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/**
 * Builds a registry; lists keep the order given, so that `tools/list` is the same at every call.
 *
 * @throws {TypeError} on a name outside `[A-Za-z0-9_.-]{1,128}`, on a name or URI given twice
 */
export function createRegistry(options: RegistryOptions): Registry {
  const tools = (options.tools ?? []).map((tool) => {
    if (!TOOL_NAME.test(tool.name)) {
      throw new TypeError(`tool name ${JSON.stringify(tool.name)} does not match ${TOOL_NAME}`);
    }
    return {
      ...tool,
      ...(tool.input && { input: frozenSchema(tool.input) }),
      ...(tool.output && { output: frozenSchema(tool.output) }),
    };
  });
  return {
    tools: index('tool', tools, (tool) => tool.name),
    resources: index('resource', options.resources ?? [], (resource) => resource.uri),
    resourceTemplates: index(
      'resource template',
      options.resourceTemplates ?? [],
      (template) => template.uriTemplate,
    ),
    prompts: index('prompt', options.prompts ?? [], (prompt) => prompt.name),
  };
}

function index<T>(kind: string, items: readonly T[], keyOf: (item: T) => string): Map<string, T> {
  const byKey = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (byKey.has(key)) throw new TypeError(`${kind} ${JSON.stringify(key)} is given twice`);
    byKey.set(key, item);
  }
  return byKey;
}
