import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { COMPARED, compareCourses } from '../../domain/compare.js';
import type { Course } from '../../domain/course.js';
import { findCourse } from '../../domain/lookup.js';
import { NO_CALLER, callerOf } from '../caller.js';
import { courseDetailFields, toDetail } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';
import { problem, reply } from '../reply.js';
import { unknownCourse } from '../unknown-course.js';

const input = z.strictObject({
  ids: z.array(z.string().max(100)).min(2).max(5).describe('course ids'),
});

const output = z.object({
  courses: z.array(
    z.object({
      ...courseDetailFields,
      weeks: z.number().optional().describe('from first to last date, when dates are fixed'),
      updated: z.string().describe('ISO date'),
      only_here: z.object({ skills: z.array(z.string()), prerequisites: z.array(z.string()) }),
    }),
  ),
  differs: z.array(z.enum(COMPARED)),
  shared_skills: z.array(z.string()),
  order: z
    .array(z.object({ id: z.string(), needs: z.string() }))
    .describe('which of them needs which other'),
});

export function compareCoursesTool({ store }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'compare_courses',
    title: 'Compare courses',
    description: 'Sets 2 to 5 courses side by side: what differs, what only one of them has.',
    scopes: ['catalog:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler(args, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const courses: Course[] = [];
      for (const id of args.ids) {
        const found = await findCourse(store.courses, caller.scope, id);
        if (!found.ok) return problem(unknownCourse(id, found.error));
        if (!courses.some((course) => course.id === found.value.id)) courses.push(found.value);
      }
      if (courses.length < 2) {
        return problem(
          `ids name one course only, ${JSON.stringify(courses[0]?.id)}. Give two to five different ones.`,
        );
      }
      const needed = await store.courses.getCourses(
        caller.scope,
        courses.flatMap((course) => course.prerequisites.map((need) => need.course)),
      );
      const { differs, sharedSkills, only, order } = compareCourses(courses);
      return reply({
        courses: courses.map((course, index) => ({
          ...toDetail(course, needed, 'brief'),
          ...(course.weeks !== undefined && { weeks: course.weeks }),
          updated: new Date(course.updatedAt).toISOString().slice(0, 10),
          only_here: {
            skills: [...(only[index]?.skills ?? [])],
            prerequisites: [...(only[index]?.prerequisites ?? [])],
          },
        })),
        differs: [...differs],
        shared_skills: [...sharedSkills],
        order: order.map(({ course, needs }) => ({ id: course, needs })),
      });
    },
  });
}
