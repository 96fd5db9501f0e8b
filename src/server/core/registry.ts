import type {
  PromptDefinition,
  ResourceDefinition,
  ResourceTemplateDefinition,
  ToolDefinition,
} from './define.js';
import { checkInputSchema } from './input-schema.js';
import { checkToolLimits } from './limits.js';
import { withPaging } from './pages.js';
import { checkSchemaDocument } from './schema-document.js';
import { documentOf, frozenSchema } from './schema.js';
import { type UriTemplate, compileUriTemplate } from './uri-template.js';

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
 * @throws {TypeError} on a name outside `[A-Za-z0-9_.-]{1,128}`, on a name or URI given twice, on an input schema that
 *   {@link checkInputSchema} refuses, on a hand-written schema that {@link checkSchemaDocument} refuses, on a URI template that {@link compileUriTemplate} does not take,
 *   on a list budget that {@link withPaging} refuses
 * @throws {RangeError} on limits of a tool that are none
 */
export function createRegistry(options: RegistryOptions): Registry {
  const tools = (options.tools ?? []).map((tool) => {
    if (!TOOL_NAME.test(tool.name)) {
      throw new TypeError(`tool name ${JSON.stringify(tool.name)} does not match ${TOOL_NAME}`);
    }
    if (tool.limits !== undefined) {
      checkToolLimits(`tool ${JSON.stringify(tool.name)}: limits`, tool.limits);
    }
    const paged = withPaging(tool);
    const frozen = {
      ...paged,
      ...(paged.input && { input: frozenSchema(paged.input) }),
      ...(paged.output && { output: frozenSchema(paged.output) }),
    };
    checkInputSchema(frozen);
    for (const side of ['input', 'output'] as const) {
      const document = tool[side] && documentOf(tool[side]);
      if (document === undefined) continue;
      checkSchemaDocument(document, `tool ${JSON.stringify(tool.name)}: its ${side} schema`);
    }
    return frozen;
  });
  for (const template of options.resourceTemplates ?? []) compiled(template);
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

/** What stands behind a resource URI. */
export type FoundResource =
  | { readonly kind: 'resource'; readonly definition: ResourceDefinition }
  | {
      readonly kind: 'template';
      readonly definition: ResourceTemplateDefinition;
      readonly variables: Readonly<Record<string, string>>;
    };

/** The resource of that exact URI, else the first template that fits. */
export function findResource(registry: Registry, uri: string): FoundResource | undefined {
  const definition = registry.resources.get(uri);
  if (definition !== undefined) return { kind: 'resource', definition };
  for (const template of registry.resourceTemplates.values()) {
    const variables = compiled(template).match(uri);
    if (variables !== undefined) return { kind: 'template', definition: template, variables };
  }
  return undefined;
}

const compiledTemplates = new WeakMap<ResourceTemplateDefinition, UriTemplate>();

function compiled(template: ResourceTemplateDefinition): UriTemplate {
  const known = compiledTemplates.get(template);
  if (known !== undefined) return known;
  const made = compileUriTemplate(template.uriTemplate);
  compiledTemplates.set(template, made);
  return made;
}
