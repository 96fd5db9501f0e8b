import { type JsonValue, isJsonObject } from '../../shared/json.js';
import { type Result, err, ok } from '../../shared/result.js';

/** An argument of a tool that has to be repeated in a header. */
export interface MirroredArgument {
  readonly header: string;
  readonly path: readonly string[];
}

const ANNOTATION = 'x-mcp-header';
// RFC 9110 §5.6.2: token
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TYPES = new Set<unknown>(['string', 'integer', 'boolean']);
/** Keywords that hold values, not schemas. */
const DATA_KEYWORDS = new Set(['const', 'default', 'enum', 'examples']);
const MAX_DEPTH = 64;

/**
 * Finds the arguments that a tool wants mirrored in headers.
 *
 * @returns the reason when an annotation breaks the rules: such a tool is not to be offered
 * @see MCP 2026-07-28, Streamable HTTP, custom headers (SEP-2243)
 */
export function mirroredArguments(
  inputSchema: unknown,
): Result<readonly MirroredArgument[], string> {
  const found: MirroredArgument[] = [];
  const seen = new Set<string>();
  const visit = (
    schema: JsonValue,
    path: readonly string[],
    isReachable: boolean,
  ): string | undefined => {
    if (path.length > MAX_DEPTH) return 'the schema is nested too deep';
    if (Array.isArray(schema)) {
      for (const item of schema as readonly JsonValue[]) {
        const fault = visit(item, [...path, '*'], false);
        if (fault !== undefined) return fault;
      }
      return undefined;
    }
    if (!isJsonObject(schema)) return undefined;
    if (Object.hasOwn(schema, ANNOTATION)) {
      const header = schema[ANNOTATION];
      const fault = faultOf(header, schema['type'], isReachable && path.length > 0, seen);
      if (fault !== undefined) return `${ANNOTATION} at ${path.join('.') || 'the root'} ${fault}`;
      if (typeof header === 'string') found.push({ header, path });
    }
    for (const [keyword, value] of Object.entries(schema)) {
      if (DATA_KEYWORDS.has(keyword) || keyword === ANNOTATION) continue;
      const isProperties = keyword === 'properties' && isJsonObject(value);
      const children = isProperties ? Object.entries(value) : [[keyword, value] as const];
      for (const [name, child] of children) {
        const fault = visit(child, [...path, name], isProperties && isReachable);
        if (fault !== undefined) return fault;
      }
    }
    return undefined;
  };
  const fault = isJsonObject(inputSchema) ? visit(inputSchema, [], true) : undefined;
  return fault === undefined ? ok(found) : err(fault);
}

function faultOf(
  header: unknown,
  type: unknown,
  isReachable: boolean,
  seen: Set<string>,
): string | undefined {
  if (!isReachable) return 'is not on a property that is reached through `properties` alone';
  if (typeof header !== 'string' || !TOKEN.test(header)) return 'is not a header name';
  if (!TYPES.has(type)) return 'is not on a string, an integer or a boolean';
  const lower = header.toLowerCase();
  if (seen.has(lower)) return 'is used twice';
  seen.add(lower);
  return undefined;
}

/** The headers of one call. Arguments that are absent or null, or of no simple type, have none. */
export function mirrorHeaders(
  plan: readonly MirroredArgument[],
  args: JsonValue | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of plan) {
    let value: JsonValue | undefined = args;
    for (const key of path) value = isJsonObject(value) ? value[key] : undefined;
    const text = textFor(value);
    if (text !== undefined) headers[`mcp-param-${header.toLowerCase()}`] = headerValue(text);
  }
  return headers;
}

function textFor(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  const isWritable =
    typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value));
  return isWritable ? String(value) : undefined;
}

/** A text as a header value: as it is where that is safe, else base64 between the markers of SEP-2243. */
export function headerValue(text: string): string {
  const isPlain =
    /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !/^=\?base64\?.*\?=$/.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
