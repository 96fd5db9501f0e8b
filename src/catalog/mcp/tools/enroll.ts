import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import type { Course } from '../../domain/course.js';
import { enrollInCourse } from '../../domain/enroll.js';
import { ENROLLMENT_STATES } from '../../domain/learner.js';
import { personOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';
import { clip, listed, problem, reply } from '../reply.js';
import { unknownCourse } from '../unknown-course.js';

const input = z.strictObject({ id: z.string().max(100).describe('course id') });

const output = z.object({
  status: z.enum(['enrolled', 'already_enrolled']),
  id: z.string(),
  title: z.string(),
  state: z.enum(ENROLLMENT_STATES),
  enrolled_at: z.string().describe('ISO date and time'),
  message: z.string(),
});

export function enrollTool({ store, clock }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'enroll',
    title: 'Enroll',
    description: 'Enrolls you in a course, once. Refuses while a hard prerequisite is open.',
    scopes: ['enrollment:write'],
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    input,
    output,
    async handler(args, { principal }) {
      const person = personOf(principal);
      if (!person.ok) return problem(person.error);
      const scope = person.value;
      const result = await enrollInCourse(store, scope, args.id, clock.nowMs());
      switch (result.status) {
        case 'unknown':
          return problem(unknownCourse(args.id, result.nearest));
        case 'retired':
          return problem(
            `Course ${JSON.stringify(result.course.id)} is retired and takes no enrollments. Look for another one with search_courses.`,
          );
        case 'blocked':
          return problem(blockedText(result.course, result.missing, result.steps));
        case 'enrolled':
        case 'already': {
          const { course, enrollment } = result;
          const title = clip(course.title, 200);
          return reply({
            status: result.status === 'enrolled' ? 'enrolled' : 'already_enrolled',
            id: course.id,
            title,
            state: enrollment.state,
            enrolled_at: new Date(enrollment.firstAt).toISOString(),
            message:
              result.status === 'enrolled'
                ? `You are enrolled in "${title}".`
                : `Nothing changed: for "${title}" your state is already "${enrollment.state}".`,
          });
        }
        default:
          return result satisfies never;
      }
    },
  });
}

function blockedText(course: Course, missing: readonly Course[], steps: readonly Course[]): string {
  const named = missing.map((needed) => `"${clip(needed.title, 200)}" (${needed.id})`).join(', ');
  return `Cannot enroll in "${clip(course.title, 200)}" yet: complete ${named} first. In this order it works: ${listed(
    [...steps.map((step) => step.id), course.id],
    'and',
  )}; start by enrolling in ${JSON.stringify(steps[0]?.id ?? missing[0]?.id)}.`;
}
