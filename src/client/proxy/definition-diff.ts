import { createHash } from 'node:crypto';
import { type JsonObject, type JsonValue, isJsonObject } from '../../shared/json.js';
import { printable } from '../token-endpoint.js';

/** What a model or a person relies on. Icons and other decoration may change. */
const PINNED_FIELDS = [
  'name',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'annotations',
] as const;
const MAX_LINES = 40;
const MAX_VALUE_CHARS = 300;

/** The parts of a definition that are pinned, in one order. */
export function pinnedPart(tool: JsonObject): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const field of PINNED_FIELDS) {
    const value = tool[field];
    if (value !== undefined) kept[field] = sorted(value);
  }
  return kept;
}

export function definitionHash(pinned: JsonObject): string {
  return createHash('sha256').update(JSON.stringify(pinned)).digest('base64url').slice(0, 22);
}

/** Lines `- path: value` and `+ path: value` for everything that differs. For terminals: no control characters. */
export function diffDefinitions(before: JsonObject, after: JsonObject): string[] {
  const lines: string[] = [];
  compare(before, after, '', lines);
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} lines more`];
}

function compare(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: string,
  lines: string[],
): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (isJsonObject(before) && isJsonObject(after)) {
    for (const key of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      compare(before[key], after[key], path === '' ? key : `${path}.${key}`, lines);
    }
    return;
  }
  for (const [sign, value] of [
    ['-', before],
    ['+', after],
  ] as const) {
    if (value === undefined) continue;
    lines.push(
      `${sign} ${printable(path, 200)}: ${printable(JSON.stringify(value), MAX_VALUE_CHARS)}`,
    );
  }
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}
