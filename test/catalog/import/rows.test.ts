import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CsvHeaderError, readCsv } from '../../../src/catalog/import/csv.js';
import { readNdjson } from '../../../src/catalog/import/ndjson.js';
import type { SourceRow } from '../../../src/catalog/import/row.js';

async function all(rows: AsyncIterable<SourceRow>): Promise<SourceRow[]> {
  const list: SourceRow[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

/** The text in pieces of one character: a reader must not depend on where a chunk ends. */
const drip = (text: string): Readable =>
  Readable.from(Array.from(text, (char) => Buffer.from(char)));

describe('readNdjson', () => {
  it('reads one record a line, with the row it stands on', async () => {
    expect(await all(readNdjson(drip('\uFEFF{"a":1}\r\n\n{"a":"ü"}')))).toEqual([
      { row: 1, value: { a: 1 } },
      { row: 3, value: { a: 'ü' } },
    ]);
  });

  it('reports a broken line and reads on', async () => {
    const rows = await all(readNdjson(drip('{"a":1}\n{oops\n{"a":2}\n')));
    expect(rows.map((row) => ('problem' in row ? row.problem.reason : row.value))).toEqual([
      { a: 1 },
      'not valid JSON',
      { a: 2 },
    ]);
  });

  it('reports a line that is too long', async () => {
    const [row] = await all(readNdjson(Readable.from([`"${'x'.repeat(300_000)}"`])));
    expect(row).toMatchObject({ row: 1, problem: { reason: expect.stringContaining('longer') } });
  });
});

describe('readCsv', () => {
  it('reads quoted cells, numbers, skills with levels and prerequisites', async () => {
    const text =
      '\uFEFFid,Title,teaches,prerequisites,duration_min,price\r\n' +
      'sql-1,"SQL, ""the"" basics\nand more",sql:3; data modeling,,120,9.5\r\n' +
      'sql-2,SQL again,C++:4,sql-1; stats-1,,free\r\n';
    expect(await all(readCsv(drip(text)))).toEqual([
      {
        row: 2,
        value: {
          id: 'sql-1',
          title: 'SQL, "the" basics\nand more',
          teaches: { sql: 3, 'data modeling': 2 },
          duration_min: 120,
          price: 9.5,
        },
      },
      {
        row: 3,
        value: {
          id: 'sql-2',
          title: 'SQL again',
          teaches: { 'C++': 4 },
          prerequisites: ['sql-1', 'stats-1'],
          price: 'free',
        },
      },
    ]);
  });

  it.each([
    ['id,prize', /"prize" is not known/],
    ['id,title,ID', /"id" is given twice/],
  ])('refuses the header %s and says which columns it knows', async (header, message) => {
    await expect(all(readCsv(drip(`${header}\n1,2,3\n`)))).rejects.toThrow(CsvHeaderError);
    await expect(all(readCsv(drip(`${header}\n1,2,3\n`)))).rejects.toThrow(message);
  });

  it('reports a row of another length and reads on', async () => {
    expect(await all(readCsv(drip('id,title\na,b\nc\nd,e\n')))).toEqual([
      { row: 2, value: { id: 'a', title: 'b' } },
      { row: 3, problem: { field: '', value: 'c', reason: 'has 1 cells, the header has 2' } },
      { row: 4, value: { id: 'd', title: 'e' } },
    ]);
  });

  it('reports a quote that never ends, and keeps the rows before it', async () => {
    const rows = await all(readCsv(drip('id,title\na,b\nc,"d\n')));
    expect(rows).toEqual([
      { row: 2, value: { id: 'a', title: 'b' } },
      {
        row: 3,
        problem: { field: '', value: undefined, reason: expect.stringContaining('Quote') },
      },
    ]);
  });
});
