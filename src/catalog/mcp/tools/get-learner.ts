import { z } from 'zod';
import { type ToolDefinition, defineTool } from '../../../server/core/define.js';
import { skillsOf } from '../../domain/candidates.js';
import { ENROLLMENT_STATES } from '../../domain/learner.js';
import { learnerIdOf } from '../../domain/scope.js';
import { personOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';
import { goalView, viewGoals } from '../goal-view.js';
import { clip, problem, reply } from '../reply.js';

const DEFAULT_HISTORY = 20;
const MAX_SKILLS = 100;

const input = z.strictObject({
  history: z.int().min(0).max(50).optional().describe('newest courses shown, default 20'),
});

const output = z.object({
  id: z.string(),
  name: z.string().optional(),
  languages: z.array(z.string()).describe('empty: any'),
  weekly_hours: z.number().optional(),
  goals: z.array(goalView),
  skills: z.array(z.object({ skill: z.string(), level: z.number() })),
  history: z
    .array(
      z.object({
        id: z.string(),
        title: z.string().optional(),
        state: z.enum(ENROLLMENT_STATES),
        progress: z.number().describe('0 to 1'),
        since: z.string(),
        last: z.string(),
      }),
    )
    .describe('newest first'),
  history_total: z.number(),
  hint: z.string().optional(),
});

export function getLearnerTool({ store }: CatalogDependencies): ToolDefinition {
  return defineTool({
    name: 'get_learner',
    title: 'My profile',
    description: 'Shows your own profile: goals, skills, languages, weekly hours, course history.',
    scopes: ['learner:read'],
    annotations: { readOnlyHint: true, openWorldHint: false },
    input,
    output,
    async handler(args, { principal }) {
      const person = personOf(principal);
      if (!person.ok) return problem(person.error);
      const scope = person.value;
      const profile = await store.learners.find(scope);
      const history = await store.learners.history(scope);
      const shown = history.slice(-(args.history ?? DEFAULT_HISTORY)).toReversed();
      const courses = await store.courses.getCourses(
        scope,
        history.map((entry) => entry.course),
      );
      const titles = new Map(courses.map((course) => [course.id, course.title]));
      const completed = new Set(
        history.filter(({ state }) => state === 'completed').map(({ course }) => course),
      );
      const have = skillsOf(
        profile,
        courses.filter((course) => completed.has(course.id)),
      );
      const isEmpty = profile === undefined && history.length === 0;
      const shownProfile = {
        id: learnerIdOf(scope),
        ...(profile?.displayName !== undefined && { name: clip(profile.displayName, 200) }),
        languages: profile?.languages ?? [],
        ...(profile?.weeklyHours !== undefined && { weekly_hours: profile.weeklyHours }),
        goals: await viewGoals(store.courses, scope, profile?.goals ?? [], have),
        skills: [...have]
          .map(([skill, level]) => ({ skill, level }))
          .sort((a, b) => b.level - a.level || (a.skill < b.skill ? -1 : 1))
          .slice(0, MAX_SKILLS),
        history: (args.history === 0 ? [] : shown).map((entry) => {
          const title = titles.get(entry.course);
          return {
            id: entry.course,
            ...(title !== undefined && { title: clip(title, 200) }),
            state: entry.state,
            progress: entry.progress,
            since: new Date(entry.firstAt).toISOString(),
            last: new Date(entry.lastAt).toISOString(),
          };
        }),
        history_total: history.length,
        ...(isEmpty && { hint: 'Nothing is known about you yet: tell your goals with set_goals.' }),
      };
      return reply(shownProfile, 'skills');
    },
  });
}
