import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type JsonObject,
  type Schema,
  createRegistry,
  defineTool,
  jsonSchema,
} from '../../src/server/index.js';
import { startTestServer } from '../server/support/test-server.js';
import { eras } from './support/exchange.js';

function register(input: Schema): void {
  const tool = { name: 'it', description: 'x', scopes: [], input, handler: () => ({}) };
  createRegistry({ tools: [defineTool(tool)] });
}

const object = (properties: JsonObject, rest: JsonObject = {}): Schema =>
  jsonSchema({ type: 'object', properties, ...rest });
const header = (name: unknown, type: unknown = 'string') =>
  ({ type, 'x-mcp-header': name }) as JsonObject;

describe('an input schema', () => {
  it.each<[string, Schema]>([
    ['a text', z.string()],
    ['a list', jsonSchema({ type: 'array' })],
    ['a union', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })])],
    ['no type', jsonSchema({ properties: {} })],
  ])('is refused at registration when its root is %s [H-18]', (_name, input) => {
    expect(() => register(input)).toThrow(/tool "it": the root of its input schema/);
  });

  it.each<[string, Schema]>([
    ['is empty', object({ a: header('') })],
    ['is no text', object({ a: header(5) })],
    ['has a blank', object({ a: header('Two Words') })],
    ['has a line break', object({ a: header('X\r\nSet-Cookie') })],
    ['has a colon', object({ a: header('A:') })],
    ['is not ASCII', object({ a: header('Größe') })],
  ])('is refused when an x-mcp-header %s [XH-1]', (_name, input) => {
    expect(() => register(input)).toThrow(/x-mcp-header at a has to be a header name/);
  });

  it('is refused when two x-mcp-header are the same but for case [XH-2]', () => {
    const input = object({
      a: header('Region'),
      b: { type: 'object', properties: { c: header('REGION') } },
    });
    expect(() => register(input)).toThrow(/x-mcp-header at b\.c repeats the header name "REGION"/);
  });

  it.each([['number'], ['object'], ['array'], ['null'], [undefined], [['string', 'null']]])(
    'is refused when an x-mcp-header is on a property of type %j [XH-3]',
    (type) => {
      const input = object({ a: { 'x-mcp-header': 'A', ...(type !== undefined && { type }) } });
      expect(() => register(input)).toThrow(/needs a property of type string, integer or boolean/);
    },
  );

  it.each<[string, Schema]>([
    ['the root', object({}, header('A', 'object'))],
    ['items', object({ a: { type: 'array', items: header('A') } })],
    ['oneOf', object({ a: { oneOf: [header('A')] } })],
    ['anyOf of the root', object({}, { anyOf: [{ properties: { a: header('A') } }] })],
    ['else', object({}, { if: {}, else: { properties: { a: header('A') } } })],
    ['additionalProperties', object({}, { additionalProperties: header('A') })],
    ['$defs', object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: header('A') } })],
  ])('is refused when an x-mcp-header is under %s [XH-4]', (_name, input) => {
    expect(() => register(input)).toThrow(/x-mcp-header/);
  });

  it('is taken with good annotations, nested and beside others, and with look-alikes that are data [XH-3]', () => {
    const good = object({
      region: header('Region'),
      count: header('Count', 'integer'),
      dry: header('Dry', 'boolean'),
      nested: { type: 'object', properties: { deep: header('Deep') } },
      'x-mcp-header': { type: 'string' },
      sample: { type: 'object', default: { 'x-mcp-header': 5 }, examples: [header(5)] },
    });
    expect(() => register(good)).not.toThrow();
    const fromZod = z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) });
    expect(() => register(fromZod)).not.toThrow();
  });
});

describe.each(eras)('a schema of JSON Schema 2020-12 in %s', (_era, ask) => {
  it('reaches the client unharmed, and nothing it refers to is fetched [JS-1] [JS-2]', async () => {
    const document = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { address: { $anchor: 'here', type: 'object', properties: {} } },
      properties: {
        home: { $ref: '#/$defs/address' },
        elsewhere: { $ref: 'https://schemas.invalid/thing.json' },
      },
      allOf: [{ if: { required: ['home'] }, else: { required: ['elsewhere'] } }],
      unevaluatedProperties: false,
    };
    const tool = { name: 'it', description: 'x', scopes: [], handler: () => ({ content: [] }) };
    const server = await startTestServer({
      registry: createRegistry({ tools: [defineTool({ ...tool, input: jsonSchema(document) })] }),
    });
    try {
      const { answer } = await ask(server, 'tools/list');
      expect(answer.result?.['tools']).toMatchObject([{ inputSchema: document }]);
      // Outgoing requests fail in every test: an answer shows that none was made.
      const called = await ask(server, 'tools/call', { name: 'it', arguments: {} });
      expect(called.answer.result).toBeDefined();
    } finally {
      await server.close();
    }
  });
});
