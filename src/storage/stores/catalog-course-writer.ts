import { foldPhrase, primaryLanguage } from '../../catalog/domain/analysis.js';
import { type CourseRecord, LEVELS, contentHashOf } from '../../catalog/domain/course.js';
import { CourseIdTakenError } from '../../catalog/domain/errors.js';
import type { CourseStore, ImportCounts } from '../../catalog/domain/ports.js';
import { type CatalogIndexWriter, openIndexWriter } from './catalog-index.js';
import type { CourseId, Scope, SkillId } from '../../catalog/domain/scope.js';
import { type SqlProgram, get, run, runEach } from '../sql.js';
import { type TenantDirectory, type TenantView, lockCatalog } from './catalog-tenants.js';
import { readSkills, writeSkill } from './catalog-vocabulary.js';

const BATCH_SIZE = 200;

/** Upserts records in batches, each with its index rows in one transaction. */
export async function importCourses(
  tenants: TenantDirectory,
  scope: Scope,
  records: AsyncIterable<CourseRecord> | Iterable<CourseRecord>,
  { at, onChanged }: Parameters<CourseStore['importCourses']>[2],
): Promise<ImportCounts> {
  const counts = { created: 0, updated: 0, unchanged: 0 };
  let batch: CourseRecord[] = [];
  const flush = async (): Promise<void> => {
    const written = batch;
    batch = [];
    const added = await tenants.write(scope, (view) => writeBatch(view, written, at));
    counts.created += added.created;
    counts.updated += added.updated;
    counts.unchanged += added.unchanged;
    onChanged?.(added.changed);
  };
  for await (const record of records) {
    batch.push(record);
    if (batch.length >= BATCH_SIZE) await flush();
  }
  if (batch.length > 0) await flush();
  return counts;
}

interface KnownCourse {
  course_no: number;
  language: string;
  content_hash: string;
  rev: number;
  published_at: number;
}

function* writeBatch(
  view: TenantView,
  records: readonly CourseRecord[],
  at: number,
): SqlProgram<ImportCounts & { readonly changed: readonly CourseId[] }> {
  const tenant = view.own;
  yield* lockCatalog(tenant);
  const counts = { created: 0, updated: 0, unchanged: 0 };
  const changed: CourseId[] = [];
  let index: CatalogIndexWriter | undefined;
  for (const record of records) {
    const hash = contentHashOf(record);
    const known = yield* get<KnownCourse>(
      `SELECT course_no, language, content_hash, rev, published_at FROM course
          WHERE tenant_id = ? AND source = ? AND external_id = ?`,
      tenant,
      record.source,
      record.externalId,
    );
    if (known?.content_hash === hash) {
      counts.unchanged += 1;
      continue;
    }
    yield* refuseTakenId(tenant, record, known?.course_no);
    index ??= yield* openIndexWriter(tenant);
    if (known !== undefined) yield* removeCourse(tenant, index, known);
    const courseNo = known?.course_no ?? index.nextCourseNo();
    yield* insertCourse(tenant, courseNo, record, {
      hash,
      at,
      rev: (known?.rev ?? 0) + 1,
      publishedAt: known?.published_at ?? at,
    });
    if (record.status === 'active') yield* index.add(courseNo, record);
    if (known === undefined) counts.created += 1;
    else counts.updated += 1;
    changed.push(record.id);
  }
  if (index !== undefined) yield* index.finish();
  yield* addUnknownSkills(view, records);
  return { ...counts, changed };
}

function* addUnknownSkills(
  view: TenantView,
  records: readonly CourseRecord[],
): SqlProgram<undefined> {
  const used = new Set(
    records.flatMap(({ teaches, requires }) => [...teaches, ...requires].map(({ skill }) => skill)),
  );
  for (const tenant of view.visible) {
    for (const { id } of yield* readSkills(tenant, [...used])) used.delete(id);
  }
  for (const id of used) {
    yield* writeSkill(view.own, { id, label: id.replaceAll('-', ' '), aliases: [] });
  }
  return undefined;
}

function* refuseTakenId(
  tenant: number,
  record: CourseRecord,
  ownNo: number | undefined,
): SqlProgram<undefined> {
  const holder = yield* get<{ course_no: number; source: string; external_id: string }>(
    `SELECT course_no, source, external_id FROM course WHERE tenant_id = ? AND id = ?`,
    tenant,
    record.id,
  );
  if (holder !== undefined && holder.course_no !== ownNo) {
    throw new CourseIdTakenError(record.id, holder.source, holder.external_id);
  }
  return undefined;
}

function* removeCourse(
  tenant: number,
  index: CatalogIndexWriter,
  known: KnownCourse,
): SqlProgram<undefined> {
  yield* index.remove(known.course_no, known.language);
  for (const sql of [
    `DELETE FROM course WHERE tenant_id = ? AND course_no = ?`,
    `DELETE FROM course_text WHERE tenant_id = ? AND course_no = ?`,
    `DELETE FROM course_skill WHERE tenant_id = ? AND course_no = ?`,
    `DELETE FROM course_prereq WHERE tenant_id = ? AND course_no = ?`,
  ]) {
    yield* run(sql, tenant, known.course_no);
  }
  return undefined;
}

function* insertCourse(
  tenant: number,
  courseNo: number,
  record: CourseRecord,
  version: { hash: string; at: number; rev: number; publishedAt: number },
): SqlProgram<undefined> {
  yield* run(
    `INSERT INTO course (tenant_id, course_no, id, source, external_id, title, summary, provider,
      provider_key, subject, level, language, language_key, format, duration_min, weeks,
      price_minor, currency, rating_avg, rating_count, enrol_count, status, url, published_at,
      updated_at, rev, content_hash)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    tenant,
    courseNo,
    record.id,
    record.source,
    record.externalId,
    record.title,
    record.summary,
    record.provider,
    foldPhrase(record.provider),
    record.subject,
    LEVELS.indexOf(record.level),
    record.language,
    primaryLanguage(record.language),
    record.format,
    record.durationMinutes,
    record.weeks ?? null,
    record.priceMinor,
    record.currency,
    record.rating?.average ?? null,
    record.rating?.count ?? 0,
    record.enrollmentCount,
    record.status,
    record.url ?? null,
    version.publishedAt,
    version.at,
    version.rev,
    version.hash,
  );
  yield* run(
    `INSERT INTO course_text (tenant_id, course_no, description) VALUES (?, ?, ?)`,
    tenant,
    courseNo,
    record.description,
  );
  yield* runEach(
    `INSERT INTO course_skill (tenant_id, course_no, role, skill_id, level, weight)
      VALUES (?, ?, ?, ?, ?, 1)`,
    (['teaches', 'requires'] as const).flatMap((role) =>
      highestLevels(record[role]).map(([skill, level]) => [tenant, courseNo, role, skill, level]),
    ),
  );
  const needs = new Map(record.prerequisites.map(({ course, kind }) => [course, kind]));
  return yield* runEach(
    `INSERT INTO course_prereq (tenant_id, course_no, needs_id, kind) VALUES (?, ?, ?, ?)`,
    [...needs].map(([course, kind]) => [tenant, courseNo, course, kind]),
  );
}

/** One level per skill, whatever a record repeats. */
function highestLevels(skills: CourseRecord['teaches']): [SkillId, number][] {
  const levels = new Map<SkillId, number>();
  for (const { skill, level } of skills) {
    levels.set(skill, Math.max(level, levels.get(skill) ?? level));
  }
  return [...levels];
}
