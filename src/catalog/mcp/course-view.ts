import { z } from 'zod';
import {
  type Course,
  FORMATS,
  type Format,
  LEVELS,
  type Level,
  weeklyHoursOf,
} from '../domain/course.js';
import { clip } from './reply.js';

const MAX_SKILLS_ON_CARD = 8;
const MAX_DESCRIPTION_BYTES = 12_000;

/** A course in a list. Its texts are the provider's words: data, never instructions. */
export interface CourseCard {
  readonly id: string;
  readonly title: string;
  readonly provider: string;
  readonly level: Level;
  readonly language: string;
  readonly format: Format;
  readonly hours: number;
  readonly weekly_hours?: number | undefined;
  readonly price: number;
  readonly currency: string;
  readonly rating?: number | undefined;
  readonly skills: readonly string[];
}

export interface CourseDetail extends CourseCard {
  readonly subject: string;
  readonly summary: string;
  readonly description?: string | undefined;
  readonly teaches: readonly { readonly skill: string; readonly level: number }[];
  readonly requires: readonly { readonly skill: string; readonly level: number }[];
  readonly prerequisites: readonly {
    readonly id: string;
    readonly title?: string | undefined;
    readonly kind: 'hard' | 'soft';
  }[];
  readonly rating_count: number;
  readonly enrollments: number;
  readonly url?: string | undefined;
  readonly status: 'active' | 'retired';
  readonly uri: string;
}

/** The fields of an object schema. */
export type SchemaFields<Value> = { readonly [Key in keyof Value]-?: z.ZodType };

/** To be spread into a tool's output schema. */
export const courseCardFields: SchemaFields<CourseCard> = {
  id: z.string(),
  title: z.string(),
  provider: z.string(),
  level: z.enum(LEVELS),
  language: z.string(),
  format: z.enum(FORMATS),
  hours: z.number().describe('whole course'),
  weekly_hours: z.number().optional().describe('only when dates are fixed'),
  price: z.number(),
  currency: z.string(),
  rating: z.number().optional(),
  skills: z.array(z.string()).describe('taught'),
};

const skillLevels = z.array(z.object({ skill: z.string(), level: z.number().describe('1 to 5') }));

export const courseDetailFields: SchemaFields<CourseDetail> = {
  ...courseCardFields,
  subject: z.string(),
  summary: z.string(),
  description: z.string().optional(),
  teaches: skillLevels,
  requires: skillLevels,
  prerequisites: z.array(
    z.object({ id: z.string(), title: z.string().optional(), kind: z.enum(['hard', 'soft']) }),
  ),
  rating_count: z.number(),
  enrollments: z.number(),
  url: z.string().optional(),
  status: z.enum(['active', 'retired']),
  uri: z.string(),
};

export function toCard(course: Course): CourseCard {
  const weeklyHours = weeklyHoursOf(course);
  return {
    id: course.id,
    title: clip(course.title, 200),
    provider: clip(course.provider, 100),
    level: course.level,
    language: course.language,
    format: course.format,
    hours: Math.round((course.durationMinutes / 60) * 10) / 10,
    ...(weeklyHours !== undefined && { weekly_hours: weeklyHours }),
    price: course.priceMinor / 100,
    currency: course.currency,
    ...(course.rating && { rating: course.rating.average }),
    skills: course.teaches.slice(0, MAX_SKILLS_ON_CARD).map(({ skill }) => clip(skill, 60)),
  };
}

/**
 * @param prerequisites - the courses that the course needs, for their titles; those not given are shown by id
 */
export function toDetail(
  course: Course,
  prerequisites: readonly Course[],
  detail: 'brief' | 'full',
): CourseDetail {
  const titles = new Map(prerequisites.map((needed) => [needed.id, needed.title]));
  return {
    ...toCard(course),
    subject: course.subject,
    summary: clip(course.summary, 1000),
    ...(detail === 'full' && { description: clip(course.description, MAX_DESCRIPTION_BYTES) }),
    teaches: course.teaches.slice(0, 40).map((skill) => ({ ...skill })),
    requires: course.requires.slice(0, 40).map((skill) => ({ ...skill })),
    prerequisites: course.prerequisites.map(({ course: id, kind }) => {
      const title = titles.get(id);
      return { id, ...(title !== undefined && { title: clip(title, 200) }), kind };
    }),
    rating_count: course.rating?.count ?? 0,
    enrollments: course.enrollmentCount,
    ...(course.url !== undefined && { url: course.url }),
    status: course.status,
    uri: `course://${course.id}`,
  };
}

/** Where a course can be cited: its own page, else its resource here. */
export function citationUrl(course: Course): string {
  return course.url ?? `course://${course.id}`;
}
