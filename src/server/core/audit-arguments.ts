import { isJsonObject } from '../../shared/json.js';
import { MASK, createRedactor, isSecretName } from '../../shared/redact.js';

/** A longer text is cut: an audit row says what was asked, it does not keep documents. */
const MAX_CHARS = 4096;
const MAX_DEPTH = 32;

const redactor = createRedactor();

/**
 * The arguments of a call as the audit log keeps them: JSON, with every member masked whose name is in `secrets` or says
 * that it is a secret, at any depth, and texts without what looks like one.
 *
 * @param secrets - from {@link secretNamesIn}
 * @returns undefined when there are no arguments
 */
export function auditedArguments(args: unknown, secrets: ReadonlySet<string>): string | undefined {
  if (!isJsonObject(args)) return undefined;
  const text = JSON.stringify(args, (name, value: unknown) => {
    if (secrets.has(name) || isSecretName(name)) return MASK;
    return typeof value === 'string' ? redactor.text(value) : value;
  });
  return text.length <= MAX_CHARS
    ? text
    : JSON.stringify({ cut: `${text.slice(0, MAX_CHARS)}…`, characters: text.length });
}

/**
 * The names of the properties that a JSON Schema declares as secret: `writeOnly: true`, or `format: "password"`. By name
 * alone: one that is secret in one branch of the schema is masked in all.
 */
export function secretNamesIn(schema: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  collect(schema, names, MAX_DEPTH);
  return names;
}

function collect(node: unknown, names: Set<string>, depth: number): void {
  if (depth === 0 || typeof node !== 'object' || node === null) return;
  for (const [keyword, value] of Object.entries(node)) {
    if (keyword === 'properties' && isJsonObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        if (isDeclaredSecret(member)) names.add(name);
      }
    }
    collect(value, names, depth - 1);
  }
}

function isDeclaredSecret(schema: unknown): boolean {
  return isJsonObject(schema) && (schema['writeOnly'] === true || schema['format'] === 'password');
}
