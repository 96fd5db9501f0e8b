import {
  type Course,
  type CourseRecord,
  LEVELS,
  type SkillLevel,
} from '../../catalog/domain/course.js';
import type { CourseStore } from '../../catalog/domain/ports.js';
import type { CourseId, SkillId } from '../../catalog/domain/scope.js';
import { importCourses } from './catalog-course-writer.js';
import { createCourseSearch } from './catalog-search.js';
import { type TenantDirectory, type TenantView, collect, startOf } from './catalog-tenants.js';
import { createVocabulary } from './catalog-vocabulary.js';
import { type SqlProgram, all } from '../sql.js';

export function createCourseStore(tenants: TenantDirectory): CourseStore {
  return {
    ...createCourseSearch(tenants),
    ...createVocabulary(tenants),
    importCourses: (scope, records, options) => importCourses(tenants, scope, records, options),
    async getCourses(scope, ids) {
      if (ids.length === 0) return [];
      return tenants.read(scope, (view) => readCourses(view, ids));
    },
    async courseIdsStartingWith(scope, prefix, limit) {
      const found = await tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) =>
          all<{ id: CourseId }>(
            `SELECT id FROM course WHERE tenant_id = ? AND id >= ? AND id < ? AND status = 'active'
              ORDER BY id LIMIT ?`,
            tenant,
            ...startOf(prefix),
            limit,
          ),
        ),
      );
      return [...new Set(found.map((row) => row.id))].sort(byBytes).slice(0, limit);
    },
    async coursesTeaching(scope, skills, limit) {
      const found = await tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) =>
          all<{ id: CourseId; enrol_count: number }>(
            `SELECT DISTINCT c.id, c.enrol_count FROM course_skill s
              JOIN course c ON c.tenant_id = ? AND c.course_no = s.course_no
              WHERE s.tenant_id = ? AND s.role = 'teaches' AND c.status = 'active'
                AND s.skill_id IN (SELECT value FROM json_each(?))
              ORDER BY c.enrol_count DESC, c.id LIMIT ?`,
            tenant,
            tenant,
            skills,
            limit,
          ),
        ),
      );
      found.sort((a, b) => b.enrol_count - a.enrol_count || byBytes(a.id, b.id));
      return [...new Set(found.map((row) => row.id))].slice(0, limit);
    },
  };
}

/** Byte order, as the engines sort text: locale order differs between them. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface CourseRow {
  course_no: number;
  id: CourseId;
  source: string;
  external_id: string;
  title: string;
  summary: string;
  description: string;
  provider: string;
  subject: string;
  level: number;
  language: string;
  format: CourseRecord['format'];
  duration_min: number;
  weeks: number | null;
  price_minor: number;
  currency: string;
  rating_avg: number | null;
  rating_count: number;
  enrol_count: number;
  status: CourseRecord['status'];
  url: string | null;
  updated_at: number;
}

function* readCourses(view: TenantView, ids: readonly CourseId[]): SqlProgram<Course[]> {
  const byId = new Map<CourseId, Course>();
  for (const tenant of view.visible) {
    const rows = yield* all<CourseRow>(
      `SELECT c.course_no, c.id, c.source, c.external_id, c.title, c.summary, t.description,
        c.provider, c.subject, c.level, c.language, c.format, c.duration_min, c.weeks,
        c.price_minor, c.currency, c.rating_avg, c.rating_count, c.enrol_count, c.status, c.url,
        c.updated_at
        FROM course c JOIN course_text t ON t.tenant_id = ? AND t.course_no = c.course_no
        WHERE c.tenant_id = ? AND c.id IN (SELECT value FROM json_each(?))`,
      tenant,
      tenant,
      ids,
    );
    const numbers = rows.map((row) => row.course_no);
    const skills = yield* all<SkillRow>(
      `SELECT course_no, role, skill_id, level FROM course_skill
        WHERE tenant_id = ? AND course_no IN (SELECT value FROM json_each(?))
        ORDER BY course_no, role, level DESC, skill_id`,
      tenant,
      numbers,
    );
    const needs = yield* all<NeedRow>(
      `SELECT course_no, needs_id, kind FROM course_prereq
        WHERE tenant_id = ? AND course_no IN (SELECT value FROM json_each(?))
        ORDER BY course_no, kind, needs_id`,
      tenant,
      numbers,
    );
    for (const row of rows) byId.set(row.id, courseOf(row, skills, needs));
  }
  return [...new Set(ids)].map((id) => byId.get(id)).filter((course) => course !== undefined);
}

interface SkillRow {
  course_no: number;
  role: 'teaches' | 'requires';
  skill_id: SkillId;
  level: number;
}

interface NeedRow {
  course_no: number;
  needs_id: CourseId;
  kind: 'hard' | 'soft';
}

function courseOf(row: CourseRow, skills: readonly SkillRow[], needs: readonly NeedRow[]): Course {
  const skillsIn = (role: SkillRow['role']): SkillLevel[] =>
    skills
      .filter((skill) => skill.course_no === row.course_no && skill.role === role)
      .map((skill) => ({ skill: skill.skill_id, level: skill.level }));
  return {
    id: row.id,
    source: row.source,
    externalId: row.external_id,
    title: row.title,
    summary: row.summary,
    description: row.description,
    provider: row.provider,
    subject: row.subject,
    level: LEVELS[row.level] ?? 'beginner',
    language: row.language,
    format: row.format,
    durationMinutes: row.duration_min,
    weeks: row.weeks ?? undefined,
    priceMinor: row.price_minor,
    currency: row.currency,
    rating:
      row.rating_avg === null ? undefined : { average: row.rating_avg, count: row.rating_count },
    enrollmentCount: row.enrol_count,
    url: row.url ?? undefined,
    teaches: skillsIn('teaches'),
    requires: skillsIn('requires'),
    prerequisites: needs
      .filter((need) => need.course_no === row.course_no)
      .map((need) => ({ course: need.needs_id, kind: need.kind })),
    status: row.status,
    updatedAt: row.updated_at,
  };
}
