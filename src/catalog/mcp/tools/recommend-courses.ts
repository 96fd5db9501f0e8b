import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { sentenceOf } from '../../domain/evidence.js';
import { type Recommendations, recommendCourses } from '../../domain/recommend.js';
import type { CourseId } from '../../domain/scope.js';
import { NO_CALLER, callerOf } from '../caller.js';
import { courseCardFields, toCard } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';
import { evidenceView, toEvidenceView } from '../evidence-view.js';
import { summaryOf } from '../recommendation-summary.js';
import { clip, problem, reply } from '../reply.js';

const DEFAULT_LIMIT = 5;
const MAX_IN_PROGRESS = 10;
const MAX_STEPS = 12;

const input = z.strictObject({
  goal: z.string().min(1).max(300).optional().describe('default: saved goals'),
  weekly_hours: z.number().min(0.5).max(80).optional().describe('default: saved'),
  language: z.string().min(2).max(20).optional().describe('such as en'),
  max_price: z.number().min(0).optional().describe('0: free'),
  limit: z.int().min(1).max(10).optional().describe('default 5'),
});

const output = z.object({
  message: z.string(),
  courses: z.array(
    z.object({
      ...courseCardFields,
      score: z.number(),
      weeks_for_you: z.number().optional().describe('at your weekly hours'),
      why: z.string().describe('made from the evidence'),
      exploration: z.boolean().optional().describe('true: a look beyond the best matches'),
      evidence: z.array(evidenceView),
    }),
  ),
  in_progress: z.array(z.object({ id: z.string(), title: z.string(), progress: z.number() })),
  not_now: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        reason: z.enum(['prerequisites', 'language', 'price', 'weekly_hours']),
        complete_first: z.array(z.string()).optional().describe('in this order'),
      }),
    )
    .describe('would serve you, but cannot be taken now'),
});

export function recommendCoursesTool({
  store,
  clock,
  minimumLearners,
}: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'recommend_courses',
    title: 'Recommend courses',
    description:
      'Recommends what you can take next for your goals and history, with evidence; says when nothing fits.',
    scopes: ['catalog:read', 'learner:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler(args, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const found = await recommendCourses(
        store,
        caller.scope,
        caller.kind === 'person' ? caller.scope : undefined,
        {
          goal: args.goal,
          weeklyHours: args.weekly_hours,
          language: args.language,
          maxPriceMinor:
            args.max_price === undefined ? undefined : Math.round(args.max_price * 100),
          limit: args.limit ?? DEFAULT_LIMIT,
        },
        { minimumLearners, now: clock.nowMs() },
      );
      return reply(view(found));
    },
  });
}

function view(found: Recommendations): object {
  const { situation } = found;
  const titleOf = (id: CourseId): string => clip(situation.known.get(id)?.title ?? id, 120);
  return {
    message: summaryOf(found),
    courses: found.items.map(({ course, score, evidence, weeks }) => ({
      ...toCard(course),
      score,
      ...(weeks !== undefined && { weeks_for_you: weeks }),
      why: clip(sentenceOf(evidence, titleOf), 900),
      ...(evidence.some(({ kind }) => kind === 'exploration') && { exploration: true }),
      evidence: evidence.map(toEvidenceView),
    })),
    in_progress: situation.inProgress.slice(0, MAX_IN_PROGRESS).map((entry) => ({
      id: entry.course,
      title: titleOf(entry.course),
      progress: entry.progress,
    })),
    not_now: found.refused.map(({ course, reason, steps }) => ({
      id: course.id,
      title: titleOf(course.id),
      reason,
      ...(steps.length > 0 && { complete_first: steps.slice(0, MAX_STEPS) }),
    })),
  };
}
