import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { primaryLanguage } from '../../domain/analysis.js';
import { skillsOf } from '../../domain/candidates.js';
import { readGoal } from '../../domain/goals.js';
import type { Goal, LearnerSkill } from '../../domain/learner.js';
import { findSkill } from '../../domain/lookup.js';
import { personOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';
import { goalView, viewGoals } from '../goal-view.js';
import { listed, problem, reply } from '../reply.js';

/** What learners say of themselves counts as a hint, not as proof. */
const OWN_WORD = 0.5;
const LANGUAGE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

const input = z.strictObject({
  goals: z
    .array(z.string().min(1).max(300))
    .max(5)
    .optional()
    .describe('replaces all; name roles or skills'),
  weekly_hours: z.number().min(0.5).max(80).optional().describe('time to learn'),
  languages: z.array(z.string().max(20)).max(10).optional().describe('such as en'),
  skills: z
    .array(
      z.strictObject({
        skill: z.string().max(80).describe('name'),
        level: z.int().min(1).max(5).describe('5: expert'),
      }),
    )
    .max(30)
    .optional()
    .describe('what you can already'),
});

const output = z.object({
  goals: z.array(goalView),
  languages: z.array(z.string()),
  weekly_hours: z.number().optional(),
  hint: z.string().optional(),
});

export function setGoalsTool({ store, clock }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'set_goals',
    title: 'Set my goals',
    description:
      'Saves your learning goals, weekly hours, languages and skills. Fields left out stay as they are.',
    scopes: ['learner:write'],
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
    input,
    output,
    async handler(args, { principal }) {
      const person = personOf(principal);
      if (!person.ok) return problem(person.error);
      const scope = person.value;
      if (Object.values(args).every((value) => value === undefined)) {
        return problem(
          'Nothing to save. Give at least one of goals, weekly_hours, languages, skills; for example {"goals": ["data analyst"], "weekly_hours": 4}.',
        );
      }
      const badTag = args.languages?.find((tag) => !LANGUAGE.test(tag));
      if (badTag !== undefined) {
        return problem(
          `languages holds ${JSON.stringify(badTag)}, which is no language tag. Use tags such as "en", "de" or "pt-BR".`,
        );
      }
      const goals: Goal[] = [];
      for (const text of args.goals ?? []) {
        goals.push(...(await readGoal(store.courses, scope, text)));
      }
      const skills: LearnerSkill[] = [];
      for (const { skill: name, level } of args.skills ?? []) {
        const found = await findSkill(store.courses, scope, name);
        if (!found.ok) {
          const near = found.error.length > 0 ? ` Nearest: ${listed(found.error)}.` : '';
          return problem(`Unknown skill ${JSON.stringify(name)}: nothing was saved.${near}`);
        }
        skills.push({ skill: found.value, level, confidence: OWN_WORD });
      }
      const profile = await store.learners.save(
        scope,
        {
          goals: args.goals === undefined ? undefined : goals,
          weeklyHours: args.weekly_hours,
          languages: args.languages && [...new Set(args.languages.map(primaryLanguage))],
          skills,
        },
        clock.nowMs(),
      );
      const views = await viewGoals(store.courses, scope, profile.goals, skillsOf(profile, []));
      return reply({
        goals: views,
        languages: profile.languages,
        ...(profile.weeklyHours !== undefined && { weekly_hours: profile.weeklyHours }),
        ...(views.some((view) => view.understood_as === 'words') && {
          hint: 'A goal that names no known role or skill is matched by its words alone. A role ("data analyst") or skills ("SQL") work better.',
        }),
      });
    },
  });
}
