import { fromJsonSchema } from '@modelcontextprotocol/server';
import type { JsonObject, JsonValue } from '../../shared/json.js';
import type { ToolDefinition } from '../core/define.js';
import type { Registry } from '../core/registry.js';
import { type Schema, documentOf } from '../core/schema.js';

const compiled = new WeakMap<JsonObject, Schema>();

/** The schema that checks: a hand-written document is compiled, once; any other schema checks itself. */
export function checkingSchema(schema: Schema): Schema {
  const document = documentOf(schema);
  return document === undefined ? schema : compileDocument(document);
}

/**
 * A JSON Schema document as a schema that checks. What reads it is loaded with the first one.
 *
 * @throws when the document cannot be compiled
 */
export function compileDocument(document: JsonObject): Schema {
  const known = compiled.get(document);
  if (known !== undefined) return known;
  const made = fromJsonSchema(withoutId(document) as never) as unknown as Schema;
  compiled.set(document, made);
  return made;
}

/**
 * Compiles the hand-written schemas of all tools, so that a faulty one is known before its tool is called.
 *
 * @throws {TypeError} that names the tool
 */
export function compileSchemas({ tools }: Registry): void {
  for (const tool of tools.values()) {
    for (const side of ['input', 'output'] as const) compileSide(tool, side);
  }
}

function compileSide(tool: ToolDefinition, side: 'input' | 'output'): void {
  const schema = tool[side];
  if (schema === undefined) return;
  try {
    checkingSchema(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(
      `tool ${JSON.stringify(tool.name)}: its ${side} schema cannot be used: ${reason}`,
      { cause: error },
    );
  }
}

/**
 * The document without its name. The SDK's validator knows documents by it for ever: two of the same name, of two
 * tools or of a registry that was replaced, would be the same to it.
 */
function withoutId(document: JsonObject): JsonObject {
  const { $id: id, ...rest } = document;
  if (typeof id !== 'string') return document;
  const name = id.replace(/#$/, '');
  return JSON.parse(JSON.stringify(rest), (key, value: JsonValue) => {
    if (key !== '$ref' || typeof value !== 'string') return value;
    if (value === name) return '#';
    return value.startsWith(`${name}#`) ? value.slice(name.length) : value;
  }) as JsonObject;
}
