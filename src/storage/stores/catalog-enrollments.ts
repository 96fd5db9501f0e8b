import { type DerivedEnrollment, deriveEnrollments } from '../../catalog/domain/history.js';
import type { Activity, Enrollment, EnrollmentState } from '../../catalog/domain/learner.js';
import type { EnrollOutcome } from '../../catalog/domain/ports.js';
import type { CourseId } from '../../catalog/domain/scope.js';
import { countTakenCourse } from './catalog-transitions.js';
import { type SqlProgram, all, get, run } from '../sql.js';

export interface EnrollmentRow {
  state: EnrollmentState;
  progress: number;
  taken_no: number | null;
  first_at: number;
  last_at: number;
  /** Absent in a row that is about to be written: a rating has its own statement. */
  rating?: number | null;
  rated_at?: number | null;
}

/** Runs inside the caller's transaction. */
export function* enrollLearner(
  tenant: number,
  request: {
    readonly course: CourseId;
    readonly mustHaveCompleted: readonly CourseId[];
    readonly at: number;
  },
  learner: { find(): SqlProgram<number | undefined>; ensure(): SqlProgram<number> },
): SqlProgram<EnrollOutcome> {
  const { course, at } = request;
  const found = yield* learner.find();
  const known = found === undefined ? undefined : yield* readEnrollment(tenant, found, course);
  if (known !== undefined && ['enrolled', 'in_progress', 'completed'].includes(known.state)) {
    return { status: 'already', enrollment: enrollmentOf(course, known) };
  }
  const completed = found === undefined ? new Set<CourseId>() : yield* readCompleted(tenant, found);
  const missing = request.mustHaveCompleted.filter((needed) => !completed.has(needed));
  if (missing.length > 0) return { status: 'blocked', missing };

  const learnerNo = found ?? (yield* learner.ensure());
  const takenNo = known?.taken_no ?? (yield* nextTakenNo(tenant, learnerNo));
  const enrollment: EnrollmentRow = {
    state: 'enrolled',
    progress: known?.progress ?? 0,
    taken_no: takenNo,
    first_at: known?.first_at ?? at,
    last_at: at,
    rating: known?.rating ?? null,
    rated_at: known?.rated_at ?? null,
  };
  yield* writeEnrollment(tenant, learnerNo, course, enrollment);
  yield* noteActivity(tenant, learnerNo, { verb: 'enrolled', course, at });
  if ((known?.taken_no ?? null) === null) {
    yield* countTakenCourse(tenant, learnerNo, { course, takenNo, at });
  }
  return { status: 'enrolled', enrollment: enrollmentOf(course, enrollment) };
}

/** Adds events and derives the learner's enrollments from all of them. Runs inside the caller's transaction. */
export function* recordActivities(
  tenant: number,
  learnerNo: number,
  activities: readonly Activity[],
): SqlProgram<number> {
  let added = 0;
  let seq = yield* nextSeq(tenant, learnerNo);
  for (const activity of activities) {
    const isNew = yield* insertActivity(tenant, learnerNo, seq, activity);
    if (!isNew) continue;
    seq += 1;
    added += 1;
  }
  if (added === 0) return 0;
  const events = yield* all<{
    verb: Activity['verb'];
    course_id: CourseId;
    at: number;
    progress: number | null;
  }>(
    `SELECT verb, course_id, at, progress FROM activity
      WHERE tenant_id = ? AND learner_no = ? ORDER BY at, seq`,
    tenant,
    learnerNo,
  );
  const derived = deriveEnrollments(
    events.map((event) => ({
      verb: event.verb,
      course: event.course_id,
      at: event.at,
      progress: event.progress ?? undefined,
    })),
  );
  for (const enrollment of derived) {
    yield* writeEnrollment(tenant, learnerNo, enrollment.course, rowOf(enrollment));
  }
  return added;
}

/** Writes down what the learner just did here, so that deriving from all events gives the same state. */
export function* noteActivity(
  tenant: number,
  learnerNo: number,
  event: Pick<Activity, 'verb' | 'course' | 'at'>,
): SqlProgram<boolean> {
  const seq = yield* nextSeq(tenant, learnerNo);
  return yield* insertActivity(tenant, learnerNo, seq, {
    ...event,
    statementId: `${event.verb}:${learnerNo}:${seq}`,
  });
}

function rowOf(enrollment: DerivedEnrollment): EnrollmentRow {
  return {
    state: enrollment.state,
    progress: enrollment.progress,
    taken_no: enrollment.takenNo ?? null,
    first_at: enrollment.firstAt,
    last_at: enrollment.lastAt,
  };
}

export function enrollmentOf(course: CourseId, row: EnrollmentRow): Enrollment {
  return {
    course,
    state: row.state,
    progress: row.progress,
    firstAt: row.first_at,
    lastAt: row.last_at,
    ...(typeof row.rating === 'number' && {
      rating: { stars: row.rating, at: row.rated_at ?? row.last_at },
    }),
  };
}

export function* readEnrollment(
  tenant: number,
  learnerNo: number,
  course: CourseId,
): SqlProgram<EnrollmentRow | undefined> {
  return yield* get<EnrollmentRow>(
    `SELECT state, progress, taken_no, first_at, last_at, rating, rated_at FROM enrollment
      WHERE tenant_id = ? AND learner_no = ? AND course_id = ?`,
    tenant,
    learnerNo,
    course,
  );
}

function* readCompleted(tenant: number, learnerNo: number): SqlProgram<ReadonlySet<CourseId>> {
  const rows = yield* all<{ course_id: CourseId }>(
    `SELECT course_id FROM enrollment WHERE tenant_id = ? AND learner_no = ? AND state = 'completed'`,
    tenant,
    learnerNo,
  );
  return new Set(rows.map((row) => row.course_id));
}

function* nextTakenNo(tenant: number, learnerNo: number): SqlProgram<number> {
  const row = yield* get<{ next: number }>(
    `SELECT COALESCE(MAX(taken_no), 0) + 1 AS next FROM enrollment
      WHERE tenant_id = ? AND learner_no = ?`,
    tenant,
    learnerNo,
  );
  return row?.next ?? 1;
}

function* nextSeq(tenant: number, learnerNo: number): SqlProgram<number> {
  const row = yield* get<{ next: number }>(
    `SELECT COALESCE(MAX(seq), 0) + 1 AS next FROM activity WHERE tenant_id = ? AND learner_no = ?`,
    tenant,
    learnerNo,
  );
  return row?.next ?? 1;
}

export function* writeEnrollment(
  tenant: number,
  learnerNo: number,
  course: CourseId,
  row: EnrollmentRow,
): SqlProgram<number> {
  return yield* run(
    `INSERT INTO enrollment (tenant_id, learner_no, course_id, state, progress, taken_no, first_at, last_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (tenant_id, learner_no, course_id) DO UPDATE SET state = excluded.state,
        progress = excluded.progress, taken_no = excluded.taken_no, first_at = excluded.first_at,
        last_at = excluded.last_at`,
    tenant,
    learnerNo,
    course,
    row.state,
    row.progress,
    row.taken_no,
    row.first_at,
    row.last_at,
  );
}

/** @returns whether the event was new */
function* insertActivity(
  tenant: number,
  learnerNo: number,
  seq: number,
  activity: Activity,
): SqlProgram<boolean> {
  const changes = yield* run(
    `INSERT INTO activity (tenant_id, learner_no, at, seq, verb, course_id, progress, source, stmt_id)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'catalog', ?) ON CONFLICT (tenant_id, stmt_id) DO NOTHING`,
    tenant,
    learnerNo,
    activity.at,
    seq,
    activity.verb,
    activity.course,
    activity.progress ?? null,
    activity.statementId,
  );
  return changes > 0;
}
