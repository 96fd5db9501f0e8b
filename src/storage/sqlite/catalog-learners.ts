import type {
  Enrollment,
  EnrollmentState,
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
import { enrollLearner, recordActivities } from './catalog-enrollments.js';
import type { TenantDirectory } from './catalog-tenants.js';
import type { SqliteDatabase } from './database.js';

const HISTORY_LIMIT = 1000;

export function createLearnerStore(
  database: SqliteDatabase,
  tenants: TenantDirectory,
): LearnerStore {
  return {
    find: async (scope) => readProfile(database, tenants.view(scope).own, scope),
    async save(scope, changes, at) {
      const tenant = tenants.view(scope).own;
      return database.transaction(() => {
        const learnerNo = ensureLearner(database, tenant, scope, at);
        writeChanges(database, tenant, learnerNo, changes, at);
        const profile = readProfile(database, tenant, scope);
        if (profile === undefined) throw new TypeError('the learner was just written');
        return profile;
      });
    },
    async history(scope) {
      const tenant = tenants.view(scope).own;
      const learnerNo = findLearner(database, tenant, scope);
      return learnerNo === undefined ? [] : readHistory(database, tenant, learnerNo);
    },
    async enroll(scope, request) {
      const tenant = tenants.view(scope).own;
      return database.transaction(() =>
        enrollLearner(database, tenant, request, {
          find: () => findLearner(database, tenant, scope),
          ensure: () => ensureLearner(database, tenant, scope, request.at),
        }),
      );
    },
    async recordActivities(scope, activities) {
      const tenant = tenants.view(scope).own;
      if (activities.length === 0) return 0;
      return database.transaction(() => {
        const at = Math.min(...activities.map((activity) => activity.at));
        const learnerNo = ensureLearner(database, tenant, scope, at);
        return recordActivities(database, tenant, learnerNo, activities);
      });
    },
  };
}

function findLearner(
  database: SqliteDatabase,
  tenant: number,
  scope: LearnerScope,
): number | undefined {
  return database.get<{ learner_no: number }>(
    `SELECT learner_no FROM learner
      WHERE tenant_id = ? AND issuer = ? AND subject = ? AND erased_at IS NULL`,
    tenant,
    scope.issuer,
    scope.subject,
  )?.learner_no;
}

function ensureLearner(
  database: SqliteDatabase,
  tenant: number,
  scope: LearnerScope,
  at: number,
): number {
  const known = findLearner(database, tenant, scope);
  if (known !== undefined) return known;
  const row = database.get<{ next: number }>(
    `SELECT COALESCE(MAX(learner_no), 0) + 1 AS next FROM learner WHERE tenant_id = ?`,
    tenant,
  );
  const learnerNo = row?.next ?? 1;
  database.run(
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

function readProfile(
  database: SqliteDatabase,
  tenant: number,
  scope: LearnerScope,
): LearnerProfile | undefined {
  const row = database.get<{
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
  const goals = database.all<{
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
  const skills = database.all<{ skill_id: SkillId; level: number; confidence: number }>(
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

function writeChanges(
  database: SqliteDatabase,
  tenant: number,
  learnerNo: number,
  changes: LearnerChanges,
  at: number,
): void {
  database.run(
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
    database.run(
      `DELETE FROM learner_goal WHERE tenant_id = ? AND learner_no = ?`,
      tenant,
      learnerNo,
    );
    for (const [goalNo, goal] of changes.goals.entries()) {
      database.run(
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
    database.run(
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
}

function readHistory(database: SqliteDatabase, tenant: number, learnerNo: number): Enrollment[] {
  // The newest ones count when there are more than the limit; the answer is oldest first all the same.
  return database
    .all<{
      course_id: CourseId;
      state: EnrollmentState;
      progress: number;
      first_at: number;
      last_at: number;
    }>(
      `SELECT course_id, state, progress, first_at, last_at FROM enrollment
        WHERE tenant_id = ? AND learner_no = ?
        ORDER BY COALESCE(taken_no, 0) DESC, first_at DESC, course_id DESC LIMIT ?`,
      tenant,
      learnerNo,
      HISTORY_LIMIT,
    )
    .toReversed()
    .map((row) => ({
      course: row.course_id,
      state: row.state,
      progress: row.progress,
      firstAt: row.first_at,
      lastAt: row.last_at,
    }));
}
