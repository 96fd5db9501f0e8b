import type { Course } from './course.js';
import type { Enrollment } from './learner.js';
import { findCourse } from './lookup.js';
import type { CatalogStore } from './ports.js';
import { stepsBefore, unmetHard, withPrerequisites } from './prerequisites.js';
import type { CourseId, LearnerScope } from './scope.js';

export type EnrollResult =
  | {
      readonly status: 'enrolled' | 'already';
      readonly course: Course;
      readonly enrollment: Enrollment;
    }
  | { readonly status: 'unknown'; readonly nearest: readonly CourseId[] }
  | { readonly status: 'retired'; readonly course: Course }
  | {
      readonly status: 'blocked';
      readonly course: Course;
      /** Direct hard prerequisites that are not completed. */
      readonly missing: readonly Course[];
      /** All that is to be completed first, in an order that works. */
      readonly steps: readonly Course[];
    };

/**
 * Enrolls the learner, once: a second call answers `already` with the first enrollment.
 *
 * @param at - epoch milliseconds
 */
export async function enrollInCourse(
  store: CatalogStore,
  scope: LearnerScope,
  id: string,
  at: number,
): Promise<EnrollResult> {
  const found = await findCourse(store.courses, scope, id);
  if (!found.ok) return { status: 'unknown', nearest: found.error };
  const course = found.value;
  const known = await withPrerequisites(store.courses, scope, [course]);
  const outcome =
    course.status === 'active'
      ? await store.learners.enroll(scope, {
          course: course.id,
          mustHaveCompleted: unmetHard(course, new Set(), known),
          at,
        })
      : undefined;
  if (outcome === undefined) return { status: 'retired', course };
  if (outcome.status !== 'blocked') {
    return { status: outcome.status, course, enrollment: outcome.enrollment };
  }
  const history = await store.learners.history(scope);
  const completed = new Set(
    history.filter((entry) => entry.state === 'completed').map((entry) => entry.course),
  );
  const coursesOf = (ids: readonly CourseId[]): Course[] =>
    ids.map((needed) => known.get(needed)).filter((needed) => needed !== undefined);
  return {
    status: 'blocked',
    course,
    missing: coursesOf(outcome.missing),
    steps: coursesOf(stepsBefore(course, completed, known)),
  };
}
