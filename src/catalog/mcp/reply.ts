import type { ToolResult } from '../../server/core/define.js';
import { DEFAULT_CALL_LIMITS } from '../../server/core/limits.js';

/** The tool could not do what was asked. The text says why, and what would work. */
export function problem(text: string): ToolResult {
  return { isError: true, content: [{ type: 'text', text: clip(text, 4000) }] };
}

/** What a server sends of a result unless it is told otherwise: beyond it, it would send a link in the place of the result. */
const MAX_RESULT_BYTES = DEFAULT_CALL_LIMITS.maxResultBytes ?? Number.POSITIVE_INFINITY;

/**
 * A structured result; its JSON is also the text that older clients read.
 *
 * @param flexible - a text or a list in it that gives way when the whole would be larger than a server sends
 */
export function reply(structured: object, flexible?: string): ToolResult {
  if (flexible === undefined) return { structured };
  const given = (structured as Record<string, unknown>)[flexible];
  const excess = jsonBytes(structured) - MAX_RESULT_BYTES;
  if (excess <= 0) return { structured };
  return { structured: { ...structured, [flexible]: shortened(given, excess) } };
}

/** Whether a server sends it as it is. */
export function isSendable(structured: object): boolean {
  return jsonBytes(structured) <= MAX_RESULT_BYTES;
}

function shortened(value: unknown, excess: number): unknown {
  // What JSON escapes only makes the rest smaller.
  if (typeof value === 'string') {
    return clip(value, Math.max(3, Buffer.byteLength(value) - excess));
  }
  if (!Array.isArray(value)) return value;
  let left = excess;
  let end = value.length;
  while (left > 0 && end > 0) {
    end -= 1;
    left -= jsonBytes(value[end] as unknown) + 1;
  }
  return value.slice(0, end);
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Cuts a text to a number of UTF-8 bytes, at a character, and marks the cut. */
export function clip(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const cut = Buffer.from(text).subarray(0, maxBytes - 3);
  return `${cut.toString('utf8').replace(/\uFFFD+$/u, '')}…`;
}

/** `"a", "b" or "c"`: ids and labels for a sentence. */
export function listed(items: readonly string[], joiner: 'and' | 'or' = 'or'): string {
  const quoted = items.map((item) => JSON.stringify(item));
  if (quoted.length < 2) return quoted.join('');
  return `${quoted.slice(0, -1).join(', ')} ${joiner} ${quoted.at(-1)}`;
}
