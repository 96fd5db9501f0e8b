import { quote } from '../../shared/errors.js';
import { type JsonObject, type JsonValue, isJsonObject, parseJson } from '../../shared/json.js';
import { ClientUsageError } from './errors.js';

export interface CallArguments {
  readonly url: string | undefined;
  readonly tool: string;
  /** Whole, as JSON; or pairs, whose types the tool's schema decides. */
  readonly input:
    | { readonly kind: 'json'; readonly value: JsonObject }
    | { readonly kind: 'pairs'; readonly pairs: readonly (readonly [string, string])[] };
}

function looksLikeUrl(text: string | undefined): boolean {
  return text !== undefined && /^https?:\/\//i.test(text);
}

/**
 * Reads `[url] <tool> [json | key=value...]`.
 *
 * @throws {ClientUsageError} names the argument that cannot be read
 */
export function parseCallArguments(args: readonly string[]): CallArguments {
  const hasUrl = looksLikeUrl(args[0]);
  const [tool, ...rest] = hasUrl ? args.slice(1) : args;
  if (tool === undefined || tool === '') {
    throw new ClientUsageError('call needs the name of a tool. List them: catalog-client tools');
  }
  return { url: hasUrl ? args[0] : undefined, tool, input: parseInput(rest) };
}

function parseInput(rest: readonly string[]): CallArguments['input'] {
  const [first] = rest;
  if (first === undefined) return { kind: 'json', value: {} };
  if (first.trimStart().startsWith('{')) {
    const parsed = parseJson(first);
    if (rest.length === 1 && parsed.ok && isJsonObject(parsed.value)) {
      return { kind: 'json', value: parsed.value };
    }
    throw new ClientUsageError(
      `the arguments ${quote(first)} are not one JSON object. In most shells single quotes belong around it: '{"query":"sql"}'`,
    );
  }
  return { kind: 'pairs', pairs: rest.map(parsePair) };
}

function parsePair(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0 && /^[\w.-]+$/.test(text.slice(0, at))) return [text.slice(0, at), text.slice(at + 1)];
  throw new ClientUsageError(
    `the argument ${quote(text)} is neither a JSON object nor key=value. For example: query=sql, or '{"query":"sql"}'`,
  );
}

/**
 * Makes arguments of pairs. Texts stay texts where the schema wants one; everything else is read as JSON where it can
 * be. A key given twice becomes a list.
 */
export function pairsToArguments(
  pairs: readonly (readonly [string, string])[],
  inputSchema: unknown,
): JsonObject {
  const properties = isJsonObject(inputSchema) ? inputSchema['properties'] : undefined;
  const result: Record<string, JsonValue> = {};
  for (const [key, text] of pairs) {
    const schema = isJsonObject(properties) ? properties[key] : undefined;
    const type = isJsonObject(schema) ? schema['type'] : undefined;
    const items = isJsonObject(schema) ? schema['items'] : undefined;
    const earlier = Object.hasOwn(result, key) ? result[key] : undefined;
    if (type === 'array') {
      const list = Array.isArray(earlier) ? (earlier as readonly JsonValue[]) : [];
      const itemType = isJsonObject(items) ? items['type'] : undefined;
      const whole = text.startsWith('[') ? parseJson(text) : undefined;
      result[key] =
        whole?.ok === true && Array.isArray(whole.value)
          ? whole.value
          : [...list, readValue(text, itemType)];
    } else if (earlier === undefined) {
      result[key] = readValue(text, type);
    } else {
      throw new ClientUsageError(`${quote(key)} is given twice, but the tool takes one value`);
    }
  }
  return result;
}

function readValue(text: string, type: unknown): JsonValue {
  if (type === 'string') return text;
  const parsed = parseJson(text);
  return parsed.ok ? parsed.value : text;
}
