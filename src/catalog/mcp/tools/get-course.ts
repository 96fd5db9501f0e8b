import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { findCourse } from '../../domain/lookup.js';
import { NO_CALLER, callerOf } from '../caller.js';
import { courseDetailFields, toDetail } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';
import { problem, reply } from '../reply.js';
import { unknownCourse } from '../unknown-course.js';

const input = z.strictObject({
  id: z.string().max(100).describe('course id'),
  detail: z.enum(['brief', 'full']).optional().describe('default full'),
});

const output = z.object(courseDetailFields);

export function getCourseTool({ store }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'get_course',
    title: 'Get a course',
    description: 'Shows one course: content, skills with levels, prerequisites, hours and price.',
    scopes: ['catalog:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler(args, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const found = await findCourse(store.courses, caller.scope, args.id);
      if (!found.ok) return problem(unknownCourse(args.id, found.error));
      const needed = await store.courses.getCourses(
        caller.scope,
        found.value.prerequisites.map((need) => need.course),
      );
      return reply(toDetail(found.value, needed, args.detail ?? 'full'), 'description');
    },
  });
}
