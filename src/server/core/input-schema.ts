import { isJsonObject } from '../../shared/json.js';
import type { ToolDefinition } from './define.js';

const DIALECT = 'draft-2020-12';
const ANNOTATION = 'x-mcp-header';
// RFC 9110 §5.6.2: token
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_TYPES = new Set<unknown>(['string', 'integer', 'boolean']);
/** Keywords that hold values, not schemas. */
const DATA_KEYWORDS = new Set(['const', 'default', 'enum', 'examples']);

/**
 * Checks what clients would otherwise punish in silence: an input schema whose root is no object breaks `tools/list`
 * as a whole, and a conforming client drops a tool with a bad `x-mcp-header`.
 *
 * @throws {TypeError} that names the tool and the place
 * @see MCP 2026-07-28, server/tools (input schema) and basic/transports/streamable-http (custom headers)
 */
export function checkInputSchema({ name, input }: Pick<ToolDefinition, 'name' | 'input'>): void {
  if (input === undefined) return;
  const schema = input['~standard'].jsonSchema.input({ target: DIALECT });
  if (schema['type'] !== 'object') {
    throw new TypeError(
      `tool ${JSON.stringify(name)}: the root of its input schema has to be of type "object", it is ${JSON.stringify(schema['type'])}`,
    );
  }
  const seen = new Set<string>();
  visit(schema, [], true, (annotated, path, isReachable) => {
    const fault = faultOf(annotated, isReachable && path.length > 0, seen);
    if (fault !== undefined) {
      const place = path.length === 0 ? 'the root' : path.join('.');
      throw new TypeError(`tool ${JSON.stringify(name)}: ${ANNOTATION} at ${place} ${fault}`);
    }
  });
}

/** The header names that an input schema asks for, in lower case and without their prefix. */
export function inputHeadersOf(schema: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const names = new Set<string>();
  visit(schema, [], true, ({ [ANNOTATION]: name }) => {
    if (typeof name === 'string') names.add(name.toLowerCase());
  });
  return names;
}

type Annotated = Readonly<Record<string, unknown>>;

/** @param seen - header names so far, in lower case; the one at hand is added */
function faultOf(schema: Annotated, isReachable: boolean, seen: Set<string>): string | undefined {
  const header = schema[ANNOTATION];
  if (!isReachable) return 'is not on a property that is reached through "properties" alone';
  if (typeof header !== 'string' || !TOKEN.test(header)) {
    return `has to be a header name (RFC 9110 token), it is ${JSON.stringify(header)}`;
  }
  if (!HEADER_TYPES.has(schema['type'])) {
    return `needs a property of type string, integer or boolean, it is ${JSON.stringify(schema['type'])}`;
  }
  const key = header.toLowerCase();
  if (seen.has(key)) return `repeats the header name ${JSON.stringify(header)}`;
  seen.add(key);
  return undefined;
}

function visit(
  schema: unknown,
  path: readonly string[],
  isReachable: boolean,
  onAnnotation: (schema: Annotated, path: readonly string[], isReachable: boolean) => void,
): void {
  if (Array.isArray(schema)) {
    for (const item of schema) visit(item, path, false, onAnnotation);
    return;
  }
  if (!isJsonObject(schema)) return;
  if (ANNOTATION in schema) onAnnotation(schema, path, isReachable);
  for (const [keyword, value] of Object.entries(schema)) {
    if (DATA_KEYWORDS.has(keyword)) continue;
    if (keyword === 'properties' && isJsonObject(value)) {
      for (const [property, child] of Object.entries(value)) {
        visit(child, [...path, property], isReachable, onAnnotation);
      }
    } else {
      visit(value, [...path, keyword], false, onAnnotation);
    }
  }
}
