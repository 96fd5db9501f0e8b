import type { FieldProblem } from '../domain/course.js';

/**
 * One record of a delivered file, or why it could not be read. `row` counts as a person does: lines of NDJSON, rows of a
 * spreadsheet whose header is row 1.
 */
export type SourceRow =
  | { readonly row: number; readonly value: unknown }
  | { readonly row: number; readonly problem: FieldProblem };

/** A record that is not imported, with everything that is wrong with it. */
export interface RejectedRow {
  readonly row: number;
  readonly problems: readonly FieldProblem[];
}
