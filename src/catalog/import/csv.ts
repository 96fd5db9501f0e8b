import type { Readable } from 'node:stream';
import { type InfoRecord, parse } from 'csv-parse';
import { ToolkitError, quote } from '../../shared/errors.js';
import type { SourceRow } from './row.js';

const NUMBERS = new Set([
  'duration_min',
  'weeks',
  'price',
  'rating',
  'rating_count',
  'enrol_count',
]);
const TEXTS = new Set(
  'id source external_id title summary description provider subject level language format currency url status'.split(
    ' ',
  ),
);
const SKILLS = new Set(['teaches', 'requires']);
const COLUMNS: readonly string[] = [...TEXTS, ...NUMBERS, ...SKILLS, 'prerequisites'];
const MAX_RECORD_CHARS = 256 * 1024;

/** The first line of a CSV file does not name the columns this import knows. */
export class CsvHeaderError extends ToolkitError {
  readonly code = 'ERR_CSV_HEADER';
}

/**
 * Reads a CSV file of courses (RFC 4180, UTF-8, comma) whose first line names the columns. Streams.
 *
 * Skills are `sql:3; statistics` (level from 1 to 5, 2 when left out), prerequisites `sql-basics; statistics-1`.
 * Numbers are written with a point. An empty cell is a field left out.
 *
 * @throws {CsvHeaderError} on a column it does not know, or one given twice
 */
export async function* readCsv(input: Readable): AsyncGenerator<SourceRow> {
  const broken: SourceRow[] = [];
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MAX_RECORD_CHARS,
    relax_column_count: true,
    skip_empty_lines: true,
    // A broken record must not take the good ones down that are still in the parser.
    skip_records_with_error: true,
    on_skip: (error) => {
      const reason = error?.message ?? 'cannot be read';
      broken.push({
        row: parser.info.records + 1,
        problem: { field: '', value: undefined, reason },
      });
      return undefined;
    },
    trim: true,
  });
  input.on('error', (error) => parser.destroy(error));
  let header: readonly string[] | undefined;
  for await (const item of input.pipe(parser)) {
    const { info, record } = item as { info: InfoRecord; record: string[] };
    // The parser runs ahead of us: only what lies before this record is due.
    while (broken[0] !== undefined && broken[0].row < info.records) {
      yield broken[0];
      broken.shift();
    }
    if (header === undefined) header = checkHeader(record);
    else yield rowOf(info.records, header, record);
  }
  yield* broken;
}

function rowOf(row: number, header: readonly string[], cells: readonly string[]): SourceRow {
  if (cells.length === header.length) {
    return { row, value: recordOf(header.map((name, at) => [name, cells[at] ?? ''])) };
  }
  const reason = `has ${cells.length} cells, the header has ${header.length}`;
  return { row, problem: { field: '', value: cells.join(',').slice(0, 80), reason } };
}

function checkHeader(header: readonly string[]): string[] {
  const names = header.map((name) => name.trim().toLowerCase());
  const unknown = names.find((name) => !COLUMNS.includes(name));
  if (unknown !== undefined) {
    throw new CsvHeaderError(
      `column ${quote(unknown)} is not known: rename or remove it. Known columns: ${COLUMNS.join(', ')}`,
    );
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new CsvHeaderError(`column ${quote(twice)} is given twice`);
  return names;
}

function recordOf(
  cells: readonly (readonly [name: string, text: string])[],
): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [name, text] of cells) {
    if (text === '') continue;
    if (NUMBERS.has(name)) record[name] = numberOf(text);
    else if (SKILLS.has(name)) record[name] = skillsOf(text);
    else if (name === 'prerequisites') record[name] = listOf(text);
    else record[name] = text;
  }
  return record;
}

/** What is not a number stays text, so that the record's own check can show it. */
function numberOf(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function listOf(text: string): string[] {
  return text
    .split(';')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function skillsOf(text: string): Record<string, number | string> {
  return Object.fromEntries(
    listOf(text).map((item) => {
      const match = /^(.*\S)\s*:\s*([^:]+)$/.exec(item);
      return match === null ? [item, 2] : [match[1] ?? '', numberOf((match[2] ?? '').trim())];
    }),
  );
}
