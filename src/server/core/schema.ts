import type { JsonObject } from '../../shared/json.js';

/**
 * What the registry needs of a schema: the Standard Schema interface with its JSON Schema side. Every zod 4 schema
 * is one; {@link jsonSchema} wraps a JSON Schema 2020-12 document that was written by hand.
 *
 * @see https://standardschema.dev
 */
export interface Schema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaOutcome<Output> | Promise<SchemaOutcome<Output>>;
    readonly jsonSchema: {
      readonly input: (options: { readonly target: string }) => Record<string, unknown>;
      readonly output: (options: { readonly target: string }) => Record<string, unknown>;
    };
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

export type SchemaOutcome<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type SchemaOutput<S> = S extends Schema<infer Output> ? Output : never;

/**
 * Freezes a schema: validation as before, its JSON Schema computed once per direction and target. Conversion is the
 * dearest part of `tools/list`, and the answer never changes.
 */
export function frozenSchema<Output>(schema: Schema<Output>): Schema<Output> {
  const standard = schema['~standard'];
  const memo = (direction: 'input' | 'output') => {
    const byTarget = new Map<string, Record<string, unknown>>();
    return (options: { readonly target: string }): Record<string, unknown> => {
      const known = byTarget.get(options.target);
      if (known !== undefined) return known;
      const made = standard.jsonSchema[direction](options);
      byTarget.set(options.target, made);
      return made;
    };
  };
  const frozen: Schema<Output> = {
    '~standard': {
      version: 1,
      vendor: standard.vendor,
      validate: (value) => standard.validate(value),
      jsonSchema: { input: memo('input'), output: memo('output') },
    },
  };
  const document = documentOf(schema);
  return document === undefined ? frozen : Object.assign(frozen, { [DOCUMENT]: document });
}

// Known to every copy of this module: a tool may have been made with another one than serves it.
const DOCUMENT = Symbol.for('catalog-mcp/schema-document');

/** The document of a hand-written schema that came without a `validate` of its own; undefined for any other. */
export function documentOf(schema: Schema): JsonObject | undefined {
  return (schema as { readonly [DOCUMENT]?: JsonObject })[DOCUMENT];
}

/**
 * Wraps a hand-written JSON Schema, passed to clients unharmed. A server checks arguments, structured results and
 * answers to forms against it.
 *
 * Without `validate`, the dialect has to be 2020-12 (the default), 2019-09, draft-07 or draft-06, and every reference
 * has to stay in the document: a registry refuses anything else, and nothing is ever fetched. Outside a server
 * nothing is checked: `~standard.validate` of such a schema takes any value.
 *
 * @param document - must not be changed afterwards
 * @param validate - checks in place of the document, which then may be of any dialect
 */
export function jsonSchema<Output = JsonObject>(
  document: JsonObject,
  validate?: (value: unknown) => SchemaOutcome<Output>,
): Schema<Output> {
  const emit = (): Record<string, unknown> => ({ ...document });
  const schema: Schema<Output> = {
    '~standard': {
      version: 1,
      vendor: 'json-schema',
      validate: validate ?? ((value) => ({ value: (value ?? {}) as Output })),
      jsonSchema: { input: emit, output: emit },
    },
  };
  return validate === undefined ? Object.assign(schema, { [DOCUMENT]: document }) : schema;
}
