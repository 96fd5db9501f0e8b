import type { ToolResult } from '../../server/core/define.js';

/** The tool could not do what was asked. The text says why, and what would work. */
export function problem(text: string): ToolResult {
  return { isError: true, content: [{ type: 'text', text: clip(text, 4000) }] };
}

/**
 * A structured result; its JSON is also the text that older clients read. How large it may be is the server's to say:
 * tools clip and page what they show so that it stays far below.
 */
export function reply(structured: unknown): ToolResult {
  return { structured };
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
