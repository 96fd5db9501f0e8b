import { type JsonObject, type JsonValue, isJsonObject, parseJson } from '../shared/json.js';
import { pickArray, pickString } from './json-view.js';
import type { ToolResult } from './tool-source.js';

/** One course as the tools of this run described it. */
export interface CourseEvidence {
  readonly id: string;
  readonly title: string;
  /** Every field that a tool returned for it, under the server's own names. A later answer wins over an earlier one. */
  readonly fields: JsonObject;
  /** Where it came from: the tool, what it was asked for, and the place in its answer, 1 for the first. */
  readonly foundBy: readonly Finding[];
}

export interface Finding {
  readonly tool: string;
  readonly query: string | undefined;
  readonly rank: number;
}

/** Courses by id. Plain data, so that a checkpoint can hold it. */
export type Evidence = Readonly<Record<string, CourseEvidence>>;

const LIST_NAMES = ['courses', 'recommendations', 'results', 'items', 'hits', 'data'];
const ID_NAMES = ['id', 'courseId', 'course_id', 'course'];
const TITLE_NAMES = ['title', 'name'];
/** A server may answer with more than a list is good for. */
const MAX_COURSES = 100;

/** The structured answer of a tool, or its text when that is JSON; undefined when it is neither. */
export function structuredOf(result: ToolResult): JsonObject | undefined {
  if (result.structured !== undefined) return result.structured;
  const parsed = parseJson(result.text);
  if (!parsed.ok) return undefined;
  if (isJsonObject(parsed.value)) return parsed.value;
  return Array.isArray(parsed.value) ? { items: parsed.value } : undefined;
}

/**
 * Reads the courses out of a tool's answer, whichever of the usual shapes it has: a list under a usual name, one course
 * under `course`, or the course itself; entries may wrap the course and add what the tool knows about the match.
 *
 * What has no id or no title is left out. At most 100 courses are read.
 */
export function collectCourses(
  structured: JsonObject,
  tool: string,
  query: string | undefined,
): readonly CourseEvidence[] {
  const list = pickArray(structured, LIST_NAMES)?.value;
  const entries: readonly JsonValue[] = list ?? [structured];
  return entries.slice(0, MAX_COURSES).flatMap((entry, at) => {
    const fields = isJsonObject(entry) ? unwrap(entry) : undefined;
    const id = fields === undefined ? undefined : pickString(fields, ID_NAMES)?.value;
    const title = fields === undefined ? undefined : pickString(fields, TITLE_NAMES)?.value;
    if (fields === undefined || id === undefined || title === undefined) return [];
    return [{ id, title, fields, foundBy: [{ tool, query, rank: at + 1 }] }];
  });
}

function unwrap(entry: JsonObject): JsonObject {
  const { course, ...around } = entry;
  return isJsonObject(course) ? { ...around, ...course } : entry;
}

/** A card that says nothing about a field takes nothing away from a fuller answer before it. */
function statedFields(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** Adds what a tool answered to what is known already. */
export function mergeEvidence(known: Evidence, found: readonly CourseEvidence[]): Evidence {
  const merged: Record<string, CourseEvidence> = { ...known };
  for (const course of found) {
    const before = merged[course.id];
    merged[course.id] = {
      id: course.id,
      title: course.title,
      fields: { ...before?.fields, ...statedFields(course.fields) },
      foundBy: [...(before?.foundBy ?? []), ...course.foundBy],
    };
  }
  return merged;
}
