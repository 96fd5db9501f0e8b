import { z } from 'zod';
import { skillsOfGoals } from '../domain/goals.js';
import type { Goal } from '../domain/learner.js';
import type { CourseStore } from '../domain/ports.js';
import type { Scope, SkillId } from '../domain/scope.js';
import { clip } from './reply.js';

const MAX_GOAL_SKILLS = 15;

export interface GoalView {
  readonly text: string;
  readonly understood_as: string;
  readonly skills: readonly {
    readonly skill: string;
    readonly have: number;
    readonly target: number;
  }[];
}

export const goalView: z.ZodType = z.object({
  text: z.string(),
  understood_as: z.string().describe('role or skill; "words" when neither is known'),
  skills: z.array(z.object({ skill: z.string(), have: z.number(), target: z.number() })),
});

/** Goals as they were understood, with what is there and what is asked for. */
export async function viewGoals(
  store: CourseStore,
  scope: Scope,
  goals: readonly Goal[],
  have: ReadonlyMap<SkillId, number>,
): Promise<GoalView[]> {
  const views: GoalView[] = [];
  for (const goal of goals) {
    const skills = await skillsOfGoals(store, scope, [goal]);
    views.push({
      text: clip(goal.text, 300),
      understood_as:
        goal.kind === 'text' ? 'words' : `${goal.kind}: ${skills[0]?.goal ?? goal.ref}`,
      skills: skills.slice(0, MAX_GOAL_SKILLS).map(({ skill, target }) => ({
        skill,
        have: have.get(skill) ?? 0,
        target,
      })),
    });
  }
  return views;
}
