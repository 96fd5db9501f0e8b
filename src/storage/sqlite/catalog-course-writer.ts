import { foldPhrase, primaryLanguage } from '../../catalog/domain/analysis.js';
import { type CourseRecord, LEVELS, contentHashOf } from '../../catalog/domain/course.js';
import { CourseIdTakenError } from '../../catalog/domain/errors.js';
import type { ImportCounts } from '../../catalog/domain/ports.js';
import { type CatalogIndexWriter, openIndexWriter } from './catalog-index.js';
import type { TenantView } from './catalog-tenants.js';
import { readSkills, writeSkill } from './catalog-vocabulary.js';
import type { SqliteDatabase } from './database.js';

const BATCH_SIZE = 200;

/** Upserts records in batches, each with its index rows in one transaction. */
export async function importCourses(
  database: SqliteDatabase,
  view: TenantView,
  records: AsyncIterable<CourseRecord> | Iterable<CourseRecord>,
  at: number,
): Promise<ImportCounts> {
  const counts = { created: 0, updated: 0, unchanged: 0 };
  let batch: CourseRecord[] = [];
  const flush = (): void => {
    const added = writeBatch(database, view, batch, at);
    counts.created += added.created;
    counts.updated += added.updated;
    counts.unchanged += added.unchanged;
    batch = [];
  };
  for await (const record of records) {
    batch.push(record);
    if (batch.length >= BATCH_SIZE) flush();
  }
  if (batch.length > 0) flush();
  return counts;
}

interface KnownCourse {
  course_no: number;
  language: string;
  content_hash: string;
  rev: number;
  published_at: number;
}

function writeBatch(
  database: SqliteDatabase,
  view: TenantView,
  records: readonly CourseRecord[],
  at: number,
): ImportCounts {
  const tenant = view.own;
  return database.transaction(() => {
    const counts = { created: 0, updated: 0, unchanged: 0 };
    let index: CatalogIndexWriter | undefined;
    for (const record of records) {
      const hash = contentHashOf(record);
      const known = database.get<KnownCourse>(
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
      refuseTakenId(database, tenant, record, known?.course_no);
      index ??= openIndexWriter(database, tenant);
      if (known !== undefined) removeCourse(database, tenant, index, known);
      const courseNo = known?.course_no ?? index.nextCourseNo();
      insertCourse(database, tenant, courseNo, record, {
        hash,
        at,
        rev: (known?.rev ?? 0) + 1,
        publishedAt: known?.published_at ?? at,
      });
      if (record.status === 'active') index.add(courseNo, record);
      if (known === undefined) counts.created += 1;
      else counts.updated += 1;
    }
    index?.finish();
    addUnknownSkills(database, view, records);
    return counts;
  });
}

function addUnknownSkills(
  database: SqliteDatabase,
  view: TenantView,
  records: readonly CourseRecord[],
): void {
  const used = new Set(
    records.flatMap(({ teaches, requires }) => [...teaches, ...requires].map(({ skill }) => skill)),
  );
  for (const tenant of view.visible) {
    for (const { id } of readSkills(database, tenant, [...used])) used.delete(id);
  }
  for (const id of used) {
    writeSkill(database, view.own, { id, label: id.replaceAll('-', ' '), aliases: [] });
  }
}

function refuseTakenId(
  database: SqliteDatabase,
  tenant: number,
  record: CourseRecord,
  ownNo: number | undefined,
): void {
  const holder = database.get<{ course_no: number; source: string; external_id: string }>(
    `SELECT course_no, source, external_id FROM course WHERE tenant_id = ? AND id = ?`,
    tenant,
    record.id,
  );
  if (holder !== undefined && holder.course_no !== ownNo) {
    throw new CourseIdTakenError(record.id, holder.source, holder.external_id);
  }
}

function removeCourse(
  database: SqliteDatabase,
  tenant: number,
  index: CatalogIndexWriter,
  known: KnownCourse,
): void {
  index.remove(known.course_no, known.language);
  for (const sql of [
    `DELETE FROM course WHERE tenant_id = ? AND course_no = ?`,
    `DELETE FROM course_text WHERE tenant_id = ? AND course_no = ?`,
    `DELETE FROM course_skill WHERE tenant_id = ? AND course_no = ?`,
    `DELETE FROM course_prereq WHERE tenant_id = ? AND course_no = ?`,
  ]) {
    database.run(sql, tenant, known.course_no);
  }
}

function insertCourse(
  database: SqliteDatabase,
  tenant: number,
  courseNo: number,
  record: CourseRecord,
  version: { hash: string; at: number; rev: number; publishedAt: number },
): void {
  database.run(
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
  database.run(
    `INSERT INTO course_text (tenant_id, course_no, description) VALUES (?, ?, ?)`,
    tenant,
    courseNo,
    record.description,
  );
  for (const role of ['teaches', 'requires'] as const) {
    for (const { skill, level } of record[role]) {
      database.run(
        `INSERT INTO course_skill (tenant_id, course_no, role, skill_id, level, weight)
          VALUES (?, ?, ?, ?, ?, 1)
          ON CONFLICT (tenant_id, course_no, role, skill_id)
          DO UPDATE SET level = MAX(level, excluded.level)`,
        tenant,
        courseNo,
        role,
        skill,
        level,
      );
    }
  }
  for (const { course, kind } of record.prerequisites) {
    database.run(
      `INSERT INTO course_prereq (tenant_id, course_no, needs_id, kind) VALUES (?, ?, ?, ?)
        ON CONFLICT (tenant_id, course_no, needs_id) DO UPDATE SET kind = excluded.kind`,
      tenant,
      courseNo,
      course,
      kind,
    );
  }
}
