import type { Rejection, Rule } from './recommendation.js';
import type { AgentState } from './state.js';

/** What the checker holds against the planner, not against a course. */
const INTERNAL: ReadonlySet<Rule> = new Set([
  'unknown_course',
  'claim_not_in_catalog',
  'no_reason_left',
]);
/** Rejections of courses that were a real candidate: what an answer with nothing in it has to explain. */
const MAX_EXPLAINED = 5;

/** The answer as text for a person. Every course in it is a verified recommendation or named as not fitting, with why. */
export function composeAnswer(state: AgentState, planner: string): string {
  const lines: string[] = [];
  const { recommendations, request } = state;
  const goal = request.goal === undefined ? '' : ` "${request.goal.text}"`;
  if (recommendations.length === 0) {
    lines.push(`Nothing in this catalog fits${goal}.`, ...explainNothing(state));
  } else {
    const count = recommendations.length;
    lines.push(`${count} course${count === 1 ? '' : 's'}${goal === '' ? '' : ` for${goal}`}:`);
    for (const [at, course] of recommendations.entries()) {
      lines.push('', `${at + 1}. ${course.title} (${course.id})`);
      for (const { text } of course.reasons) lines.push(`   - ${text}`);
      if (course.after.length > 0) lines.push(`   - after: ${course.after.join(', ')}`);
      if (course.url !== undefined) lines.push(`   ${course.url}`);
    }
    const close = conditionRejections(state.rejections).slice(0, 3);
    if (close.length > 0)
      lines.push('', 'Looked at, but it does not fit:', ...close.map(rejectionLine));
  }
  if (state.enrollment !== undefined) {
    lines.push(
      '',
      `${state.enrollment.title} (${state.enrollment.courseId}): ${state.enrollment.text}.`,
    );
  }
  lines.push('', ...notesOf(state, planner).map((note) => `Note: ${note}.`));
  // Catalog texts are not ours: a control character in one must not reach a terminal.
  return lines
    .map((line) => line.replaceAll(/\p{Cc}/gu, ' '))
    .join('\n')
    .trimEnd();
}

function explainNothing(state: AgentState): readonly string[] {
  const found = Object.keys(state.evidence).length;
  const close = conditionRejections(state.rejections).slice(0, MAX_EXPLAINED);
  if (close.length > 0)
    return ['The closest courses, and why they do not fit:', ...close.map(rejectionLine)];
  const searched = state.queries.map((query) => `"${query}"`).join(', ');
  if (found === 0) {
    return [
      searched === ''
        ? 'The request names no goal that could be searched for, and the server recommended nothing.'
        : `Searching for ${searched} found no course.`,
    ];
  }
  return [
    `The tools returned ${found} course${found === 1 ? '' : 's'}, and none of them says that it is about this goal.`,
  ];
}

function conditionRejections(rejections: readonly Rejection[]): readonly Rejection[] {
  const seen = new Set<string>();
  return rejections.filter(({ id, rule }) => {
    if (INTERNAL.has(rule) || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

function rejectionLine({ id, title, text }: Rejection): string {
  return `   - ${title ?? id} (${id}): ${text}`;
}

function notesOf(state: AgentState, planner: string): readonly string[] {
  const dropped = state.rejections.filter(({ rule }) =>
    ['unknown_course', 'claim_not_in_catalog'].includes(rule),
  ).length;
  return [
    ...state.notes,
    ...(dropped > 0
      ? [
          `${dropped} statement${dropped === 1 ? '' : 's'} of ${planner} had no ground in the catalog and were left out`,
        ]
      : []),
  ];
}
