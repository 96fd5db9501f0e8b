import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { searchCourses } from '../../domain/search.js';
import { NO_CALLER, callerOf } from '../caller.js';
import { citationUrl } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';
import { clip, problem, reply } from '../reply.js';

const LIMIT = 10;

const input = z.strictObject({ query: z.string().max(300) });

const output = z.object({
  results: z.array(z.object({ id: z.string(), title: z.string(), url: z.string() })),
});

/** For hosts that know a server by `search` and `fetch` alone: exactly these names, arguments and members. */
export function searchTool({ store, cursorSecret }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'search',
    title: 'Search',
    description: 'Finds course ids for fetch. Prefer search_courses, which filters and explains.',
    scopes: ['catalog:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler({ query }, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const found = await searchCourses(store.courses, cursorSecret, caller.scope, {
        query,
        filters: {},
        limit: LIMIT,
      });
      if (!found.ok) throw new TypeError('a search without a cursor has none to refuse');
      return reply({
        results: found.value.hits.map(({ course }) => ({
          id: course.id,
          title: clip(course.title, 200),
          url: citationUrl(course),
        })),
      });
    },
  });
}
