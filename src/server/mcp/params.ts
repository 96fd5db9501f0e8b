import { quote } from '../../shared/errors.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import { invalidParams } from './errors.js';

/** Parameters of a request as they came: an object, and nothing else is known of them. */
export type Params = Readonly<Record<string, unknown>>;

/**
 * A string parameter.
 *
 * @param place - as it is called in the message, for example `params.uri`
 * @throws an Invalid Params error
 */
export function requireText(value: unknown, place: string): string {
  if (typeof value !== 'string') throw invalidParams(`${place} has to be a string`);
  return value;
}

/** @throws an Invalid Params error */
export function requireObject(value: unknown, place: string): JsonObject {
  if (!isJsonObject(value)) throw invalidParams(`${place} has to be an object`);
  return value;
}

/**
 * An object of strings; an empty one when nothing was given.
 *
 * @throws an Invalid Params error
 */
export function textMembers(value: unknown, place: string): Record<string, string> {
  if (value === undefined) return {};
  return Object.fromEntries(
    Object.entries(requireObject(value, place)).map(([name, member]) => [
      name,
      requireText(member, `${place}[${quote(name)}]`),
    ]),
  );
}
