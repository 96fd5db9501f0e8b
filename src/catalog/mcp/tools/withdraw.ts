import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { ENROLLMENT_STATES } from '../../domain/learner.js';
import { withdrawFromCourse } from '../../domain/withdraw.js';
import { personOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';
import { clip, listed, problem, reply } from '../reply.js';
import { unknownCourse } from '../unknown-course.js';

const MAX_NAMED = 10;

const input = z.strictObject({ id: z.string().max(100).describe('course id') });

const output = z.object({
  status: z.enum(['withdrawn', 'already_withdrawn']),
  id: z.string(),
  title: z.string().optional(),
  state: z.enum(ENROLLMENT_STATES),
  progress: z.number().describe('0 to 1, kept'),
  withdrawn_at: z.string().describe('ISO date and time'),
  message: z.string(),
});

export function withdrawTool({ store, clock }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'withdraw',
    title: 'Withdraw',
    description: 'Withdraws you from a course you are enrolled in; your history keeps it.',
    scopes: ['enrollment:write'],
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input,
    output,
    async handler(args, { principal }) {
      const person = personOf(principal);
      if (!person.ok) return problem(person.error);
      const result = await withdrawFromCourse(store, person.value, args.id, clock.nowMs());
      switch (result.status) {
        case 'unknown':
          return problem(unknownCourse(args.id, result.nearest));
        case 'not-enrolled': {
          const { enrolled } = result;
          const next =
            enrolled.length > 0
              ? `You are enrolled in ${listed(enrolled.slice(0, MAX_NAMED), 'and')}.`
              : 'You are enrolled in no course now.';
          return problem(`You are not enrolled in ${JSON.stringify(result.course.id)}. ${next}`);
        }
        case 'completed':
          return problem(
            `You have completed ${JSON.stringify(result.id)}: there is nothing to withdraw from. Rate it with give_feedback if it was not what you wanted.`,
          );
        case 'withdrawn':
        case 'already': {
          const { course, enrollment } = result;
          const title = course && clip(course.title, 200);
          const name = JSON.stringify(title ?? result.id);
          return reply({
            status: result.status === 'withdrawn' ? 'withdrawn' : 'already_withdrawn',
            id: result.id,
            ...(title !== undefined && { title }),
            state: enrollment.state,
            progress: enrollment.progress,
            withdrawn_at: new Date(enrollment.lastAt).toISOString(),
            message:
              result.status === 'withdrawn'
                ? `You have withdrawn from ${name}. enroll takes it up again where you left it.`
                : `Nothing changed: you had withdrawn from ${name} before.`,
          });
        }
        default:
          return result satisfies never;
      }
    },
  });
}
