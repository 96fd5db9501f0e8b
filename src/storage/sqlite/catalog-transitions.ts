import type { Transition, TransitionStore } from '../../catalog/domain/ports.js';
import type { CourseId } from '../../catalog/domain/scope.js';
import {
  TRANSITION_WINDOW,
  countTransitions,
  stepWeight,
} from '../../catalog/domain/transitions.js';
import type { TenantDirectory } from './catalog-tenants.js';
import type { SqliteDatabase } from './database.js';

interface EdgeRow {
  a: CourseId;
  b: CourseId;
  w: number;
  learners: number;
  from_learners: number;
  to_learners: number;
}

export function createTransitionStore(
  database: SqliteDatabase,
  tenants: TenantDirectory,
): TransitionStore {
  return {
    async transitionsFrom(scope, courses, minimumLearners) {
      const merged = new Map<string, Transition>();
      for (const tenant of tenants.view(scope).counted) {
        const rows = database.all<EdgeRow>(
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
          JSON.stringify(courses),
          minimumLearners,
        );
        for (const row of rows) addEdge(merged, row);
      }
      return [...merged.values()];
    },
    async publishHistories(scope, histories, at) {
      replaceCounts(database, tenants.view(scope).own, histories, at);
    },
    async rebuildTransitions(scope, at) {
      const tenant = tenants.view(scope).own;
      database.transaction(() => {
        const rows = database.all<{ learner_no: number; course_id: CourseId }>(
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
        replaceCounts(database, tenant, [...histories.values()], at);
      });
    },
  };
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

function replaceCounts(
  database: SqliteDatabase,
  tenant: number,
  histories: readonly (readonly CourseId[])[],
  at: number,
): void {
  const { edges, reach } = countTransitions(histories);
  database.transaction(() => {
    database.run(`DELETE FROM course_next WHERE tenant_id = ?`, tenant);
    database.run(`DELETE FROM course_reach WHERE tenant_id = ?`, tenant);
    for (const [course, learners] of reach) {
      database.run(
        `INSERT INTO course_reach (tenant_id, course_id, learners) VALUES (?, ?, ?)`,
        tenant,
        course,
        learners,
      );
    }
    for (const [a, outgoing] of edges) {
      for (const [b, edge] of outgoing) {
        database.run(
          `INSERT INTO course_next (tenant_id, a, b, w, learners, updated_at)
            VALUES (?, ?, ?, ?, ?, ?)`,
          tenant,
          a,
          b,
          edge.weight,
          edge.learners,
          at,
        );
      }
    }
  });
}

/** Counts one more course of a learner; runs inside the transaction that writes the enrollment. */
export function countTakenCourse(
  database: SqliteDatabase,
  tenant: number,
  learnerNo: number,
  taken: { readonly course: CourseId; readonly takenNo: number; readonly at: number },
): void {
  const before = database.all<{ course_id: string; taken_no: number }>(
    `SELECT course_id, taken_no FROM enrollment
      WHERE tenant_id = ? AND learner_no = ? AND taken_no < ? AND taken_no >= ?`,
    tenant,
    learnerNo,
    taken.takenNo,
    taken.takenNo - TRANSITION_WINDOW,
  );
  for (const earlier of before) {
    database.run(
      `INSERT INTO course_next (tenant_id, a, b, w, learners, updated_at) VALUES (?, ?, ?, ?, 1, ?)
        ON CONFLICT (tenant_id, a, b) DO UPDATE SET
          w = w + excluded.w, learners = learners + 1, updated_at = excluded.updated_at`,
      tenant,
      earlier.course_id,
      taken.course,
      stepWeight(taken.takenNo - earlier.taken_no),
      taken.at,
    );
  }
  database.run(
    `INSERT INTO course_reach (tenant_id, course_id, learners) VALUES (?, ?, 1)
      ON CONFLICT (tenant_id, course_id) DO UPDATE SET learners = learners + 1`,
    tenant,
    taken.course,
  );
}
