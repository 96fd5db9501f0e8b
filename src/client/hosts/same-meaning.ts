import { isDeepStrictEqual } from 'node:util';

/** Whether two parsed documents say the same, whatever the order of their members and the prototypes of their parser. */
export function isSameMeaning(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return new Map(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
