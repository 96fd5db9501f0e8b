import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { FORMATS, LEVELS } from '../../domain/course.js';
import { sentenceOf } from '../../domain/evidence.js';
import { LEFT_OUT_REASONS, type LearningPath, planPath } from '../../domain/path.js';
import type { CourseId } from '../../domain/scope.js';
import { NO_CALLER, callerOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';
import { evidenceView, toEvidenceView } from '../evidence-view.js';
import { pathSummary } from '../path-summary.js';
import { clip, problem, reply } from '../reply.js';

const DEFAULT_STEPS = 6;
const DATE = /^\d{4}-\d\d-\d\d$/;
const LATEST_YEAR = 2200;

const input = z.strictObject({
  goal: z.string().min(1).max(300).optional().describe('role or skills; default: saved goals'),
  weekly_hours: z.number().min(0.5).max(80).optional(),
  budget: z.number().min(0).optional().describe('for all courses'),
  language: z.string().min(2).max(20).optional(),
  start: z.string().max(10).optional().describe('ISO date, default today'),
  max_steps: z.int().min(1).max(12).optional().describe('default 6'),
});

const skillGap = z.object({ skill: z.string(), have: z.number(), target: z.number() });
const output = z.object({
  message: z.string(),
  steps: z
    .array(
      z.object({
        id: z.string(),
        title: z.string(),
        provider: z.string(),
        level: z.enum(LEVELS),
        format: z.enum(FORMATS),
        starts: z.string().describe('ISO date'),
        ends: z.string(),
        hours: z.number().describe('of work left'),
        price: z.number(),
        currency: z.string(),
        under_way: z.boolean().optional().describe('you are enrolled already'),
        why: z.string(),
        evidence: z.array(evidenceView),
      }),
    )
    .describe('in this order'),
  weekly_hours: z.number(),
  total_hours: z.number(),
  total_price: z
    .array(z.object({ amount: z.number(), currency: z.string() }))
    .describe('empty: free'),
  ends: z.string().optional(),
  gap_closed: z.number().optional().describe('0 to 1'),
  not_reached: z.array(skillGap.extend({ reason: z.enum(['no_course', 'left_out']) })),
  left_out: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      reason: z.enum(LEFT_OUT_REASONS),
      needs: z.string().optional(),
    }),
  ),
});

export function planLearningPathTool({ store, clock }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'plan_learning_path',
    title: 'Plan a learning path',
    description:
      'Plans courses to a goal in order, with dates, within hours and budget; says what was left out.',
    scopes: ['catalog:read', 'learner:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler(args, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return problem(NO_CALLER);
      const today = new Date(clock.nowMs()).toISOString().slice(0, 10);
      const start = args.start ?? today;
      if (!isDate(start)) {
        return problem(
          `start is ${JSON.stringify(start)}, which is no date. Write it as ${JSON.stringify(today)}, or leave it out to start today.`,
        );
      }
      const path = await planPath(
        store,
        caller.scope,
        caller.kind === 'person' ? caller.scope : undefined,
        {
          goal: args.goal,
          weeklyHours: args.weekly_hours,
          budgetMinor: args.budget === undefined ? undefined : Math.round(args.budget * 100),
          language: args.language,
          startOn: start,
          maxSteps: args.max_steps ?? DEFAULT_STEPS,
        },
      );
      if (path.situation.goals.length === 0) {
        return problem(
          'There is no goal to plan for. Give goal, such as "data analyst" or "SQL and Python", or save one with set_goals.',
        );
      }
      return reply(view(path));
    },
  });
}

function isDate(text: string): boolean {
  const at = DATE.test(text) ? new Date(text) : undefined;
  if (at === undefined || Number.isNaN(at.getTime()) || at.getUTCFullYear() > LATEST_YEAR) {
    return false;
  }
  // 2026-02-30 would be read as a day of March.
  return at.toISOString().startsWith(text);
}

function view(path: LearningPath): object {
  const { steps, gap } = path;
  const titleOf = (id: CourseId): string => clip(path.situation.known.get(id)?.title ?? id, 120);
  const prices = new Map<string, number>();
  for (const { course, priceMinor } of steps) {
    if (priceMinor > 0) {
      prices.set(course.currency, (prices.get(course.currency) ?? 0) + priceMinor);
    }
  }
  const ends = steps.at(-1)?.ends;
  return {
    message: pathSummary(path),
    steps: steps.map((step) => ({
      id: step.course.id,
      title: clip(step.course.title, 200),
      provider: clip(step.course.provider, 100),
      level: step.course.level,
      format: step.course.format,
      starts: step.starts,
      ends: step.ends,
      hours: hoursOf(step.minutes),
      price: step.priceMinor / 100,
      currency: step.course.currency,
      ...(step.isUnderWay && { under_way: true }),
      why: clip(sentenceOf(step.evidence, titleOf), 700),
      evidence: step.evidence.map(toEvidenceView),
    })),
    weekly_hours: path.weeklyHours,
    total_hours: hoursOf(steps.reduce((sum, step) => sum + step.minutes, 0)),
    total_price: [...prices].map(([currency, amount]) => ({ amount: amount / 100, currency })),
    ...(ends !== undefined && { ends }),
    ...(gap !== undefined && {
      gap_closed: gap.before === 0 ? 1 : Math.round((1 - gap.after / gap.before) * 1000) / 1000,
    }),
    not_reached: path.uncovered.map(({ skill, have, target, isTaught }) => ({
      skill,
      have,
      target,
      reason: isTaught ? 'left_out' : 'no_course',
    })),
    left_out: path.leftOut.map(({ course, reason, needs }) => ({
      id: course.id,
      title: titleOf(course.id),
      reason,
      ...(needs !== undefined && { needs }),
    })),
  };
}

function hoursOf(minutes: number): number {
  return Math.round((minutes / 60) * 10) / 10;
}
