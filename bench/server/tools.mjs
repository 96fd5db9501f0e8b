// The tools that every server of the bench offers: `add`, and as many like it as a list should have.
import { z } from 'zod';

export const TOOL_COUNTS = { call: 2, list: 20 };
export const SCOPE = 'bench:add';

export const inputShape = { a: z.number(), b: z.number() };
export const outputShape = { sum: z.number() };

/** @param {number} count */
export function toolNames(count) {
  return Array.from({ length: count }, (_none, index) => (index === 0 ? 'add' : `add_${index}`));
}

export const DESCRIPTION = 'Adds two numbers and answers with their sum, as text and structured.';

export function add({ a, b }) {
  const structured = { sum: a + b };
  return {
    content: [{ type: 'text', text: JSON.stringify(structured) }],
    structuredContent: structured,
  };
}
