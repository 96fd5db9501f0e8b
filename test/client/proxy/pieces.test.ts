import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  headerValue,
  mirrorHeaders,
  mirroredArguments,
} from '../../../src/client/proxy/param-headers.js';
import { diffDefinitions, pinnedPart } from '../../../src/client/proxy/definition-diff.js';
import { EventReader } from '../../../src/client/proxy/sse.js';
import { toLegacyResult } from '../../../src/client/proxy/translate.js';

const SEED = 20_260_728;

describe('EventReader', () => {
  const text =
    '\uFEFF: a comment\r\nid: 7\r\nretry: 250\r\ndata: {"a":\r\ndata:1}\r\n\r\nevent: other\ndata: x\n\nid: 8\ndata\n\n';
  const expected = [
    { data: '{"a":\n1}', id: '7', type: 'message' },
    { data: 'x', id: '7', type: 'other' },
    { data: '', id: '8', type: 'message' },
  ];

  it('reads the same events however the stream is cut (WHATWG HTML, server-sent events)', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
        const reader = new EventReader(10_000);
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const events = places
          .slice(1)
          .flatMap((end, index) => reader.push(bytes.subarray(places[index], end)));
        expect(events).toEqual(expected);
        expect(reader.retryMs).toBe(250);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('ends at an event that is larger than its limit', () => {
    const reader = new EventReader(100);
    expect(() => reader.push(Buffer.from(`data: ${'x'.repeat(200)}`))).toThrow(RangeError);
  });
});

describe('mirrored arguments (SEP-2243)', () => {
  it.each([
    ['plain', 'plain'],
    ['tab\tinside', 'tab\tinside'],
    ['', '=?base64??='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['grün', '=?base64?Z3LDvG4=?='],
    ['=?base64?x?=', '=?base64?PT9iYXNlNjQ/eD89?='],
    ['a\r\nb', '=?base64?YQ0KYg==?='],
  ])('writes %j as %j', (value, header) => {
    expect(headerValue(value)).toBe(header);
  });

  it('takes nested properties, and leaves out what is absent, null or unsafe', () => {
    const plan = mirroredArguments({
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        page: { type: 'object', properties: { size: { type: 'integer', 'x-mcp-header': 'Size' } } },
        dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
      },
    });
    if (!plan.ok) throw new Error(plan.error);
    expect(mirrorHeaders(plan.value, { region: 'eu', page: { size: 2 }, dry: false })).toEqual({
      'mcp-param-region': 'eu',
      'mcp-param-size': '2',
      'mcp-param-dry': 'false',
    });
    expect(mirrorHeaders(plan.value, { region: null, page: { size: 2 ** 60 } })).toEqual({});
  });

  it.each([
    ['a number', { properties: { n: { type: 'number', 'x-mcp-header': 'N' } } }],
    [
      'a list item',
      { properties: { l: { type: 'array', items: { type: 'string', 'x-mcp-header': 'L' } } } },
    ],
    ['an alternative', { anyOf: [{ properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }] }],
    ['no header name', { properties: { a: { type: 'string', 'x-mcp-header': 'A: b' } } }],
    ['the root', { 'x-mcp-header': 'Root', type: 'string' }],
    [
      'a name used twice',
      {
        properties: {
          a: { type: 'string', 'x-mcp-header': 'A' },
          b: { type: 'string', 'x-mcp-header': 'a' },
        },
      },
    ],
  ])('refuses an annotation on %s', (_name, schema) => {
    expect(mirroredArguments(schema).ok).toBe(false);
  });
});

describe('pinned definitions', () => {
  it('do not depend on the order of keys, nor on decoration', () => {
    const a = pinnedPart({ name: 't', inputSchema: { type: 'object', title: 'x' }, icons: [] });
    const b = pinnedPart({ inputSchema: { title: 'x', type: 'object' }, name: 't' });
    expect(JSON.stringify(a)).toBe(JSON.stringify(b));
  });

  it('show what differs without control characters', () => {
    const lines = diffDefinitions(
      { description: 'a' },
      { description: 'b\u001b[31m', title: 'new' },
    );
    expect(lines).toEqual([
      '- description: "a"',
      '+ description: "b\\u001b[31m"',
      '+ title: "new"',
    ]);
  });
});

describe('results for a 2025 host', () => {
  it('keep no word of the 2026 era, and structured content only where it is an object', () => {
    const result = {
      resultType: 'complete',
      ttlMs: 5,
      cacheScope: 'public',
      content: [],
      structuredContent: [1, 2],
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 's' }, own: 1 },
    };
    expect(toLegacyResult('tools/call', result)).toEqual({
      content: [{ type: 'text', text: '[1,2]' }],
      _meta: { own: 1 },
    });
    const tools = [
      { name: 'a', outputSchema: { type: 'array' } },
      { name: 'b', outputSchema: { type: 'object' } },
    ];
    expect(toLegacyResult('tools/list', { tools })).toEqual({
      tools: [{ name: 'a' }, { name: 'b', outputSchema: { type: 'object' } }],
    });
  });
});
