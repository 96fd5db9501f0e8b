import { type Activity, type Enrollment, type EnrollmentState, isTaken } from './learner.js';
import type { CourseId } from './scope.js';

/** An enrollment as derived from events, with its place among the courses taken (1 = first). */
export interface DerivedEnrollment extends Enrollment {
  readonly takenNo: number | undefined;
}

/**
 * The relation to each course after a learner's events, in time order. A completed course stays completed; a course
 * taken once keeps its place in the order, also when it is dropped later.
 */
export function deriveEnrollments(
  activities: readonly Pick<Activity, 'verb' | 'course' | 'at' | 'progress'>[],
): DerivedEnrollment[] {
  const byCourse = new Map<CourseId, DerivedEnrollment>();
  let taken = 0;
  for (const event of activities) {
    const known = byCourse.get(event.course);
    const state = nextState(known?.state, event.verb);
    if (isTaken(state) && known?.takenNo === undefined) taken += 1;
    byCourse.set(event.course, {
      course: event.course,
      state,
      progress: state === 'completed' ? 1 : (event.progress ?? known?.progress ?? 0),
      firstAt: known?.firstAt ?? event.at,
      lastAt: event.at,
      takenNo: isTaken(state) ? (known?.takenNo ?? taken) : known?.takenNo,
    });
  }
  return [...byCourse.values()];
}

function nextState(known: EnrollmentState | undefined, verb: Activity['verb']): EnrollmentState {
  if (known === 'completed') return known;
  switch (verb) {
    case 'progressed':
      return 'in_progress';
    case 'enrolled':
      return known === 'in_progress' ? known : 'enrolled';
    case 'completed':
    case 'dropped':
    case 'dismissed':
    case 'saved':
      return verb;
    default:
      return verb satisfies never;
  }
}
