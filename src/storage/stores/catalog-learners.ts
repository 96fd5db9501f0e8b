import type {
  Enrollment,
  Goal,
  LearnerChanges,
  LearnerProfile,
} from '../../catalog/domain/learner.js';
import type { LearnerStore } from '../../catalog/domain/ports.js';
import {
  type CourseId,
  type LearnerScope,
  type SkillId,
  learnerIdOf,
} from '../../catalog/domain/scope.js';
import {
  type EnrollmentRow,
  enrollLearner,
  enrollmentOf,
  recordActivities,
} from './catalog-enrollments.js';
import { dismissCourse, rateCourse, withdrawLearner } from './catalog-feedback.js';
import type { TenantDirectory } from './catalog-tenants.js';
import { type SqlProgram, all, get, lock, run } from '../sql.js';

const HISTORY_LIMIT = 1000;

export function createLearnerStore(tenants: TenantDirectory): LearnerStore {
  const write = <T>(scope: LearnerScope, work: (tenant: number) => SqlProgram<T>): Promise<T> =>
    tenants.write(scope, function* ({ own }) {
      yield* lockLearner(own, scope);
      return yield* work(own);
    });
  return {
    find: (scope) => tenants.read(scope, ({ own }) => readProfile(own, scope)),
    save: (scope, changes, at) =>
      write(scope, function* (tenant) {
        const learnerNo = yield* ensureLearner(tenant, scope, at);
        yield* writeChanges(tenant, learnerNo, changes, at);
        const profile = yield* readProfile(tenant, scope);
        if (profile === undefined) throw new TypeError('the learner was just written');
        return profile;
      }),
    history: (scope) =>
      tenants.read(scope, function* ({ own }) {
        const learnerNo = yield* findLearner(own, scope);
        return learnerNo === undefined ? [] : yield* readHistory(own, learnerNo);
      }),
    enroll: (scope, request) =>
      write(scope, (tenant) =>
        enrollLearner(tenant, request, {
          find: () => findLearner(tenant, scope),
          ensure: () => ensureLearner(tenant, scope, request.at),
        }),
      ),
    withdraw: (scope, request) =>
      write(scope, (tenant) => withdrawLearner(tenant, request, () => findLearner(tenant, scope))),
    rate: (scope, request) =>
      write(scope, (tenant) => rateCourse(tenant, request, () => findLearner(tenant, scope))),
    dismiss: (scope, request) =>
      write(scope, (tenant) =>
        dismissCourse(tenant, request, {
          find: () => findLearner(tenant, scope),
          ensure: () => ensureLearner(tenant, scope, request.at),
        }),
      ),
    async recordActivities(scope, activities) {
      if (activities.length === 0) return 0;
      const at = Math.min(...activities.map((activity) => activity.at));
      return write(scope, function* (tenant) {
        const learnerNo = yield* ensureLearner(tenant, scope, at);
        return yield* recordActivities(tenant, learnerNo, activities);
      });
    },
  };
}

/** Writes of one learner wait for each other. */
export function lockLearner(tenant: number, scope: LearnerScope): SqlProgram<undefined> {
  return lock(`learner ${JSON.stringify([tenant, scope.issuer, scope.subject])}`);
}

export function* findLearner(tenant: number, scope: LearnerScope): SqlProgram<number | undefined> {
  const row = yield* get<{ learner_no: number }>(
    `SELECT learner_no FROM learner
      WHERE tenant_id = ? AND issuer = ? AND subject = ? AND erased_at IS NULL`,
    tenant,
    scope.issuer,
    scope.subject,
  );
  return row?.learner_no;
}

function* ensureLearner(tenant: number, scope: LearnerScope, at: number): SqlProgram<number> {
  const known = yield* findLearner(tenant, scope);
  if (known !== undefined) return known;
  yield* lock(`new learner ${tenant}`);
  const row = yield* get<{ next: number }>(
    `SELECT COALESCE(MAX(learner_no), 0) + 1 AS next FROM learner WHERE tenant_id = ?`,
    tenant,
  );
  const learnerNo = row?.next ?? 1;
  yield* run(
    `INSERT INTO learner (tenant_id, learner_no, issuer, subject, languages, created_at, updated_at)
      VALUES (?, ?, ?, ?, '[]', ?, ?)`,
    tenant,
    learnerNo,
    scope.issuer,
    scope.subject,
    at,
    at,
  );
  return learnerNo;
}

export function* readProfile(
  tenant: number,
  scope: LearnerScope,
): SqlProgram<LearnerProfile | undefined> {
  const row = yield* get<{
    learner_no: number;
    display_name: string | null;
    languages: string;
    weekly_hours: number | null;
  }>(
    `SELECT learner_no, display_name, languages, weekly_hours FROM learner
      WHERE tenant_id = ? AND issuer = ? AND subject = ? AND erased_at IS NULL`,
    tenant,
    scope.issuer,
    scope.subject,
  );
  if (row === undefined) return undefined;
  const goals = yield* all<{
    kind: Goal['kind'];
    ref: string | null;
    text: string;
    target_level: number | null;
    due: string | null;
  }>(
    `SELECT kind, ref, text, target_level, due FROM learner_goal
      WHERE tenant_id = ? AND learner_no = ? ORDER BY goal_no`,
    tenant,
    row.learner_no,
  );
  const skills = yield* all<{ skill_id: SkillId; level: number; confidence: number }>(
    `SELECT skill_id, level, confidence FROM learner_skill
      WHERE tenant_id = ? AND learner_no = ? ORDER BY skill_id`,
    tenant,
    row.learner_no,
  );
  return {
    id: learnerIdOf(scope),
    displayName: row.display_name ?? undefined,
    languages: JSON.parse(row.languages) as string[],
    weeklyHours: row.weekly_hours ?? undefined,
    skills: skills.map((skill) => ({
      skill: skill.skill_id,
      level: skill.level,
      confidence: skill.confidence,
    })),
    goals: goals.map((goal) => ({
      kind: goal.kind,
      ref: goal.ref ?? undefined,
      text: goal.text,
      targetLevel: goal.target_level ?? undefined,
      due: goal.due ?? undefined,
    })),
  };
}

function* writeChanges(
  tenant: number,
  learnerNo: number,
  changes: LearnerChanges,
  at: number,
): SqlProgram<undefined> {
  yield* run(
    `UPDATE learner SET display_name = COALESCE(?, display_name),
      languages = COALESCE(?, languages), weekly_hours = COALESCE(?, weekly_hours), updated_at = ?
      WHERE tenant_id = ? AND learner_no = ?`,
    changes.displayName ?? null,
    changes.languages === undefined ? null : JSON.stringify(changes.languages),
    changes.weeklyHours ?? null,
    at,
    tenant,
    learnerNo,
  );
  if (changes.goals !== undefined) {
    yield* run(
      `DELETE FROM learner_goal WHERE tenant_id = ? AND learner_no = ?`,
      tenant,
      learnerNo,
    );
    for (const [goalNo, goal] of changes.goals.entries()) {
      yield* run(
        `INSERT INTO learner_goal (tenant_id, learner_no, goal_no, kind, ref, text, target_level, due)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        tenant,
        learnerNo,
        goalNo,
        goal.kind,
        goal.ref ?? null,
        goal.text,
        goal.targetLevel ?? null,
        goal.due ?? null,
      );
    }
  }
  for (const { skill, level, confidence } of changes.skills ?? []) {
    yield* run(
      `INSERT INTO learner_skill (tenant_id, learner_no, skill_id, level, confidence, at)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (tenant_id, learner_no, skill_id)
        DO UPDATE SET level = excluded.level, confidence = excluded.confidence, at = excluded.at`,
      tenant,
      learnerNo,
      skill,
      level,
      confidence,
      at,
    );
  }
  return undefined;
}

function* readHistory(tenant: number, learnerNo: number): SqlProgram<Enrollment[]> {
  // The newest ones count when there are more than the limit; the answer is oldest first all the same.
  const rows = yield* all<EnrollmentRow & { course_id: CourseId }>(
    `SELECT course_id, state, progress, taken_no, first_at, last_at, rating, rated_at
      FROM enrollment WHERE tenant_id = ? AND learner_no = ?
      ORDER BY COALESCE(taken_no, 0) DESC, first_at DESC, course_id DESC LIMIT ?`,
    tenant,
    learnerNo,
    HISTORY_LIMIT,
  );
  return rows.toReversed().map((row) => enrollmentOf(row.course_id, row));
}
