import fc from 'fast-check';
import { parse as parseTomlText, stringify } from 'smol-toml';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { parseJsonc, setJsoncValue } from '../../../src/client/hosts/jsonc-edit.js';
import { setTomlTable } from '../../../src/client/hosts/toml-edit.js';

const PATH = ['mcpServers', 'catalog'];
const ENTRY = { command: 'npx', args: ['-y', 'x'] };

describe('setting one value in JSON with comments', () => {
  it.each([
    [
      'keeps comments, order and the indentation of four',
      '{\n    // theirs\n    "b": 1, // one\n    "mcpServers": {\n        "old": {} // last\n    }\n}\n',
      '{\n    // theirs\n    "b": 1, // one\n    "mcpServers": {\n        "old": {}, // last\n        "catalog": {\n            "command": "npx",\n            "args": [\n                "-y",\n                "x"\n            ]\n        }\n    }\n}\n',
    ],
    [
      'keeps tabs, CRLF and a comma after the last item',
      '{\r\n\t"mcpServers": {\r\n\t\t"old": {},\r\n\t},\r\n}',
      '{\r\n\t"mcpServers": {\r\n\t\t"old": {},\r\n\t\t"catalog": {\r\n\t\t\t"command": "npx",\r\n\t\t\t"args": [\r\n\t\t\t\t"-y",\r\n\t\t\t\t"x"\r\n\t\t\t]\r\n\t\t},\r\n\t},\r\n}',
    ],
    [
      'makes what is missing in an object on one line',
      '{"a":1}',
      '{"a":1,\n  "mcpServers": {\n    "catalog": {\n      "command": "npx",\n      "args": [\n        "-y",\n        "x"\n      ]\n    }\n  }\n}',
    ],
    [
      'keeps a mark at the beginning and a comment in an empty object',
      '\uFEFF{\n  // nothing yet\n}\n',
      '\uFEFF{\n  "mcpServers": {\n    "catalog": {\n      "command": "npx",\n      "args": [\n        "-y",\n        "x"\n      ]\n    }\n  }\n  // nothing yet\n}\n',
    ],
    [
      'takes the last of two properties with one name, as every reader does',
      '{"mcpServers":{},"mcpServers":{"catalog":1}}',
      '{"mcpServers":{},"mcpServers":{"catalog":{\n  "command": "npx",\n  "args": [\n    "-y",\n    "x"\n  ]\n}}}',
    ],
  ])('%s', (_name, before, after) => {
    expect(setJsoncValue(before, PATH, ENTRY)).toBe(after);
  });

  it('starts an empty file, and one with comments alone', () => {
    for (const text of ['', '  \n', '// mine\n']) {
      const edited = setJsoncValue(text, PATH, ENTRY);
      expect(parse(edited)).toEqual({ mcpServers: { catalog: ENTRY } });
      expect(edited).toContain(text.trim());
    }
  });

  it.each([
    ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3'],
    ['{"a": [1, 2}', 'line 1, column 12'],
    ['[]', 'line 1, column 1: the file is of type array, expected an object'],
    ['{"mcpServers": []}', 'line 1, column 16: "mcpServers" is of type array'],
    ['{} {}', 'line 1, column 4'],
    ['{"a": 1', 'line 1, column 8'],
  ])('refuses %j, with line and column', (text, message) => {
    expect(() => setJsoncValue(text, PATH, ENTRY)).toThrow(message);
  });

  const blank = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '/* a */', '// b\n', ' /*\n*/ ');
  const literal = fc.json({ maxDepth: 2 });
  const document = fc.letrec<{ object: string }>((tie) => ({
    object: fc
      .tuple(
        fc.array(
          fc.record({
            key: fc.oneof(
              fc.constantFrom('mcpServers', 'catalog', 'a'),
              fc.string({ maxLength: 3 }),
            ),
            value: fc.oneof({ depthSize: 'small' }, literal, tie('object')),
            around: fc.tuple(blank, blank, blank, blank),
          }),
          { maxLength: 4 },
        ),
        blank,
        fc.boolean(),
      )
      .map(([properties, inner, hasTrailingComma]) => {
        const body = properties.map(
          ({ key, value, around: [a, b, c, d] }) =>
            `${a}${JSON.stringify(key)}${b}:${c}${value}${d}`,
        );
        const comma = hasTrailingComma && body.length > 0 ? ',' : '';
        return `{${body.join(',')}${comma}${inner}}`;
      }),
  })).object;

  it('sets exactly one value in any document, or refuses it', () => {
    fc.assert(
      fc.property(document, (text) => {
        let edited: string;
        try {
          edited = setJsoncValue(text, PATH, ENTRY);
        } catch (error) {
          expect((error as Error).message).toMatch(/expected an object/);
          return;
        }
        const value = parseJsonc(edited) as Record<string, Record<string, unknown>>;
        expect(value['mcpServers']?.['catalog']).toEqual(ENTRY);
        // Every comment is still there.
        for (const comment of ['/* a */', '// b']) {
          const count = (of: string): number => of.split(comment).length;
          expect(count(edited)).toBeGreaterThanOrEqual(count(text.replace(/"catalog"[\s\S]*/, '')));
        }
        // A second time changes nothing.
        expect(setJsoncValue(edited, PATH, ENTRY)).toBe(edited);
      }),
      { seed: 20_261, numRuns: 1_500 },
    );
  });

  it('throws nothing but its own error on any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          setJsoncValue(text, PATH, ENTRY);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_HOST_CONFIG' });
        }
      }),
      { seed: 20_261, numRuns: 1_000 },
    );
  });
});

describe('setting one table in TOML', () => {
  const set = (text: string): string => setTomlTable(text, 'mcp_servers', 'catalog', ENTRY);
  const BLOCK = '[mcp_servers.catalog]\ncommand = "npx"\nargs = [ "-y", "x" ]\n';

  it.each([
    ['an empty file', '', BLOCK],
    ['a file without it', 'model = "x" # mine\n', `model = "x" # mine\n\n${BLOCK}`],
    ['a file without a last line end', 'a = 1', `a = 1\n\n${BLOCK}`],
    [
      'its own table with sub-tables, and leaves comments of the next one',
      'a = 1\n\n[mcp_servers.catalog]\ncommand = "old"\nargs = [\n  "[x]", # no\n]\n\n[mcp_servers.catalog.env]\nA = "1"\n\n# next\n[other]\nb = """\n[mcp_servers.catalog]\n"""\n',
      `a = 1\n\n${BLOCK}\n# next\n[other]\nb = """\n[mcp_servers.catalog]\n"""\n`,
    ],
    [
      'CRLF',
      'a = 1\r\n[mcp_servers."catalog"]\r\ncommand = "old"\r\n[z]\r\n',
      'a = 1\r\n[mcp_servers.catalog]\r\ncommand = "npx"\r\nargs = [ "-y", "x" ]\r\n[z]\r\n',
    ],
  ])('changes %s', (_name, before, after) => {
    expect(set(before)).toBe(after);
    expect(set(after)).toBe(after);
  });

  it.each([
    ['mcp_servers = { catalog = { command = "x" } }\n', /make it a table/],
    ['mcp_servers.catalog.command = "x"\n', /make it a table/],
    ['a = 1\nb = [\n', /line 3, column 1/],
    ['a = 1\na = 2\n', /line 2/],
  ])('refuses %j and says why', (text, message) => {
    expect(() => set(text)).toThrow(message);
  });

  it('changes nothing else in any document', () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()));
    const key = fc.oneof(
      fc.constantFrom('catalog', 'mcp_servers', 'a'),
      fc.string({ minLength: 1 }),
    );
    const tables = fc.dictionary(key, fc.oneof(scalar, fc.dictionary(key, scalar)));
    fc.assert(
      fc.property(tables, (value) => {
        const text = stringify(value);
        let edited: string;
        try {
          edited = set(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_HOST_CONFIG' });
          return;
        }
        const { mcp_servers: servers, ...others } = parseTomlText(edited);
        expect((servers as Record<string, unknown>)['catalog']).toEqual(ENTRY);
        const { mcp_servers: _old, ...expected } = parseTomlText(text);
        expect(others).toEqual(expected);
      }),
      { seed: 20_261, numRuns: 500 },
    );
  });
});
