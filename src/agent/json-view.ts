import { type JsonObject, type JsonValue, isJsonObject } from '../shared/json.js';

/** A value with the name of the field that it was read from, so that a reason can cite it. */
export interface Found<T> {
  readonly field: string;
  readonly value: T;
}

/** The first of several spellings of a field that an object has; null counts as absent. */
export function pick(object: JsonObject, names: readonly string[]): Found<JsonValue> | undefined {
  for (const field of names) {
    const value = object[field];
    if (value !== undefined && value !== null) return { field, value };
  }
  return undefined;
}

export function pickString(
  object: JsonObject,
  names: readonly string[],
): Found<string> | undefined {
  const found = pick(object, names);
  return typeof found?.value === 'string' ? { field: found.field, value: found.value } : undefined;
}

export function pickNumber(
  object: JsonObject,
  names: readonly string[],
): Found<number> | undefined {
  const found = pick(object, names);
  return typeof found?.value === 'number' ? { field: found.field, value: found.value } : undefined;
}

export function pickArray(
  object: JsonObject,
  names: readonly string[],
): Found<readonly JsonValue[]> | undefined {
  const found = pick(object, names);
  return Array.isArray(found?.value)
    ? { field: found.field, value: found.value as readonly JsonValue[] }
    : undefined;
}

/** The name in an entry that is either a plain string or an object with the name in one of its fields. */
export function nameOf(entry: JsonValue, names: readonly string[]): string | undefined {
  if (typeof entry === 'string') return entry;
  return isJsonObject(entry) ? pickString(entry, names)?.value : undefined;
}

/** Structural equality of JSON values; the order of an object's members does not count. */
export function jsonEquals(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return (
      a.length === b.length &&
      a.every((item, at) => jsonEquals(item as JsonValue, b[at] as JsonValue))
    );
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [left, right] = [a[name], b[name]];
      return left !== undefined && right !== undefined && jsonEquals(left, right);
    })
  );
}
