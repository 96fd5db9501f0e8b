import type { SqlParam } from '../sql.js';

/**
 * A statement of this project's stores as PostgreSQL has it. Three things differ: lists arrive as arrays, JSON is
 * taken apart by another function, and parameters are numbered.
 */
export function toPostgresSql(sql: string): string {
  let count = 0;
  return sql
    .replaceAll('IN (SELECT value FROM json_each(?))', '= ANY (?)')
    .replaceAll('json_each(?)', 'jsonb_array_elements(CAST(? AS jsonb))')
    .replaceAll('?', () => {
      count += 1;
      return `$${count}`;
    });
}

/** An INSERT of one row as an INSERT of `count` rows. @returns undefined when the statement is no such INSERT */
export function repeatRow(sql: string, count: number): string | undefined {
  const row = /^\s*INSERT INTO [^?]* VALUES (\([^()]*\))(?!.*\?)/s.exec(sql)?.[1];
  return row === undefined
    ? undefined
    : sql.replace(row, () => Array.from({ length: count }, () => row).join(', '));
}

/** PostgreSQL's text has no U+0000; it is read and written as the replacement character. */
export function toPostgresValue(param: SqlParam): unknown {
  if (typeof param === 'string') return param.replaceAll('\u0000', '\u{FFFD}');
  if (param === null || typeof param === 'number') return param;
  return param.map(toPostgresValue);
}
