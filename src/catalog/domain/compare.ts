import { type Course, weeklyHoursOf } from './course.js';
import type { CourseId, SkillId } from './scope.js';

/** What courses can be told apart by, as people see it. */
export const COMPARED = [
  'level',
  'hours',
  'weekly_hours',
  'weeks',
  'price',
  'language',
  'format',
  'provider',
  'subject',
  'rating',
  'prerequisites',
  'skills',
] as const;
type Compared = (typeof COMPARED)[number];

export interface Comparison {
  /** In which respects not all of them are alike. */
  readonly differs: readonly Compared[];
  /** Taught by every one of them. */
  readonly sharedSkills: readonly SkillId[];
  /** What a course has and none of the others. */
  readonly only: readonly {
    readonly course: CourseId;
    readonly skills: readonly SkillId[];
    readonly prerequisites: readonly CourseId[];
  }[];
  /** Prerequisites within the comparison: `course` needs `needs` first. */
  readonly order: readonly { readonly course: CourseId; readonly needs: CourseId }[];
}

/** @param courses - two or more, each once */
export function compareCourses(courses: readonly Course[]): Comparison {
  const skillsOf = (course: Course): SkillId[] => course.teaches.map(({ skill }) => skill);
  const needsOf = (course: Course): CourseId[] => course.prerequisites.map((need) => need.course);
  const ids = new Set(courses.map(({ id }) => id));
  const [first, ...rest] = courses;
  return {
    differs: COMPARED.filter((trait) => new Set(courses.map(TRAITS[trait])).size > 1),
    sharedSkills:
      first === undefined
        ? []
        : skillsOf(first).filter((skill) =>
            rest.every((course) => skillsOf(course).includes(skill)),
          ),
    only: courses.map((course) => {
      const others = courses.filter((other) => other !== course);
      const skills = new Set(others.flatMap(skillsOf));
      const needs = new Set(others.flatMap(needsOf));
      return {
        course: course.id,
        skills: skillsOf(course).filter((skill) => !skills.has(skill)),
        prerequisites: needsOf(course).filter((need) => !needs.has(need)),
      };
    }),
    order: courses.flatMap((course) =>
      needsOf(course)
        .filter((needs) => ids.has(needs))
        .map((needs) => ({ course: course.id, needs })),
    ),
  };
}

const TRAITS: Readonly<Record<Compared, (course: Course) => string | number | undefined>> = {
  level: (course) => course.level,
  hours: (course) => course.durationMinutes,
  weekly_hours: weeklyHoursOf,
  weeks: (course) => course.weeks,
  price: (course) => (course.priceMinor === 0 ? 0 : `${course.priceMinor} ${course.currency}`),
  language: (course) => course.language,
  format: (course) => course.format,
  provider: (course) => course.provider,
  subject: (course) => course.subject,
  rating: (course) => course.rating?.average,
  prerequisites: (course) =>
    course.prerequisites
      .map((need) => `${need.course} ${need.kind}`)
      .sort()
      .join(),
  skills: (course) =>
    course.teaches
      .map(({ skill, level }) => `${skill} ${level}`)
      .sort()
      .join(),
};
