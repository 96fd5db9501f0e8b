import type { Prompt, Resource, ResourceTemplateType, Tool } from '@modelcontextprotocol/server';
import { quote } from '../../shared/errors.js';
import type { PromptDefinition, ToolDefinition } from '../core/define.js';
import type { Registry } from '../core/registry.js';
import { invalidParams } from './errors.js';

/** What the list operations answer, made once per registry: it is the same at every call. */
export interface Listing {
  readonly tools: readonly Tool[];
  readonly prompts: readonly Prompt[];
  readonly resources: readonly Resource[];
  readonly resourceTemplates: readonly ResourceTemplateType[];
}

const PAGE_SIZE = 200;
const EMPTY_INPUT: Tool['inputSchema'] = { type: 'object', properties: {} };
const DIALECT = 'draft-2020-12';

const listings = new WeakMap<Registry, Listing>();

export function listingOf(registry: Registry): Listing {
  const known = listings.get(registry);
  if (known !== undefined) return known;
  const made: Listing = {
    tools: [...registry.tools.values()].map(listTool),
    prompts: [...registry.prompts.values()].map(listPrompt),
    resources: [...registry.resources.values()].map(({ uri, ...rest }) => ({
      uri,
      ...describe(rest),
    })),
    resourceTemplates: [...registry.resourceTemplates.values()].map(({ uriTemplate, ...rest }) => ({
      uriTemplate,
      ...describe(rest),
    })),
  };
  listings.set(registry, made);
  return made;
}

/**
 * One page of a list. The cursor is opaque to clients; an empty one is the beginning.
 *
 * @throws an Invalid Params error on a cursor this server did not make
 */
export function pageOf<Item>(
  items: readonly Item[],
  cursor: unknown,
): { readonly page: Item[]; readonly nextCursor?: string } {
  if (cursor !== undefined && typeof cursor !== 'string') {
    throw invalidParams('params.cursor has to be a string');
  }
  const start = cursor === undefined || cursor === '' ? 0 : parseCursor(cursor);
  if (start > items.length) throw invalidParams(`cursor ${quote(cursor)} is not one of this list`);
  const end = start + PAGE_SIZE;
  const page = items.slice(start, end);
  return end < items.length ? { page, nextCursor: formatCursor(end) } : { page };
}

/** A tool's input schema as `tools/list` shows it. */
export function inputSchemaOf(tool: ToolDefinition): Tool['inputSchema'] {
  if (tool.input === undefined) return EMPTY_INPUT;
  const { vendor, jsonSchema } = tool.input['~standard'];
  return tidy(vendor, jsonSchema.input({ target: DIALECT })) as Tool['inputSchema'];
}

export function outputSchemaOf(tool: ToolDefinition): Tool['outputSchema'] {
  if (tool.output === undefined) return undefined;
  const { vendor, jsonSchema } = tool.output['~standard'];
  return tidy(vendor, jsonSchema.output({ target: DIALECT }));
}

/** Generated schemas need not name the default dialect: it is bytes in every model's context. Hand-written ones stay. */
function tidy(vendor: string, schema: Record<string, unknown>): Record<string, unknown> {
  if (vendor === 'json-schema') return schema;
  const { $schema: _dialect, ...rest } = schema;
  return rest;
}

function listTool(tool: ToolDefinition): Tool {
  const outputSchema = outputSchemaOf(tool);
  return {
    name: tool.name,
    ...(tool.title !== undefined && { title: tool.title }),
    description: tool.description,
    inputSchema: inputSchemaOf(tool),
    ...(outputSchema !== undefined && { outputSchema }),
    ...(tool.annotations !== undefined && { annotations: { ...tool.annotations } }),
    ...(tool.meta !== undefined && { _meta: { ...tool.meta } }),
  };
}

function listPrompt(prompt: PromptDefinition): Prompt {
  return {
    name: prompt.name,
    ...(prompt.title !== undefined && { title: prompt.title }),
    ...(prompt.description !== undefined && { description: prompt.description }),
    arguments: (prompt.arguments ?? []).map(({ name, description, required }) => ({
      name,
      ...(description !== undefined && { description }),
      ...(required !== undefined && { required }),
    })),
  };
}

function describe(resource: {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly meta?: object;
}): Omit<Resource, 'uri'> {
  const { name, title, description, mimeType, meta } = resource;
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(mimeType !== undefined && { mimeType }),
    ...(meta !== undefined && { _meta: { ...meta } }),
  };
}

function formatCursor(position: number): string {
  return Buffer.from(`at:${position}`).toString('base64url');
}

function parseCursor(cursor: string): number {
  const match = /^at:(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (match === null) throw invalidParams(`cursor ${quote(cursor)} is not one of this list`);
  return Number(match[1]);
}
