import type { LearningPath, LeftOutReason } from '../domain/path.js';
import { clip } from './reply.js';

/** What the path leads to and when, or plainly why there is none. */
export function pathSummary(path: LearningPath): string {
  const { steps, gap, situation, weeklyHours } = path;
  const names = new Set([
    ...situation.goalSkills.map(({ goal }) => goal),
    ...situation.goals.filter(({ kind }) => kind === 'text').map(({ text }) => text),
  ]);
  const goal = [...names].map((name) => JSON.stringify(clip(name, 120))).join(', ');
  if (gap === undefined) {
    return `${goal} names no role and no skill that the catalog knows, so there is no gap to plan for. Try a role such as "data analyst" or skills such as "SQL", or recommend_courses, which also reads words.`;
  }
  if (gap.before === 0) {
    return `You already have every skill that ${goal} asks for, at the level it asks for.`;
  }
  const first = steps[0];
  const last = steps.at(-1);
  if (first === undefined || last === undefined) {
    return `No course that leads to ${goal} can be taken: left_out says why. ${hintOf(path)}`.trim();
  }
  const hours = path.isHoursAssumed
    ? `${weeklyHours} hours a week (assumed: give weekly_hours)`
    : `${weeklyHours} hours a week`;
  const share = Math.round((1 - gap.after / gap.before) * 100);
  const count = steps.length === 1 ? '1 course' : `${steps.length} courses`;
  const rest = gap.after > 0 ? ` not_reached names what stays open. ${hintOf(path)}` : '';
  return `${count} from ${first.starts} to ${last.ends} at ${hours} close ${share} % of the gap to ${goal}.${rest}`.trim();
}

const HINTS: Readonly<Partial<Record<LeftOutReason, string>>> = {
  budget: 'A larger budget would allow more.',
  max_steps: 'More max_steps would allow more.',
  weekly_hours: 'More weekly_hours would allow more.',
  language: 'Another language would allow more.',
};

function hintOf({ leftOut }: LearningPath): string {
  for (const { reason } of leftOut) {
    const hint = HINTS[reason];
    if (hint !== undefined) return hint;
  }
  return '';
}
