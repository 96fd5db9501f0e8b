import { type Result, err, ok } from './result.js';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonObject = { readonly [key: string]: JsonValue };

export type JsonRejection = 'too_large' | 'malformed' | 'too_deep';

/**
 * Parses JSON that came from outside, within limits. Never throws.
 *
 * @param options.maxBytes - limit on the UTF-8 length of the text. Default 1 MiB
 * @param options.maxDepth - limit on nesting. Default 64
 */
export function parseJson(
  text: string,
  options: { readonly maxBytes?: number; readonly maxDepth?: number } = {},
): Result<JsonValue, JsonRejection> {
  const { maxBytes = 1024 * 1024, maxDepth = 64 } = options;
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) return err('too_large');
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    return err('malformed');
  }
  return isWithinDepth(value, maxDepth) ? ok(value) : err('too_deep');
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON with the members of every object in order: a client may send them in another one when it repeats a call. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isJsonObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  );
}

function isWithinDepth(root: JsonValue, maxDepth: number): boolean {
  // An explicit stack: recursion would let the sender choose our stack depth.
  const stack: { value: JsonValue; depth: number }[] = [{ value: root, depth: 0 }];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (typeof item.value !== 'object' || item.value === null) continue;
    if (item.depth >= maxDepth) return false;
    for (const child of Object.values(item.value)) {
      stack.push({ value: child, depth: item.depth + 1 });
    }
  }
  return true;
}
