import { type JsonObject, isJsonObject } from '../../shared/json.js';

/** Dialects that are checked, by the identifier of their meta-schema without scheme and trailing `#`. */
const DIALECTS: ReadonlyMap<string, string> = new Map([
  ['//json-schema.org/draft/2020-12/schema', '2020-12'],
  ['//json-schema.org/draft/2019-09/schema', '2019-09'],
  // Draft 7 only adds to draft 6.
  ['//json-schema.org/draft-07/schema', 'draft-07'],
  ['//json-schema.org/draft-06/schema', 'draft-07'],
]);
const DEFAULT_DIALECT = '2020-12';
const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'] as const;
/** Keywords that hold values, not schemas. */
const DATA_KEYWORDS = new Set(['const', 'default', 'enum', 'examples']);
/** Keywords that hold schemas by names of their own, which may look like keywords. */
const NAMED_KEYWORDS = new Set([
  '$defs',
  'definitions',
  'dependentSchemas',
  'patternProperties',
  'properties',
]);
// Stands for the address of a document that names none.
const NO_BASE = 'document:///';

interface Place {
  readonly path: readonly string[];
  /** What relative references are relative to. */
  readonly base: string;
}

/**
 * Checks what would make a hand-written JSON Schema mean something else here than its author thinks: a dialect that
 * is not supported, and a reference that leads out of the document. Nothing is ever fetched.
 *
 * Does NOT check the rest: whether it can be compiled shows when the server is made.
 *
 * @param name - how messages call the document, for example `tool "search": its input schema`
 * @throws {TypeError} that names the document and the place
 * @see MCP 2026-07-28, basic (JSON Schema usage)
 */
export function checkSchemaDocument(document: JsonObject, name: string): void {
  const dialect = dialectOf(document['$schema']) ?? DEFAULT_DIALECT;
  const ids = new Set<string>([NO_BASE]);
  const references: { readonly place: Place; readonly keyword: string; readonly to: string }[] = [];
  visit(document, { path: [], base: NO_BASE }, (schema, place) => {
    if ('$schema' in schema && dialectOf(schema['$schema']) !== dialect) {
      throw new TypeError(
        `${name} has the $schema ${JSON.stringify(schema['$schema'])} at ${textOf(place.path)}, which is not supported: ` +
          'leave it out for 2020-12, name one of 2020-12, 2019-09, draft-07 or draft-06 at the root, or give jsonSchema() a validate function',
      );
    }
    ids.add(place.base);
    for (const keyword of REFERENCES) {
      const to = schema[keyword];
      if (typeof to === 'string') references.push({ place, keyword, to });
    }
  });
  for (const { place, keyword, to } of references) {
    if (ids.has(resolve(to, place.base) ?? '')) continue;
    throw new TypeError(
      `${name} has the ${keyword} ${JSON.stringify(to)} at ${textOf(place.path)}, which leads out of the document: ` +
        'nothing is fetched, put the schema under "$defs"',
    );
  }
}

function dialectOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return DIALECTS.get(value.replace(/^https?:/, '').replace(/#$/, ''));
}

function visit(
  schema: unknown,
  { path, base: outer }: Place,
  onSchema: (schema: JsonObject, place: Place) => void,
): void {
  if (Array.isArray(schema)) {
    for (const [at, item] of schema.entries()) {
      visit(item, { path: [...path, String(at)], base: outer }, onSchema);
    }
    return;
  }
  if (!isJsonObject(schema)) return;
  const { $id: id } = schema;
  const base = (typeof id === 'string' ? resolve(id, outer) : undefined) ?? outer;
  onSchema(schema, { path, base });
  for (const [keyword, value] of Object.entries(schema)) {
    if (DATA_KEYWORDS.has(keyword)) continue;
    if (NAMED_KEYWORDS.has(keyword) && isJsonObject(value)) {
      for (const [name, child] of Object.entries(value)) {
        visit(child, { path: [...path, keyword, name], base }, onSchema);
      }
    } else {
      visit(value, { path: [...path, keyword], base }, onSchema);
    }
  }
}

/** The address without its fragment; undefined for what is none. */
function resolve(reference: string, base: string): string | undefined {
  try {
    const url = new URL(reference, base);
    url.hash = '';
    return url.href;
  } catch {
    return undefined;
  }
}

function textOf(path: readonly string[]): string {
  return path.length === 0 ? 'the root' : path.join('.');
}
