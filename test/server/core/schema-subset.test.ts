import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type JsonObject,
  type ToolDefinition,
  createRegistry,
  defineTool,
  jsonSchema,
} from '../../../src/server/index.js';
import { keywordsIn, warnOfSchemas } from '../../../src/server/core/schema-subset.js';

const tool = (more: Partial<ToolDefinition>): ToolDefinition =>
  defineTool({
    name: 'tool',
    description: 'A tool for its schemas.',
    scopes: [],
    handler: () => ({}),
    ...more,
  });
const object = (more: JsonObject): Partial<ToolDefinition> => ({
  input: jsonSchema({ type: 'object', ...more }),
});

describe('schemas that model vendors refuse', () => {
  it.each([
    ['a reference', object({ properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: {} } }), '$ref'],
    ['anyOf at the root', object({ anyOf: [{ required: ['a'] }] }), 'anyOf'],
    ['not at the root', object({ not: { required: ['a'] } }), 'not'],
    ['a tuple', object({ properties: { a: { prefixItems: [{}, {}] } } }), 'prefixItems'],
    [
      'a tuple of draft-07',
      object({
        $schema: 'http://json-schema.org/draft-07/schema#',
        properties: { a: { items: [{}, {}] } },
      }),
      'items',
    ],
    ['patterns', object({ properties: { a: { patternProperties: {} } } }), 'patternProperties'],
  ])('are found: %s', (_name, definition, keyword) => {
    expect(keywordsIn(tool(definition), 'input')).toEqual([keyword]);
  });

  it.each([
    ['anyOf below the root', object({ properties: { a: { anyOf: [{}, {}] } } })],
    [
      'properties that look like keywords',
      object({ properties: { $ref: {}, allOf: {}, not: {} } }),
    ],
    ['values that look like schemas', object({ properties: { a: { const: { $ref: 'x' } } } })],
    ['what zod makes', { input: z.object({ a: z.string().optional(), b: z.array(z.number()) }) }],
  ])('are not: %s', (_name, definition) => {
    expect(keywordsIn(tool(definition), 'input')).toEqual([]);
  });

  it('are warned of once per tool, with name and keywords, unless the tool knows', () => {
    const warnings: unknown[] = [];
    const ignore = (): void => undefined;
    const logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (_message: string, fields?: unknown) => void warnings.push(fields),
    };
    const bad = object({ anyOf: [{}], properties: { a: { patternProperties: {} } } });
    const output = jsonSchema({ type: 'array', prefixItems: [{}] });
    const registry = createRegistry({
      tools: [
        tool({ ...bad, name: 'bad', output }),
        tool({ ...bad, name: 'half', allowSchemaKeywords: ['anyOf'] }),
        tool({ ...bad, name: 'knows', allowSchemaKeywords: ['anyOf', 'patternProperties'] }),
        tool({ name: 'none' }),
      ],
    });
    warnOfSchemas(registry, logger);
    expect(warnings).toEqual([
      { tool: 'bad', input: 'anyOf, patternProperties', output: 'type, prefixItems' },
      { tool: 'half', input: 'patternProperties' },
    ]);
  });
});

describe('a tool whose list is cut', () => {
  const paged = { budget: { list: 'items' }, annotations: { readOnlyHint: true } } as const;
  it.each([
    ['may change something', { budget: paged.budget }, /readOnlyHint/],
    ['has a cursor of its own', { ...paged, input: z.object({ cursor: z.string() }) }, /"cursor"/],
    ['has no such list', { ...paged, output: z.object({ list: z.array(z.number()) }) }, /"items"/],
    [
      'needs two items',
      { ...paged, output: z.object({ items: z.array(z.number()).min(2) }) },
      /minItems/,
    ],
    ['answers with no object', { ...paged, output: z.array(z.number()) }, /"items"/],
  ])('is refused when it %s', (_name, definition, message) => {
    expect(() => createRegistry({ tools: [tool(definition)] })).toThrow(message);
  });

  it.each([
    [{ perMinute: 0 }, /perMinute is 0/],
    [{ burst: 3 }, /burst is given without/],
    [{ concurrency: 0.5 }, /concurrency is 0.5/],
    [{ timeoutMs: -1 }, /timeoutMs is -1/],
  ])('is refused with limits that are none: %j', (limits, message) => {
    expect(() => createRegistry({ tools: [tool({ limits })] })).toThrow(message);
  });
});
