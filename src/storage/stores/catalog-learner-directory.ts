import type { Activity, EnrollmentState } from '../../catalog/domain/learner.js';
import type { LearnerDirectory, LearnerExport } from '../../catalog/domain/ports.js';
import type { CourseId, LearnerScope } from '../../catalog/domain/scope.js';
import { type EnrollmentRow, enrollmentOf } from './catalog-enrollments.js';
import { findLearner, lockLearner, readProfile } from './catalog-learners.js';
import type { TenantDirectory } from './catalog-tenants.js';
import { countsOf, recountTransitions } from './catalog-transitions.js';
import { type SqlProgram, all, get, lock, run } from '../sql.js';

export function createLearnerDirectory(tenants: TenantDirectory): LearnerDirectory {
  return {
    list: (scope, limit) =>
      tenants.read(scope, function* ({ own }) {
        const rows = yield* all<{
          issuer: string;
          subject: string;
          display_name: string | null;
          created_at: number;
          updated_at: number;
          courses: number;
        }>(
          `SELECT l.issuer, l.subject, l.display_name, l.created_at, l.updated_at,
            (SELECT COUNT(*) FROM enrollment e
              WHERE e.tenant_id = ? AND e.learner_no = l.learner_no) AS courses
            FROM learner l WHERE l.tenant_id = ? AND l.erased_at IS NULL
            ORDER BY l.learner_no LIMIT ?`,
          own,
          own,
          limit,
        );
        return rows.map((row) => ({
          issuer: row.issuer,
          subject: row.subject,
          displayName: row.display_name ?? undefined,
          createdAt: row.created_at,
          updatedAt: row.updated_at,
          courses: row.courses,
        }));
      }),
    exportLearner: (scope) => tenants.read(scope, ({ own }) => readAll(own, scope)),
    erase: (scope, at) =>
      tenants.write(scope, function* ({ own }) {
        yield* lockLearner(own, scope);
        const learnerNo = yield* findLearner(own, scope);
        if (learnerNo === undefined) return false;
        yield* lock(countsOf(own));
        for (const sql of DELETIONS) yield* run(sql, own, learnerNo);
        yield* recountTransitions(own, at);
        return true;
      }),
  };
}

const DELETIONS = [
  `DELETE FROM activity WHERE tenant_id = ? AND learner_no = ?`,
  `DELETE FROM enrollment WHERE tenant_id = ? AND learner_no = ?`,
  `DELETE FROM learner_goal WHERE tenant_id = ? AND learner_no = ?`,
  `DELETE FROM learner_skill WHERE tenant_id = ? AND learner_no = ?`,
  `DELETE FROM learner WHERE tenant_id = ? AND learner_no = ?`,
];

function* readAll(tenant: number, scope: LearnerScope): SqlProgram<LearnerExport | undefined> {
  const profile = yield* readProfile(tenant, scope);
  const learnerNo = yield* findLearner(tenant, scope);
  if (profile === undefined || learnerNo === undefined) return undefined;
  const dates = yield* get<{ created_at: number; updated_at: number }>(
    `SELECT created_at, updated_at FROM learner WHERE tenant_id = ? AND learner_no = ?`,
    tenant,
    learnerNo,
  );
  const enrollments = yield* all<EnrollmentRow & { course_id: CourseId; state: EnrollmentState }>(
    `SELECT course_id, state, progress, taken_no, first_at, last_at, rating, rated_at
      FROM enrollment WHERE tenant_id = ? AND learner_no = ? ORDER BY first_at, course_id`,
    tenant,
    learnerNo,
  );
  const activities = yield* all<{
    verb: Activity['verb'];
    course_id: CourseId;
    at: number;
    progress: number | null;
    source: string;
    stmt_id: string;
  }>(
    `SELECT verb, course_id, at, progress, source, stmt_id FROM activity
      WHERE tenant_id = ? AND learner_no = ? ORDER BY at, seq`,
    tenant,
    learnerNo,
  );
  return {
    tenant: scope.tenant,
    issuer: scope.issuer,
    subject: scope.subject,
    createdAt: dates?.created_at ?? 0,
    updatedAt: dates?.updated_at ?? 0,
    profile,
    enrollments: enrollments.map((row) => enrollmentOf(row.course_id, row)),
    activities: activities.map((row) => ({
      verb: row.verb,
      course: row.course_id,
      at: row.at,
      progress: row.progress ?? undefined,
      source: row.source,
      statementId: row.stmt_id,
    })),
  };
}
