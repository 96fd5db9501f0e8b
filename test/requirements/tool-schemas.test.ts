import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type JsonObject,
  type Registry,
  type Schema,
  createRegistry,
  defineTool,
  jsonSchema,
} from '../../src/server/index.js';
import { startTestServer } from '../server/support/test-server.js';
import { eras, modern } from './support/exchange.js';

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
      $defs: {
        address: { $anchor: 'here', type: 'object', properties: {} },
        thing: { $id: 'https://schemas.invalid/thing.json', type: 'string' },
      },
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
      const args = { elsewhere: 'x', home: {} };
      const called = await ask(server, 'tools/call', { name: 'it', arguments: args });
      expect(called.answer.result).toMatchObject({ content: [] });
      expect(called.answer.result?.['isError']).toBeUndefined();
    } finally {
      await server.close();
    }
  });
});

function registerBoth(input: Schema | undefined, output: Schema | undefined): void {
  const tool = { name: 'it', description: 'x', scopes: [], handler: () => ({}) };
  createRegistry({ tools: [{ ...tool, ...(input && { input }), ...(output && { output }) }] });
}

describe('a hand-written schema', () => {
  it.each([
    'http://json-schema.org/draft-04/schema#',
    'https://json-schema.org/draft/next/schema',
    'https://schemas.invalid/own',
    5,
  ])('is refused at registration when its dialect is %j [JS-3]', ($schema) => {
    const document = { $schema, type: 'object' };
    expect(() => register(jsonSchema(document))).toThrow(
      /tool "it": its input schema has the \$schema .+ at the root, which is not supported/,
    );
    expect(() => registerBoth(undefined, jsonSchema(document))).toThrow(/its output schema/);
    const nested = object({ a: { $schema, type: 'object' } });
    expect(() => register(nested)).toThrow(/at properties\.a, which is not supported/);
  });

  it.each([
    'https://json-schema.org/draft/2020-12/schema',
    'https://json-schema.org/draft/2019-09/schema#',
    'http://json-schema.org/draft-07/schema#',
    'http://json-schema.org/draft-06/schema',
  ])('may be of the dialect %s, and is checked in it [JS-3] [H-20]', async ($schema) => {
    const document = { $schema, type: 'object', properties: { n: { exclusiveMinimum: 3 } } };
    const server = await startTestServer({ registry: echoing(jsonSchema(document)) });
    try {
      const call = async (n: number) =>
        (await modern(server, 'tools/call', { name: 'it', arguments: { n } })).answer.result;
      expect([(await call(4))?.['isError'], (await call(3))?.['isError']]).toEqual([
        undefined,
        true,
      ]);
    } finally {
      await server.close();
    }
  });

  it('may be of any dialect when it comes with its own check [JS-3]', () => {
    const own = { $schema: 'https://schemas.invalid/own', type: 'object' };
    expect(() => register(jsonSchema(own, (value) => ({ value })))).not.toThrow();
  });

  it.each([
    ['https://schemas.invalid/thing.json', 'properties.a', { a: { $ref: '%' } }],
    ['//schemas.invalid/thing.json', 'properties.a', { a: { $ref: '%' } }],
    ['thing.json#/a', 'properties.a.items', { a: { items: { $ref: '%' } } }],
    ['file:///etc/passwd', 'properties.a.anyOf.1', { a: { anyOf: [{}, { $dynamicRef: '%' }] } }],
  ])('is refused when it refers to %s, at %s [JS-2]', (to, place, properties) => {
    const document = JSON.parse(
      JSON.stringify({ type: 'object', properties }).replace('%', to),
    ) as JsonObject;
    for (const [side, attempt] of [
      ['input', () => register(jsonSchema(document))],
      ['output', () => registerBoth(undefined, jsonSchema(document))],
    ] as const) {
      expect(attempt).toThrow(`tool "it": its ${side} schema has the $`);
      expect(attempt).toThrow(` at ${place}, which leads out of the document`);
    }
  });

  it('may refer to itself and to what it contains, and have properties that look like references [JS-2]', () => {
    const document = {
      $id: 'https://schemas.invalid/root.json',
      type: 'object',
      $defs: { a: { $id: 'a.json', type: 'string' }, b: { $anchor: 'b' } },
      properties: {
        $ref: { type: 'string', examples: [{ $ref: 'https://schemas.invalid/other' }] },
        self: { $ref: '#' },
        named: { $ref: 'https://schemas.invalid/root.json#/$defs/b' },
        a: { $ref: 'a.json' },
        b: { $ref: '#b' },
      },
    };
    expect(() => register(jsonSchema(document))).not.toThrow();
  });

  it('that cannot be compiled keeps the server from starting, which names the tool [H-20]', async () => {
    const broken = object({ a: { $ref: '#/$defs/nothing' } });
    await expect(startTestServer({ registry: echoing(broken) })).rejects.toThrow(
      /tool "it": its input schema cannot be used/,
    );
  });

  it('is checked by itself though another has the same $id [H-20]', async () => {
    const named = (type: string) =>
      jsonSchema({
        $id: 'https://schemas.invalid/same.json',
        type: 'object',
        $defs: { a: { type } },
        properties: { a: { $ref: 'https://schemas.invalid/same.json#/$defs/a' } },
      });
    for (const [type, wrong] of [
      ['string', 5],
      ['integer', 'x'],
    ] as const) {
      const server = await startTestServer({ registry: echoing(named(type)) });
      try {
        const params = { name: 'it', arguments: { a: wrong } };
        const { answer } = await modern(server, 'tools/call', params);
        expect(answer.result?.['isError']).toBe(true);
      } finally {
        await server.close();
      }
    }
  });
});

describe.each(eras)('a tool with hand-written schemas in %s', (_era, ask) => {
  it.each([
    ['arguments of another type', { n: 'one' }],
    ['arguments too few', {}],
    ['arguments too many', { n: 1, m: 2 }],
    ['no arguments', undefined],
  ])('is not run with %s: the model is told what is wrong [H-20]', async (_name, args) => {
    let runs = 0;
    const input = object({ n: { type: 'integer' } }, { required: ['n'], ...closed });
    const server = await startTestServer({ registry: echoing(input, undefined, () => runs++) });
    try {
      const { answer } = await ask(server, 'tools/call', { name: 'it', arguments: args });
      expect([answer.result?.['isError'], runs]).toEqual([true, 0]);
      expect(JSON.stringify(answer.result?.['content'])).toMatch(
        /Invalid arguments for it: .*data/,
      );
      const right = { name: 'it', arguments: { n: 1 } };
      const called = await ask(server, 'tools/call', right);
      expect([called.answer.result?.['isError'], runs]).toEqual([undefined, 1]);
    } finally {
      await server.close();
    }
  });

  it('does not give away a result that breaks its output schema [H-20]', async () => {
    const output = object({ n: { type: 'integer' } }, { required: ['n'] });
    const server = await startTestServer({ registry: echoing(object({}), output) });
    try {
      const right = await ask(server, 'tools/call', { name: 'it', arguments: { n: 1 } });
      expect(right.answer.result?.['structuredContent']).toEqual({ n: 1 });
      for (const args of [{ n: 'secret' }, {}]) {
        const { answer } = await ask(server, 'tools/call', { name: 'it', arguments: args });
        expect(answer.result?.['isError']).toBe(true);
        expect(JSON.stringify(answer)).not.toContain('secret');
      }
    } finally {
      await server.close();
    }
  });
});

const closed: JsonObject = { additionalProperties: false };

function echoing(input: Schema, output?: Schema, ran: () => void = () => undefined): Registry {
  const tool = {
    name: 'it',
    description: 'Answers with its arguments.',
    scopes: [],
    handler(args: unknown) {
      ran();
      return { structured: args };
    },
  };
  return createRegistry({ tools: [{ ...tool, input, ...(output && { output }) }] });
}
