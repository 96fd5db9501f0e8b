import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { ToolDefinition } from './define.js';
import { type Schema, documentOf, jsonSchema } from './schema.js';

const DIALECT = 'draft-2020-12';
/** The argument that asks for a further page, and the member of a result that names it. */
export const CURSOR_ARGUMENT = 'cursor';
export const CURSOR_MEMBER = 'next_cursor';
/** What a page needs besides its items: the cursor, and the member that holds it. */
const CURSOR_BYTES = 256;

const CURSOR_INPUT: JsonObject = {
  type: 'string',
  maxLength: 500,
  description: 'next_cursor of the last page',
};
const CURSOR_OUTPUT: JsonObject = { type: 'string' };

/** The member that the core may cut; undefined for tools that do not say. */
export function listMember(tool: ToolDefinition): string | undefined {
  return typeof tool.budget === 'object' ? tool.budget.list : undefined;
}

/**
 * A tool with a list budget as clients see it: with the argument and the member of paging in its schemas.
 *
 * @throws {TypeError} when the tool may change something (it runs once per page), or a schema leaves no room for paging
 */
export function withPaging(tool: ToolDefinition): ToolDefinition {
  const list = listMember(tool);
  if (list === undefined) return tool;
  const name = `tool ${JSON.stringify(tool.name)}`;
  if (tool.annotations?.readOnlyHint !== true) {
    throw new TypeError(
      `${name} has a list budget, so it runs once per page: it needs the annotation readOnlyHint`,
    );
  }
  const input = extended(tool.input, 'input', CURSOR_ARGUMENT, CURSOR_INPUT, name);
  if (tool.output === undefined) return { ...tool, input };
  const properties = propertiesOf(emitted(tool.output, 'output'));
  const listed = properties[list];
  if (!isJsonObject(listed) || listed['type'] !== 'array' || Number(listed['minItems'] ?? 0) > 1) {
    throw new TypeError(
      `${name} has a list budget: its output schema needs the property ${JSON.stringify(list)} of type "array" without minItems`,
    );
  }
  return {
    ...tool,
    input,
    output: extended(tool.output, 'output', CURSOR_MEMBER, CURSOR_OUTPUT, name),
  };
}

/** One page of a result that was cut. */
export interface Page {
  readonly structured: JsonObject;
  /** Positions in the whole list, from 0; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

/**
 * Cuts the list of a result so that its JSON stays below a number of bytes.
 *
 * @returns undefined when not even one item fits, or the member is no list
 */
export function cutPage(
  structured: unknown,
  list: string,
  start: number,
  maxBytes: number,
): Page | undefined {
  if (!isJsonObject(structured)) return undefined;
  const items = structured[list];
  if (!Array.isArray(items)) return undefined;
  const rest = { ...structured, [list]: [] };
  let left = maxBytes - CURSOR_BYTES - Buffer.byteLength(JSON.stringify(rest));
  let end = start;
  while (end < items.length) {
    // The comma, too.
    left -= Buffer.byteLength(JSON.stringify(items[end]) ?? 'null') + 1;
    if (left < 0) break;
    end += 1;
  }
  if (end === start && start < items.length) return undefined;
  return {
    structured: { ...structured, [list]: items.slice(start, end) },
    start,
    end,
    total: items.length,
  };
}

function extended(
  schema: Schema | undefined,
  direction: 'input' | 'output',
  property: string,
  definition: JsonObject,
  name: string,
): Schema {
  if (schema === undefined) {
    return jsonSchema({ type: 'object', properties: { [property]: definition } });
  }
  const document = emitted(schema, direction);
  if (document['type'] !== 'object' || '$ref' in document || property in propertiesOf(document)) {
    throw new TypeError(
      `${name} has a list budget: its ${direction} schema has to be an object without a property ${JSON.stringify(property)}, which the server adds`,
    );
  }
  const extend = (given: Record<string, unknown>): JsonObject => ({
    ...(given as JsonObject),
    properties: { ...propertiesOf(given as JsonObject), [property]: definition },
  });
  const written = documentOf(schema);
  if (written !== undefined) return jsonSchema(extend(written));
  const standard = schema['~standard'];
  const { input, output } = standard.jsonSchema;
  // What is checked never has the property: it is taken out before, and put in after.
  return {
    '~standard': {
      version: 1,
      vendor: standard.vendor,
      validate: (value) => standard.validate(value),
      jsonSchema: {
        input: (options) => (direction === 'input' ? extend(input(options)) : input(options)),
        output: (options) => (direction === 'output' ? extend(output(options)) : output(options)),
      },
    },
  };
}

function emitted(schema: Schema, direction: 'input' | 'output'): JsonObject {
  return schema['~standard'].jsonSchema[direction]({ target: DIALECT }) as JsonObject;
}

function propertiesOf(document: JsonObject): JsonObject {
  const { properties } = document;
  return isJsonObject(properties) ? properties : {};
}
