import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { findCourse } from '../../domain/lookup.js';
import { personOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';
import { clip, problem, reply } from '../reply.js';
import { unknownCourse } from '../unknown-course.js';

const input = z.strictObject({
  id: z.string().max(100).describe('course id'),
  rating: z.int().min(1).max(5).optional().describe('5: best'),
  dismiss: z.boolean().optional().describe('true: do not recommend; false: do again'),
});

const output = z.object({
  id: z.string(),
  title: z.string(),
  rating: z.number().optional(),
  dismissed: z.boolean().optional(),
  message: z.string(),
});

export function giveFeedbackTool({ store, clock }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'give_feedback',
    title: 'Give feedback',
    description: 'Rates a course you took, or dismisses one; recommendations follow it.',
    scopes: ['learner:write'],
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    input,
    output,
    async handler(args, { principal }) {
      const person = personOf(principal);
      if (!person.ok) return problem(person.error);
      const scope = person.value;
      if ((args.rating === undefined) === (args.dismiss === undefined)) {
        return problem(
          'Give either rating (1 to 5, for a course you took) or dismiss (true or false, for one you did not); for example {"id": "sql-basics", "rating": 4}.',
        );
      }
      const found = await findCourse(store.courses, scope, args.id);
      if (!found.ok) return problem(unknownCourse(args.id, found.error));
      const course = { id: found.value.id, title: clip(found.value.title, 200) };
      const at = clock.nowMs();
      if (args.rating !== undefined) {
        const rated = await store.learners.rate(scope, {
          course: course.id,
          stars: args.rating,
          at,
        });
        if (rated === undefined) {
          return problem(
            `You never took ${JSON.stringify(course.id)}, so there is nothing to rate. To see no more of it, dismiss it: {"id": ${JSON.stringify(course.id)}, "dismiss": true}.`,
          );
        }
        return reply({
          ...course,
          rating: args.rating,
          message: `You gave "${course.title}" ${args.rating} of 5.`,
        });
      }
      const isDismissed = args.dismiss === true;
      const { status } = await store.learners.dismiss(scope, {
        course: course.id,
        isDismissed,
        at,
      });
      if (status === 'taken' && isDismissed) {
        return problem(
          `You are enrolled in ${JSON.stringify(course.id)} or have completed it, so it is not recommended anyway. Use withdraw to leave it, or rate it.`,
        );
      }
      return reply({
        ...course,
        dismissed: isDismissed,
        message: MESSAGES[status === 'taken' ? 'unchanged' : status](course.title, isDismissed),
      });
    },
  });
}

const MESSAGES = {
  dismissed: (title: string) =>
    `"${title}" is no longer recommended to you, and its subject less so for 30 days.`,
  restored: (title: string) => `"${title}" may be recommended to you again.`,
  unchanged: (title: string, isDismissed: boolean) =>
    `Nothing changed: "${title}" was ${isDismissed ? 'dismissed before' : 'not dismissed'}.`,
} as const;
