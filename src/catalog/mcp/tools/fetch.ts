import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { findCourse } from '../../domain/lookup.js';
import { NO_CALLER, callerOf } from '../caller.js';
import { citationUrl, toDetail } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';
import { problem, reply } from '../reply.js';
import { unknownCourse } from '../unknown-course.js';

const input = z.strictObject({ id: z.string().max(100) });

const output = z.object({
  id: z.string(),
  title: z.string(),
  text: z.string(),
  url: z.string(),
  metadata: z.record(z.string(), z.string()),
});

/** The other half of `search`: one course as a document. */
export function fetchTool({ store }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'fetch',
    title: 'Fetch',
    description: 'One course as a document. Prefer get_course, which gives its fields.',
    scopes: ['catalog:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler({ id }, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const found = await findCourse(store.courses, caller.scope, id);
      if (!found.ok) return problem(unknownCourse(id, found.error));
      const course = found.value;
      const needed = await store.courses.getCourses(
        caller.scope,
        course.prerequisites.map((need) => need.course),
      );
      const detail = toDetail(course, needed, 'full');
      return reply({
        id: detail.id,
        title: detail.title,
        text: documentOf(detail),
        url: citationUrl(course),
        metadata: {
          provider: detail.provider,
          subject: detail.subject,
          level: detail.level,
          language: detail.language,
          format: detail.format,
          hours: String(detail.hours),
          price: `${detail.price} ${detail.currency}`,
          ...(detail.rating !== undefined && { rating: String(detail.rating) }),
          status: detail.status,
        },
      });
    },
  });
}

function documentOf(detail: ReturnType<typeof toDetail>): string {
  const levels = (skills: typeof detail.teaches): string =>
    skills.map(({ skill, level }) => `${skill} (level ${level} of 5)`).join(', ');
  const needs = detail.prerequisites.map(
    ({ id, title, kind }) => `${title ?? id} (${id}, ${kind === 'hard' ? 'required' : 'helpful'})`,
  );
  const lines = [
    detail.title,
    `${detail.level} course by ${detail.provider}, ${detail.hours} hours, ${detail.format}, language ${detail.language}, ${detail.price === 0 ? 'free' : `${detail.price} ${detail.currency}`}.`,
    detail.summary,
    detail.description ?? '',
    detail.teaches.length > 0 ? `Teaches: ${levels(detail.teaches)}.` : '',
    detail.requires.length > 0 ? `Assumes: ${levels(detail.requires)}.` : '',
    needs.length > 0 ? `Take before: ${needs.join(', ')}.` : '',
  ];
  return lines.filter((line) => line !== '').join('\n\n');
}
