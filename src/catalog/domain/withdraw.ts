import type { Course } from './course.js';
import type { Enrollment } from './learner.js';
import { courseIdIn, findCourse } from './lookup.js';
import type { CatalogStore } from './ports.js';
import type { CourseId, LearnerScope } from './scope.js';

export type WithdrawResult =
  | {
      readonly status: 'withdrawn' | 'already' | 'completed';
      readonly id: CourseId;
      /** Undefined when the course has left the catalog since. */
      readonly course: Course | undefined;
      readonly enrollment: Enrollment;
    }
  | {
      readonly status: 'not-enrolled';
      readonly course: Course;
      /** What the learner could withdraw from. */
      readonly enrolled: readonly CourseId[];
    }
  | { readonly status: 'unknown'; readonly nearest: readonly CourseId[] };

/**
 * Withdraws the learner from a course they are enrolled in, once: a second call answers `already`. The course stays in
 * their history. Works for a course that the catalog no longer has, too.
 *
 * @param at - epoch milliseconds
 */
export async function withdrawFromCourse(
  store: CatalogStore,
  scope: LearnerScope,
  text: string,
  at: number,
): Promise<WithdrawResult> {
  const found = await findCourse(store.courses, scope, text);
  const id = found.ok ? found.value.id : courseIdIn(text);
  const outcome =
    id === undefined
      ? ({ status: 'not-enrolled' } as const)
      : await store.learners.withdraw(scope, { course: id, at });
  if (id !== undefined && outcome.status !== 'not-enrolled') {
    const course = found.ok ? found.value : undefined;
    return { status: outcome.status, id, course, enrollment: outcome.enrollment };
  }
  if (!found.ok) return { status: 'unknown', nearest: found.error };
  const history = await store.learners.history(scope);
  const enrolled = history.filter(({ state }) => state === 'enrolled' || state === 'in_progress');
  return {
    status: 'not-enrolled',
    course: found.value,
    enrolled: enrolled.map(({ course }) => course).toReversed(),
  };
}
