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
  return {
    '~standard': {
      version: 1,
      vendor: standard.vendor,
      validate: (value) => standard.validate(value),
      jsonSchema: { input: memo('input'), output: memo('output') },
    },
  };
}

/**
 * Wraps a hand-written JSON Schema 2020-12, passed to clients unharmed.
 *
 * Does NOT validate arguments against it unless `validate` is given: without one, any JSON object is accepted and
 * the tool's handler has to check what it uses.
 */
export function jsonSchema<Output = JsonObject>(
  document: JsonObject,
  validate?: (value: unknown) => SchemaOutcome<Output>,
): Schema<Output> {
  const emit = (): Record<string, unknown> => ({ ...document });
  return {
    '~standard': {
      version: 1,
      vendor: 'json-schema',
      validate: validate ?? ((value) => ({ value: (value ?? {}) as Output })),
      jsonSchema: { input: emit, output: emit },
    },
  };
}
