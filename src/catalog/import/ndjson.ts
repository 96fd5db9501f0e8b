import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseJson } from '../../shared/json.js';
import type { SourceRow } from './row.js';

const MAX_LINE_BYTES = 256 * 1024;

/**
 * Reads newline-delimited JSON, one record a line; empty lines are passed over. Streams: only one line is in memory.
 *
 * A line over 256 KiB, or one that is not JSON, is reported and skipped.
 */
export async function* readNdjson(input: Readable): AsyncGenerator<SourceRow> {
  let row = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    row++;
    const trimmed = (row === 1 ? text.replace(/^\uFEFF/, '') : text).trim();
    if (trimmed === '') continue;
    const parsed = parseJson(trimmed, { maxBytes: MAX_LINE_BYTES });
    if (parsed.ok) {
      yield { row, value: parsed.value };
      continue;
    }
    const reason = {
      malformed: 'not valid JSON',
      too_deep: 'nested too deeply',
      too_large: `longer than ${MAX_LINE_BYTES} bytes`,
    }[parsed.error];
    yield { row, problem: { field: '', value: trimmed.slice(0, 80), reason } };
  }
}
