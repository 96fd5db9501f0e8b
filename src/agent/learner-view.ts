import { type JsonObject, isJsonObject } from '../shared/json.js';
import { nameOf, pickArray, pickNumber, pickString } from './json-view.js';

/** What the server knows of the person, as far as the agent uses it. */
export interface LearnerView {
  readonly completed: readonly string[];
  /** Enrolled or under way. */
  readonly current: readonly string[];
  readonly dismissed: readonly string[];
  /** Texts of the goals that the person has stored, most important first. */
  readonly goals: readonly string[];
  /** Primary subtags; empty means any. */
  readonly languages: readonly string[];
  readonly weeklyHours: number | undefined;
}

export const UNKNOWN_LEARNER: LearnerView = {
  completed: [],
  current: [],
  dismissed: [],
  goals: [],
  languages: [],
  weeklyHours: undefined,
};

/** Reads the answer of `get_learner`: the fields may lie at the top or under `learner` or `profile`. */
export function viewLearner(structured: JsonObject): LearnerView {
  const inner = [structured['learner'], structured['profile']].filter(isJsonObject);
  const fields: JsonObject = Object.assign({}, structured, ...inner) as JsonObject;
  const history = pickArray(fields, ['history', 'enrollments', 'courses'])?.value ?? [];
  const withState = (...states: readonly string[]): string[] =>
    history.filter(isJsonObject).flatMap((entry) => {
      const state = pickString(entry, ['state', 'status'])?.value ?? '';
      const id = nameOf(entry, ['course', 'courseId', 'course_id', 'id']);
      const course = entry['course'];
      const nested = isJsonObject(course) ? nameOf(course, ['id']) : undefined;
      const found = nested ?? id;
      return states.includes(state) && found !== undefined ? [found] : [];
    });
  return {
    completed: withState('completed', 'passed'),
    current: withState('enrolled', 'in_progress', 'active'),
    dismissed: withState('dismissed'),
    goals: (pickArray(fields, ['goals'])?.value ?? [])
      .map((goal) => nameOf(goal, ['text', 'label', 'name', 'title']))
      .filter((text) => text !== undefined),
    languages: (pickArray(fields, ['languages'])?.value ?? [])
      .filter((tag) => typeof tag === 'string')
      .map((tag) => tag.toLowerCase().split('-')[0] ?? ''),
    weeklyHours: pickNumber(fields, ['weeklyHours', 'weekly_hours', 'hoursPerWeek'])?.value,
  };
}
