import type { Transition, TransitionStore } from '../../catalog/domain/ports.js';
import type { CourseId } from '../../catalog/domain/scope.js';
import {
  TRANSITION_WINDOW,
  countTransitions,
  stepWeight,
} from '../../catalog/domain/transitions.js';
import type { TenantDirectory } from './catalog-tenants.js';
import { type SqlProgram, all, lock, run, runEach } from '../sql.js';

interface EdgeRow {
  a: CourseId;
  b: CourseId;
  w: number;
  learners: number;
  from_learners: number;
  to_learners: number;
}

export function createTransitionStore(tenants: TenantDirectory): TransitionStore {
  return {
    transitionsFrom: (scope, courses, minimumLearners) =>
      tenants.read(scope, function* ({ counted }) {
        const merged = new Map<string, Transition>();
        for (const tenant of counted) {
          const rows = yield* all<EdgeRow>(
            `SELECT n.a, n.b, n.w, n.learners, ra.learners AS from_learners,
              rb.learners AS to_learners
              FROM course_next n
              JOIN course_reach ra ON ra.tenant_id = ? AND ra.course_id = n.a
              JOIN course_reach rb ON rb.tenant_id = ? AND rb.course_id = n.b
              WHERE n.tenant_id = ? AND n.a IN (SELECT value FROM json_each(?)) AND n.learners >= ?
              ORDER BY n.a, n.b`,
            tenant,
            tenant,
            tenant,
            courses,
            minimumLearners,
          );
          for (const row of rows) addEdge(merged, row);
        }
        return [...merged.values()];
      }),
    publishHistories: (scope, histories, at) =>
      tenants.write(scope, function* ({ own }) {
        yield* lock(countsOf(own));
        return yield* replaceCounts(own, histories, at);
      }),
    rebuildTransitions: (scope, at) =>
      tenants.write(scope, function* ({ own }) {
        yield* lock(countsOf(own));
        return yield* recountTransitions(own, at);
      }),
  };
}

/** Counts anew from the enrollments there are. Runs inside a transaction that holds {@link countsOf} alone. */
export function* recountTransitions(tenant: number, at: number): SqlProgram<undefined> {
  const rows = yield* all<{ learner_no: number; course_id: CourseId }>(
    `SELECT learner_no, course_id FROM enrollment
      WHERE tenant_id = ? AND taken_no IS NOT NULL ORDER BY learner_no, taken_no`,
    tenant,
  );
  const histories = new Map<number, CourseId[]>();
  for (const row of rows) {
    const history = histories.get(row.learner_no) ?? [];
    histories.set(row.learner_no, history);
    history.push(row.course_id);
  }
  return yield* replaceCounts(tenant, [...histories.values()], at);
}

/** Held alone by who replaces the counts, together by those who add to them. */
export function countsOf(tenant: number): string {
  return `transitions ${tenant}`;
}

function addEdge(merged: Map<string, Transition>, row: EdgeRow): void {
  const key = JSON.stringify([row.a, row.b]);
  const known = merged.get(key);
  merged.set(key, {
    from: row.a,
    to: row.b,
    weight: (known?.weight ?? 0) + row.w,
    learners: (known?.learners ?? 0) + row.learners,
    fromLearners: (known?.fromLearners ?? 0) + row.from_learners,
    toLearners: (known?.toLearners ?? 0) + row.to_learners,
  });
}

function* replaceCounts(
  tenant: number,
  histories: readonly (readonly CourseId[])[],
  at: number,
): SqlProgram<undefined> {
  const { edges, reach } = countTransitions(histories);
  yield* run(`DELETE FROM course_next WHERE tenant_id = ?`, tenant);
  yield* run(`DELETE FROM course_reach WHERE tenant_id = ?`, tenant);
  yield* runEach(
    `INSERT INTO course_reach (tenant_id, course_id, learners) VALUES (?, ?, ?)`,
    [...reach].map(([course, learners]) => [tenant, course, learners]),
  );
  yield* runEach(
    `INSERT INTO course_next (tenant_id, a, b, w, learners, updated_at) VALUES (?, ?, ?, ?, ?, ?)`,
    [...edges].flatMap(([a, outgoing]) =>
      [...outgoing].map(([b, edge]) => [tenant, a, b, edge.weight, edge.learners, at]),
    ),
  );
  return undefined;
}

/** Counts one more course of a learner; runs inside the transaction that writes the enrollment. */
export function* countTakenCourse(
  tenant: number,
  learnerNo: number,
  taken: { readonly course: CourseId; readonly takenNo: number; readonly at: number },
): SqlProgram<undefined> {
  yield* lock(countsOf(tenant), true);
  // In the order of their ids: two learners who add to the same edges must not wait for each other crosswise.
  const before = yield* all<{ course_id: string; taken_no: number }>(
    `SELECT course_id, taken_no FROM enrollment
      WHERE tenant_id = ? AND learner_no = ? AND taken_no < ? AND taken_no >= ? ORDER BY course_id`,
    tenant,
    learnerNo,
    taken.takenNo,
    taken.takenNo - TRANSITION_WINDOW,
  );
  yield* runEach(
    `INSERT INTO course_next (tenant_id, a, b, w, learners, updated_at) VALUES (?, ?, ?, ?, 1, ?)
      ON CONFLICT (tenant_id, a, b) DO UPDATE SET w = course_next.w + excluded.w,
        learners = course_next.learners + 1, updated_at = excluded.updated_at`,
    before.map((earlier) => [
      tenant,
      earlier.course_id,
      taken.course,
      stepWeight(taken.takenNo - earlier.taken_no),
      taken.at,
    ]),
  );
  yield* run(
    `INSERT INTO course_reach (tenant_id, course_id, learners) VALUES (?, ?, 1)
      ON CONFLICT (tenant_id, course_id) DO UPDATE SET learners = course_reach.learners + 1`,
    tenant,
    taken.course,
  );
  return undefined;
}
