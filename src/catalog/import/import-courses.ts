import { quote } from '../../shared/errors.js';
import { type CourseRecord, type FieldProblem, parseCourseRecord } from '../domain/course.js';
import type { CourseStore, ImportCounts } from '../domain/ports.js';
import type { CourseId, Scope } from '../domain/scope.js';
import type { RejectedRow, SourceRow } from './row.js';

/** Prerequisites are looked up in the store in groups of this size. */
const LOOKUP_BATCH = 200;

export interface ImportOptions {
  readonly store: Pick<CourseStore, 'getCourses' | 'importCourses'>;
  readonly scope: Scope;
  /** Names the feed: records are matched by it and their external id at the next import. */
  readonly source: string;
  /** Opens the file anew: it is read twice, once to check and once to store. */
  readonly open: () => AsyncIterable<SourceRow>;
  /** `false` stores nothing when one row is bad. */
  readonly shouldSkipBad: boolean;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly onRejected: (row: RejectedRow) => void;
  /** Called after each part that is kept, with the courses that are new or other than before. */
  readonly onChanged?: (ids: readonly CourseId[]) => void;
  /** Called for every row of both passes. */
  readonly onRow?: (pass: 'check' | 'store', row: number) => void;
}

export interface ImportReport extends ImportCounts {
  readonly read: number;
  readonly rejected: number;
  /** False when bad rows kept everything out. */
  readonly isApplied: boolean;
}

/**
 * Imports courses from a file: checks every row first, then stores the good ones in batches. Streams both times;
 * between them it remembers only the ids and the numbers of bad rows.
 *
 * Running it again changes nothing (unchanged rows are skipped by their hash), also after an interruption.
 */
export async function importCourses(options: ImportOptions): Promise<ImportReport> {
  const { bad, read } = await check(options);
  if (bad.size > 0 && !options.shouldSkipBad) {
    return { read, rejected: bad.size, created: 0, updated: 0, unchanged: 0, isApplied: false };
  }
  const counts = await options.store.importCourses(options.scope, goodRecords(options, bad), {
    at: options.at,
    onChanged: options.onChanged,
  });
  return { read, rejected: bad.size, ...counts, isApplied: true };
}

async function check(options: ImportOptions): Promise<{ bad: Set<number>; read: number }> {
  const rowOf = new Map<CourseId, number>();
  const needs: Need[] = [];
  const bad = new Set<number>();
  let read = 0;
  const reject = (row: number, problems: readonly FieldProblem[]): void => {
    bad.add(row);
    options.onRejected({ row, problems });
  };
  for await (const row of options.open()) {
    read++;
    options.onRow?.('check', row.row);
    const problems: FieldProblem[] = [];
    const record = recordOf(row, options.source, problems);
    if (record === undefined) {
      reject(row.row, problems);
      continue;
    }
    const earlier = rowOf.get(record.id);
    if (earlier !== undefined) {
      reject(row.row, [
        { field: 'id', value: record.id, reason: `row ${earlier} has the same id` },
      ]);
      continue;
    }
    rowOf.set(record.id, row.row);
    for (const prerequisite of record.prerequisites) {
      needs.push({ row: row.row, course: record.id, needs: prerequisite.course });
    }
  }
  const unknown = await unknownCourses(options, needs, rowOf);
  for (const [row, problems] of brokenNeeds(needs, unknown, rowOf)) reject(row, problems);
  return { bad, read };
}

interface Need {
  readonly row: number;
  readonly course: CourseId;
  readonly needs: CourseId;
}

/** Rows whose prerequisite will not be there; a row that falls takes those with it that need it. */
function brokenNeeds(
  needs: readonly Need[],
  unknown: Set<CourseId>,
  rowOf: ReadonlyMap<CourseId, number>,
): Map<number, FieldProblem[]> {
  const broken = new Map<number, FieldProblem[]>();
  for (let before = -1; before !== unknown.size;) {
    before = unknown.size;
    broken.clear();
    for (const need of needs.filter((candidate) => unknown.has(candidate.needs))) {
      const reason = rowOf.has(need.needs)
        ? `${quote(need.needs)} is rejected itself`
        : `${quote(need.needs)} is neither in this file nor in the catalog`;
      const problems = broken.get(need.row) ?? [];
      problems.push({ field: 'prerequisites', value: need.needs, reason });
      broken.set(need.row, problems);
      unknown.add(need.course);
    }
  }
  return broken;
}

async function unknownCourses(
  options: ImportOptions,
  needs: readonly Need[],
  inFile: ReadonlyMap<CourseId, number>,
): Promise<Set<CourseId>> {
  const missing = [...new Set(needs.map((need) => need.needs).filter((id) => !inFile.has(id)))];
  const unknown = new Set(missing);
  for (let at = 0; at < missing.length; at += LOOKUP_BATCH) {
    const batch = missing.slice(at, at + LOOKUP_BATCH);
    for (const course of await options.store.getCourses(options.scope, batch)) {
      unknown.delete(course.id);
    }
  }
  return unknown;
}

async function* goodRecords(
  options: ImportOptions,
  bad: ReadonlySet<number>,
): AsyncGenerator<CourseRecord> {
  for await (const row of options.open()) {
    options.onRow?.('store', row.row);
    if (bad.has(row.row)) continue;
    const record = recordOf(row, options.source, []);
    if (record !== undefined) yield record;
  }
}

function recordOf(
  row: SourceRow,
  source: string,
  problems: FieldProblem[],
): CourseRecord | undefined {
  if ('problem' in row) {
    problems.push(row.problem);
    return undefined;
  }
  const parsed = parseCourseRecord(row.value, source);
  if (parsed.ok) return parsed.value;
  problems.push(...parsed.error);
  return undefined;
}
