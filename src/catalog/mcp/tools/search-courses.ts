import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { FORMATS, LEVELS } from '../../domain/course.js';
import { findSkill } from '../../domain/lookup.js';
import type { CourseFilters } from '../../domain/ports.js';
import { type SearchHit, type SearchResult, searchCourses } from '../../domain/search.js';
import { NO_CALLER, callerOf } from '../caller.js';
import { courseCardFields, toCard } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';
import { clip, isSendable, listed, problem, reply } from '../reply.js';

const DEFAULT_LIMIT = 10;
const FACET_VALUES = 8;

const input = z.strictObject({
  query: z.string().max(300).optional().describe('any language; empty lists all'),
  level: z.enum(LEVELS).optional().describe('exact'),
  language: z.string().max(20).optional().describe('such as en'),
  provider: z.string().max(120).optional().describe('full name'),
  skill: z.string().max(80).optional().describe('taught skill'),
  max_price: z.number().min(0).optional().describe('0: free'),
  max_hours: z.number().min(0).optional().describe('whole course'),
  format: z.enum(FORMATS).optional().describe('how taught'),
  limit: z.int().min(1).max(20).optional().describe('default 10'),
  cursor: z.string().max(500).optional().describe('next_cursor'),
  detail: z.enum(['brief', 'full']).optional().describe('default brief'),
});

const facet = z.array(z.object({ value: z.string(), count: z.number() }));
const output = z.object({
  total: z.number(),
  courses: z.array(
    z.object({
      ...courseCardFields,
      why: z.string(),
      subject: z.string().optional(),
      summary: z.string().optional(),
      prerequisites: z.array(z.string()).optional(),
    }),
  ),
  read_as: z
    .array(z.object({ from: z.string(), to: z.string() }))
    .optional()
    .describe('words read as another one'),
  not_found: z.array(z.string()).optional().describe('words that occur in no course'),
  hint: z.string().optional(),
  facets: z.object({ level: facet, language: facet, subject: facet }).optional(),
  next_cursor: z.string().optional(),
});

export function searchCoursesTool({ store, cursorSecret }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'search_courses',
    title: 'Search courses',
    description:
      'Finds courses by words and filters, best first, and says why each matched. Mends typos.',
    scopes: ['catalog:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler(args, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const skill =
        args.skill === undefined
          ? undefined
          : await findSkill(store.courses, caller.scope, args.skill);
      if (skill?.ok === false) {
        const near = skill.error.length > 0 ? ` Nearest: ${listed(skill.error)}.` : '';
        return problem(
          `Unknown skill ${JSON.stringify(args.skill)}.${near} Or put the word into query instead.`,
        );
      }
      const search = (limit: number) =>
        searchCourses(store.courses, cursorSecret, caller.scope, {
          query: args.query,
          filters: filtersOf(args, skill?.value),
          limit,
          cursor: args.cursor,
        });
      let limit = args.limit ?? DEFAULT_LIMIT;
      let found = await search(limit);
      // Courses with long texts: fewer on a page.
      while (found.ok && limit > 1 && !isSendable(view(found.value, args))) {
        limit = Math.ceil(limit / 2);
        found = await search(limit);
      }
      if (!found.ok) {
        return problem(
          found.error === 'foreign'
            ? 'This cursor belongs to another search. Repeat the same query and filters as on the first page, or leave cursor out.'
            : 'This is not a cursor of this server. Pass next_cursor of the last page unchanged, or leave cursor out.',
        );
      }
      return reply(view(found.value, args));
    },
  });
}

type Arguments = z.infer<typeof input>;

function filtersOf(args: Arguments, skill: CourseFilters['skill']): CourseFilters {
  return {
    level: args.level,
    language: args.language,
    provider: args.provider,
    skill,
    maxPriceMinor: args.max_price === undefined ? undefined : Math.round(args.max_price * 100),
    maxMinutes: args.max_hours === undefined ? undefined : Math.floor(args.max_hours * 60),
    format: args.format,
  };
}

function view(result: SearchResult, args: Arguments): object {
  const { corrected, unknown, facets, nextCursor } = result;
  const hint = hintOf(result);
  return {
    total: result.total,
    courses: result.hits.map((hit) => ({
      ...toCard(hit.course),
      why: whyOf(hit),
      ...(args.detail === 'full' && {
        subject: hit.course.subject,
        summary: clip(hit.course.summary, 400),
        prerequisites: hit.course.prerequisites.map((need) => need.course),
      }),
    })),
    ...(corrected.length > 0 && { read_as: [...corrected] }),
    ...(unknown.length > 0 && { not_found: unknown.map((word) => clip(word, 80)) }),
    ...(hint !== undefined && { hint }),
    ...(args.cursor === undefined &&
      result.total > 0 && {
        facets: {
          level: facets.level.slice(0, FACET_VALUES),
          language: facets.language.slice(0, FACET_VALUES),
          subject: facets.subject.slice(0, FACET_VALUES),
        },
      }),
    ...(nextCursor !== undefined && { next_cursor: nextCursor }),
  };
}

function whyOf(hit: SearchHit): string {
  if (hit.matched.length === 0) return 'passes the filters';
  return clip(
    hit.matched.map(({ word, fields }) => `${word}: ${fields.join(', ')}`).join('; '),
    300,
  );
}

const FILTER_NAMES: Readonly<Record<keyof CourseFilters, string>> = {
  level: 'level',
  language: 'language',
  provider: 'provider',
  skill: 'skill',
  maxPriceMinor: 'max_price',
  maxMinutes: 'max_hours',
  format: 'format',
};

function hintOf(result: SearchResult): string | undefined {
  if (result.total > 0) return undefined;
  if (result.without.length === 0) {
    return 'No course matches. Try other or fewer words, or an empty query to see what there is.';
  }
  const ways = result.without.map(
    ({ filter, total }) => `${total} without ${FILTER_NAMES[filter]}`,
  );
  return `No course passes all filters. There would be ${ways.join(', ')}.`;
}
