import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Result, err, ok } from '../../shared/result.js';
import { type CourseId, type SkillId, parseCourseId, skillIdOf } from './scope.js';

/** Course levels, easiest first. Their index (0 to 3) is what storage keeps. */
export const LEVELS = ['beginner', 'intermediate', 'advanced', 'expert'] as const;
export type Level = (typeof LEVELS)[number];

export const FORMATS = ['self-paced', 'live-online', 'blended', 'classroom'] as const;
export type Format = (typeof FORMATS)[number];

/** A skill at a level from 1 (has met it) to 5 (teaches it). */
export interface SkillLevel {
  readonly skill: SkillId;
  readonly level: number;
}

/** `hard`: must be completed first. `soft`: helps, and costs rank when it is missing. */
export interface Prerequisite {
  readonly course: CourseId;
  readonly kind: 'hard' | 'soft';
}

/** A course as a catalog delivers it. */
export interface CourseRecord {
  readonly id: CourseId;
  /** Where the record comes from; with `externalId` it is the identity of a re-import. */
  readonly source: string;
  readonly externalId: string;
  readonly title: string;
  readonly summary: string;
  readonly description: string;
  readonly provider: string;
  readonly subject: string;
  readonly level: Level;
  /** BCP 47 tag. */
  readonly language: string;
  readonly format: Format;
  readonly durationMinutes: number;
  /** Calendar weeks of a course with fixed dates; undefined when the learner sets the pace. */
  readonly weeks: number | undefined;
  /** Minor units (cents) of `currency`. */
  readonly priceMinor: number;
  /** ISO 4217. */
  readonly currency: string;
  readonly rating: { readonly average: number; readonly count: number } | undefined;
  /** How many people took it, as the catalog states it. */
  readonly enrollmentCount: number;
  readonly url: string | undefined;
  readonly teaches: readonly SkillLevel[];
  readonly requires: readonly SkillLevel[];
  readonly prerequisites: readonly Prerequisite[];
  readonly status: 'active' | 'retired';
}

/** A stored course. */
export interface Course extends CourseRecord {
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

/** Hours of work a week that fixed dates ask for; undefined when the learner sets the pace. */
export function weeklyHoursOf(
  course: Pick<CourseRecord, 'durationMinutes' | 'weeks'>,
): number | undefined {
  if (course.weeks === undefined) return undefined;
  return Math.round((course.durationMinutes / 60 / course.weeks) * 10) / 10;
}

/** Digest of everything a record says: equal digests mean an import has nothing to do. */
export function contentHashOf(record: CourseRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('base64url');
}

export interface FieldProblem {
  /** Dotted path in the record, snake_case as delivered; empty for the record itself. */
  readonly field: string;
  readonly value: unknown;
  readonly reason: string;
}

const skillMap = z.record(z.string().min(1).max(80), z.int().min(1).max(5));
const skills = z
  .union([skillMap, z.array(z.string().min(1).max(80)).max(40)])
  .optional()
  .transform((value): SkillLevel[] => {
    const entries = Array.isArray(value)
      ? value.map((label) => [label, 2] as const)
      : Object.entries(value ?? {});
    return entries.map(([label, level]) => ({ skill: skillIdOf(label), level }));
  });
const courseId = z.string().transform((text, context): CourseId => {
  const id = parseCourseId(text);
  if (id !== undefined) return id;
  context.addIssue({
    code: 'custom',
    message: 'expected 1 to 80 of a-z 0-9 . _ -, starting with a letter or digit',
  });
  return z.NEVER;
});
const prerequisite = z.union([
  courseId.transform((course): Prerequisite => ({ course, kind: 'hard' })),
  z.strictObject({ course: courseId, kind: z.enum(['hard', 'soft']).default('hard') }),
]);
const languageTag = z
  .string()
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a BCP 47 tag');

const recordSchema = z.strictObject({
  id: courseId,
  source: z.string().min(1).max(80).optional(),
  external_id: z.string().min(1).max(200).optional(),
  title: z.string().trim().min(1).max(200),
  summary: z.string().trim().max(400).default(''),
  description: z.string().trim().max(20_000).default(''),
  provider: z.string().trim().min(1).max(120),
  subject: z.string().trim().min(1).max(80),
  level: z.enum(LEVELS),
  language: languageTag,
  format: z.enum(FORMATS).default('self-paced'),
  duration_min: z.int().min(1).max(1_000_000),
  weeks: z.int().min(1).max(260).nullish(),
  price: z.number().min(0).max(1_000_000).default(0),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'expected an ISO 4217 code such as EUR')
    .default('EUR'),
  rating: z.number().min(0).max(5).nullish(),
  rating_count: z.int().min(0).default(0),
  enrol_count: z.int().min(0).default(0),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .nullish(),
  teaches: skills,
  requires: skills,
  prerequisites: z.array(prerequisite).max(20).default([]),
  status: z.enum(['active', 'retired']).default('active'),
});

/**
 * Reads one delivered record (snake_case, as in the NDJSON files). Never throws.
 *
 * Does NOT check that prerequisites exist or are free of cycles: the import does, over the whole catalog.
 *
 * @param source - the identity of the feed when the record names none
 */
export function parseCourseRecord(
  value: unknown,
  source: string,
): Result<CourseRecord, readonly FieldProblem[]> {
  const parsed = recordSchema.safeParse(value);
  if (!parsed.success) {
    return err(
      parsed.error.issues.map((issue) => ({
        field: issue.path.join('.'),
        value: valueAt(value, issue.path),
        reason: issue.message,
      })),
    );
  }
  const row = parsed.data;
  return ok({
    id: row.id,
    source: row.source ?? source,
    externalId: row.external_id ?? row.id,
    title: row.title,
    summary: row.summary,
    description: row.description,
    provider: row.provider,
    subject: row.subject,
    level: row.level,
    language: row.language,
    format: row.format,
    durationMinutes: row.duration_min,
    weeks: row.weeks ?? undefined,
    priceMinor: Math.round(row.price * 100),
    currency: row.currency,
    rating:
      row.rating === undefined || row.rating === null
        ? undefined
        : { average: row.rating, count: row.rating_count },
    enrollmentCount: row.enrol_count,
    url: row.url ?? undefined,
    teaches: row.teaches,
    requires: row.requires,
    prerequisites: row.prerequisites,
    status: row.status,
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}
