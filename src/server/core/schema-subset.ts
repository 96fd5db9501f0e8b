import { isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { ToolDefinition } from './define.js';
import type { Registry } from './registry.js';

const DIALECT = 'draft-2020-12';
/** Keywords that hold values, not schemas. */
const DATA_KEYWORDS = new Set(['const', 'default', 'enum', 'examples']);
/** Keywords that hold schemas by names of their own, which may look like keywords. */
const NAMED_KEYWORDS = new Set(['$defs', 'definitions', 'dependentSchemas', 'properties']);
const REFUSED_ANYWHERE = new Set([
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  'patternProperties',
  'prefixItems',
]);
const REFUSED_AT_ROOT = new Set(['oneOf', 'anyOf', 'allOf', 'not']);

/**
 * Warns of schemas outside the subset that every model vendor takes: no references, tuples or `patternProperties`, an
 * object at the root without `oneOf`, `anyOf`, `allOf` or `not`. They are passed on as they are. One warning per tool
 * and registry; the keywords that a tool lists in `allowSchemaKeywords` are used knowingly.
 */
export function warnOfSchemas({ tools }: Registry, logger: Logger): void {
  for (const tool of tools.values()) {
    const allowed = new Set(tool.allowSchemaKeywords);
    const input = keywordsIn(tool, 'input').filter((keyword) => !allowed.has(keyword));
    const output = keywordsIn(tool, 'output').filter((keyword) => !allowed.has(keyword));
    if (input.length + output.length === 0) continue;
    logger.warn(
      'a tool has schemas that some model vendors refuse: change them, or list the keywords in its allowSchemaKeywords',
      {
        tool: tool.name,
        ...(input.length > 0 && { input: input.join(', ') }),
        ...(output.length > 0 && { output: output.join(', ') }),
      },
    );
  }
}

/** The keywords outside the subset, each once; `type` stands for a root that is no object. */
export function keywordsIn(tool: ToolDefinition, side: 'input' | 'output'): string[] {
  const schema = tool[side]?.['~standard'].jsonSchema[side]({ target: DIALECT });
  if (schema === undefined) return [];
  const found = new Set<string>();
  if (schema['type'] !== 'object') found.add('type');
  for (const keyword of Object.keys(schema)) if (REFUSED_AT_ROOT.has(keyword)) found.add(keyword);
  visit(schema, found);
  return [...found];
}

function visit(schema: unknown, found: Set<string>): void {
  if (Array.isArray(schema)) {
    for (const item of schema) visit(item, found);
    return;
  }
  if (!isJsonObject(schema)) return;
  for (const [keyword, value] of Object.entries(schema)) {
    if (DATA_KEYWORDS.has(keyword)) continue;
    // Before 2020-12 a tuple was a list of schemas in `items`.
    if (REFUSED_ANYWHERE.has(keyword) || (keyword === 'items' && Array.isArray(value))) {
      found.add(keyword);
    }
    const isNamed = NAMED_KEYWORDS.has(keyword) && isJsonObject(value);
    for (const child of isNamed ? Object.values(value) : [value]) visit(child, found);
  }
}
