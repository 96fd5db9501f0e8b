import type { Course } from './course.js';
import type { CourseStore } from './ports.js';
import type { CourseId, Scope } from './scope.js';

const MAX_DEPTH = 8;
const MAX_COURSES = 400;

/** The given courses and everything they need, hard or soft, directly or not, as far as the scope can see. */
export async function withPrerequisites(
  store: CourseStore,
  scope: Scope,
  courses: readonly Course[],
): Promise<ReadonlyMap<CourseId, Course>> {
  const known = new Map(courses.map((course) => [course.id, course]));
  let front: readonly Course[] = courses;
  for (let depth = 0; depth < MAX_DEPTH && known.size < MAX_COURSES; depth += 1) {
    const needed = front
      .flatMap((course) => course.prerequisites.map((need) => need.course))
      .filter((id) => !known.has(id));
    if (needed.length === 0) break;
    front = await store.getCourses(scope, [...new Set(needed)]);
    for (const course of front) known.set(course.id, course);
  }
  return known;
}

/**
 * Hard prerequisites of a course that are not completed. Two kinds do not count, because nobody could ever meet them:
 * one that the scope cannot see (its course is gone), and one that needs this very course first.
 */
export function unmetHard(
  course: Course,
  completed: ReadonlySet<CourseId>,
  known: ReadonlyMap<CourseId, Course>,
): CourseId[] {
  return course.prerequisites
    .filter((need) => need.kind === 'hard' && known.has(need.course) && !completed.has(need.course))
    .map((need) => need.course)
    .filter((needed) => !needs(needed, course.id, known));
}

/** Whether a course needs another one first, directly or not. */
function needs(course: CourseId, wanted: CourseId, known: ReadonlyMap<CourseId, Course>): boolean {
  const seen = new Set<CourseId>();
  const open = [course];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === wanted) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    for (const need of known.get(id)?.prerequisites ?? []) {
      if (need.kind === 'hard') open.push(need.course);
    }
  }
  return false;
}

/** What has to be completed before a course, in an order that works; empty when it can be taken now. */
export function stepsBefore(
  course: Course,
  completed: ReadonlySet<CourseId>,
  known: ReadonlyMap<CourseId, Course>,
): CourseId[] {
  const steps: CourseId[] = [];
  const seen = new Set<CourseId>([course.id]);
  const visit = (at: Course): void => {
    for (const id of unmetHard(at, completed, known)) {
      const needed = known.get(id);
      if (needed === undefined || seen.has(id)) continue;
      seen.add(id);
      visit(needed);
      steps.push(id);
    }
  };
  visit(course);
  return steps;
}
