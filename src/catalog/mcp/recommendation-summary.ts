import type { Exclusion } from '../domain/candidates.js';
import type { Recommendations } from '../domain/recommend.js';
import { clip } from './reply.js';

/** One or two sentences above the list: what it rests on, or plainly why it is empty. */
export function summaryOf(found: Recommendations): string {
  const { items, situation, gap } = found;
  const goal = goalName(found);
  if (items.length > 0) {
    const basis = [
      ...(goal === undefined ? [] : [`the goal ${goal}`]),
      ...(situation.taken.length > 0 ? [`${situation.taken.length} courses taken`] : []),
    ];
    return basis.length === 0
      ? 'Nothing is known about you yet, so these are what most people take. Say what you want with set_goals.'
      : `Based on ${basis.join(' and ')}.`;
  }
  if (gap === 0) {
    return `You already have every skill that ${goal} asks for, at the level it asks for. Nothing is left to recommend for it.`;
  }
  const reasons = Object.entries(found.refusedCounts) as [Exclusion, number][];
  if (reasons.length === 0) {
    return `Nothing fits${goal === undefined ? '' : ` ${goal}`}: no course in the catalog is about it. Try a role such as "data analyst", a skill such as "SQL", or search_courses.`;
  }
  const texts = reasons.map(([reason, count]) => `${count} ${REASONS[reason](found)}`);
  return `Nothing fits${goal === undefined ? '' : ` ${goal}`} now. Of the courses that would serve, ${texts.join(', ')}.`;
}

const REASONS: Readonly<Record<Exclusion, (found: Recommendations) => string>> = {
  language: ({ situation }) => `are not in ${situation.languages.join(' or ')} (language)`,
  price: () => 'cost more (max_price)',
  weekly_hours: ({ situation }) =>
    `have fixed dates that need more than ${situation.weeklyHours} hours a week (weekly_hours)`,
  prerequisites: () => 'need another course first (see not_now)',
};

function goalName({ situation }: Recommendations): string | undefined {
  const names = new Set([
    ...situation.goalSkills.map((wanted) => wanted.goal),
    ...situation.goals.filter((goal) => goal.kind === 'text').map((goal) => goal.text),
  ]);
  return names.size === 0
    ? undefined
    : [...names].map((name) => JSON.stringify(clip(name, 120))).join(', ');
}
