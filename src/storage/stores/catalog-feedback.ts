import type { Enrollment } from '../../catalog/domain/learner.js';
import type { DismissOutcome, WithdrawOutcome } from '../../catalog/domain/ports.js';
import type { CourseId } from '../../catalog/domain/scope.js';
import {
  enrollmentOf,
  noteActivity,
  readEnrollment,
  writeEnrollment,
} from './catalog-enrollments.js';
import { type SqlProgram, run } from '../sql.js';

type FindLearner = () => SqlProgram<number | undefined>;

/** Runs inside the caller's transaction. The place in the order of courses taken stays, and so do the counts made of it. */
export function* withdrawLearner(
  tenant: number,
  { course, at }: { readonly course: CourseId; readonly at: number },
  findLearner: FindLearner,
): SqlProgram<WithdrawOutcome> {
  const learnerNo = yield* findLearner();
  if (learnerNo === undefined) return { status: 'not-enrolled' };
  const known = yield* readEnrollment(tenant, learnerNo, course);
  if (known === undefined || known.state === 'saved' || known.state === 'dismissed') {
    return { status: 'not-enrolled' };
  }
  if (known.state === 'completed' || known.state === 'dropped') {
    const status = known.state === 'completed' ? 'completed' : 'already';
    return { status, enrollment: enrollmentOf(course, known) };
  }
  const dropped = { ...known, state: 'dropped' as const, last_at: at };
  yield* writeEnrollment(tenant, learnerNo, course, dropped);
  yield* noteActivity(tenant, learnerNo, { verb: 'dropped', course, at });
  return { status: 'withdrawn', enrollment: enrollmentOf(course, dropped) };
}

/** Runs inside the caller's transaction. */
export function* rateCourse(
  tenant: number,
  request: { readonly course: CourseId; readonly stars: number; readonly at: number },
  findLearner: FindLearner,
): SqlProgram<Enrollment | undefined> {
  const { course, stars, at } = request;
  const learnerNo = yield* findLearner();
  if (learnerNo === undefined) return undefined;
  const known = yield* readEnrollment(tenant, learnerNo, course);
  if (known === undefined || known.taken_no === null) return undefined;
  yield* run(
    `UPDATE enrollment SET rating = ?, rated_at = ?
      WHERE tenant_id = ? AND learner_no = ? AND course_id = ?`,
    stars,
    at,
    tenant,
    learnerNo,
    course,
  );
  return enrollmentOf(course, { ...known, rating: stars, rated_at: at });
}

/** Runs inside the caller's transaction. */
export function* dismissCourse(
  tenant: number,
  request: { readonly course: CourseId; readonly isDismissed: boolean; readonly at: number },
  learner: { readonly find: FindLearner; ensure(): SqlProgram<number> },
): SqlProgram<DismissOutcome> {
  const { course, isDismissed, at } = request;
  const found = yield* learner.find();
  const known = found === undefined ? undefined : yield* readEnrollment(tenant, found, course);
  if (known !== undefined && ['enrolled', 'in_progress', 'completed'].includes(known.state)) {
    return { status: 'taken', enrollment: enrollmentOf(course, known) };
  }
  if ((known?.state === 'dismissed') === isDismissed) return { status: 'unchanged' };
  const learnerNo = found ?? (yield* learner.ensure());
  const verb = isDismissed ? 'dismissed' : 'saved';
  yield* writeEnrollment(tenant, learnerNo, course, {
    state: verb,
    progress: known?.progress ?? 0,
    taken_no: known?.taken_no ?? null,
    first_at: known?.first_at ?? at,
    last_at: at,
  });
  yield* noteActivity(tenant, learnerNo, { verb, course, at });
  return { status: isDismissed ? 'dismissed' : 'restored' };
}
