import type { Migration } from './migration.js';
import { type SharedReading, tablesIn, tenantPolicies, toPostgresDdl } from './postgres-ddl.js';

const sqlite = `
    CREATE TABLE tenant (
      tenant_id INTEGER PRIMARY KEY,
      slug TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      settings TEXT NOT NULL,
      default_lang TEXT NOT NULL
    ) STRICT;
    INSERT INTO tenant (tenant_id, slug, name, settings, default_lang)
      VALUES (0, '@shared', 'Shared catalog', '{}', 'en');
    CREATE TABLE catalog_grant (
      tenant_id INTEGER NOT NULL,
      source_tenant_id INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, source_tenant_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE course (
      tenant_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      id TEXT NOT NULL,
      source TEXT NOT NULL,
      external_id TEXT NOT NULL,
      title TEXT NOT NULL,
      summary TEXT NOT NULL,
      provider TEXT NOT NULL,
      provider_key TEXT NOT NULL,
      subject TEXT NOT NULL,
      level INTEGER NOT NULL,
      language TEXT NOT NULL,
      language_key TEXT NOT NULL,
      format TEXT NOT NULL,
      duration_min INTEGER NOT NULL,
      weeks INTEGER,
      price_minor INTEGER NOT NULL,
      currency TEXT NOT NULL,
      rating_avg REAL,
      rating_count INTEGER NOT NULL,
      enrol_count INTEGER NOT NULL,
      status TEXT NOT NULL,
      url TEXT,
      published_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      rev INTEGER NOT NULL,
      content_hash TEXT NOT NULL,
      PRIMARY KEY (tenant_id, course_no)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX course_id ON course (tenant_id, id);
    CREATE UNIQUE INDEX course_external ON course (tenant_id, source, external_id);
    CREATE INDEX course_updated ON course (tenant_id, status, updated_at, course_no);
    CREATE INDEX course_popular ON course (tenant_id, status, enrol_count DESC, id);
    CREATE TABLE course_text (
      tenant_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      description TEXT NOT NULL,
      PRIMARY KEY (tenant_id, course_no)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE course_run (
      tenant_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      run_no INTEGER NOT NULL,
      start_at INTEGER,
      end_at INTEGER,
      enrol_end INTEGER,
      pacing TEXT NOT NULL,
      mode TEXT NOT NULL,
      price_minor INTEGER,
      PRIMARY KEY (tenant_id, course_no, run_no)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE skill (
      tenant_id INTEGER NOT NULL,
      skill_id TEXT NOT NULL,
      label TEXT NOT NULL,
      uri TEXT,
      parent TEXT,
      PRIMARY KEY (tenant_id, skill_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE skill_alias (
      tenant_id INTEGER NOT NULL,
      surface TEXT NOT NULL,
      skill_id TEXT NOT NULL,
      alias TEXT NOT NULL,
      PRIMARY KEY (tenant_id, surface, skill_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE role (
      tenant_id INTEGER NOT NULL,
      role_id TEXT NOT NULL,
      label TEXT NOT NULL,
      PRIMARY KEY (tenant_id, role_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE role_alias (
      tenant_id INTEGER NOT NULL,
      surface TEXT NOT NULL,
      role_id TEXT NOT NULL,
      alias TEXT NOT NULL,
      PRIMARY KEY (tenant_id, surface, role_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE role_skill (
      tenant_id INTEGER NOT NULL,
      role_id TEXT NOT NULL,
      skill_id TEXT NOT NULL,
      level INTEGER NOT NULL,
      weight REAL NOT NULL,
      PRIMARY KEY (tenant_id, role_id, skill_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE course_skill (
      tenant_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      role TEXT NOT NULL,
      skill_id TEXT NOT NULL,
      level INTEGER NOT NULL,
      weight REAL NOT NULL,
      PRIMARY KEY (tenant_id, course_no, role, skill_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX course_skill_lookup ON course_skill (tenant_id, role, skill_id, course_no);
    CREATE TABLE course_prereq (
      tenant_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      needs_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      PRIMARY KEY (tenant_id, course_no, needs_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE corpus_stat (
      tenant_id INTEGER PRIMARY KEY,
      n_docs INTEGER NOT NULL,
      sum_len REAL NOT NULL,
      indexed_avg_len REAL NOT NULL,
      next_course_no INTEGER NOT NULL,
      next_term_id INTEGER NOT NULL,
      epoch INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE corpus_language (
      tenant_id INTEGER NOT NULL,
      language TEXT NOT NULL,
      n INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, language)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE term_stat (
      tenant_id INTEGER NOT NULL,
      term TEXT NOT NULL,
      term_id INTEGER NOT NULL,
      df INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, term)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE posting (
      tenant_id INTEGER NOT NULL,
      term_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      impact REAL NOT NULL,
      PRIMARY KEY (tenant_id, term_id, course_no)
    ) STRICT, WITHOUT ROWID;
    -- What a course put into the index, so that it can be taken out or weighed anew without its text.
    CREATE TABLE course_terms (
      tenant_id INTEGER NOT NULL,
      course_no INTEGER NOT NULL,
      length REAL NOT NULL,
      terms TEXT NOT NULL,
      words TEXT NOT NULL,
      PRIMARY KEY (tenant_id, course_no)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE lexicon (
      tenant_id INTEGER NOT NULL,
      surface TEXT NOT NULL,
      length INTEGER NOT NULL,
      df INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, surface)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX lexicon_length ON lexicon (tenant_id, length, surface, df);

    CREATE TABLE learner (
      tenant_id INTEGER NOT NULL,
      learner_no INTEGER NOT NULL,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      display_name TEXT,
      languages TEXT NOT NULL,
      weekly_hours REAL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      erased_at INTEGER,
      PRIMARY KEY (tenant_id, learner_no)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX learner_identity ON learner (tenant_id, issuer, subject);
    CREATE TABLE learner_goal (
      tenant_id INTEGER NOT NULL,
      learner_no INTEGER NOT NULL,
      goal_no INTEGER NOT NULL,
      kind TEXT NOT NULL,
      ref TEXT,
      text TEXT NOT NULL,
      target_level INTEGER,
      due TEXT,
      PRIMARY KEY (tenant_id, learner_no, goal_no)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE learner_skill (
      tenant_id INTEGER NOT NULL,
      learner_no INTEGER NOT NULL,
      skill_id TEXT NOT NULL,
      level INTEGER NOT NULL,
      confidence REAL NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, learner_no, skill_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE activity (
      tenant_id INTEGER NOT NULL,
      learner_no INTEGER NOT NULL,
      at INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      verb TEXT NOT NULL,
      course_id TEXT NOT NULL,
      progress REAL,
      score REAL,
      success INTEGER,
      duration_s INTEGER,
      source TEXT NOT NULL,
      stmt_id TEXT NOT NULL,
      PRIMARY KEY (tenant_id, learner_no, at, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX activity_statement ON activity (tenant_id, stmt_id);
    CREATE TABLE enrollment (
      tenant_id INTEGER NOT NULL,
      learner_no INTEGER NOT NULL,
      course_id TEXT NOT NULL,
      state TEXT NOT NULL,
      progress REAL NOT NULL,
      rating INTEGER,
      taken_no INTEGER,
      first_at INTEGER NOT NULL,
      last_at INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, learner_no, course_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE course_next (
      tenant_id INTEGER NOT NULL,
      a TEXT NOT NULL,
      b TEXT NOT NULL,
      w REAL NOT NULL,
      learners INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, a, b)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE course_reach (
      tenant_id INTEGER NOT NULL,
      course_id TEXT NOT NULL,
      learners INTEGER NOT NULL,
      PRIMARY KEY (tenant_id, course_id)
    ) STRICT, WITHOUT ROWID;
  `;

/** What another tenant never reads. */
const PRIVATE_TABLES = new Set([
  'learner',
  'learner_goal',
  'learner_skill',
  'activity',
  'enrollment',
  'catalog_grant',
]);
const COUNT_TABLES = new Set(['course_next', 'course_reach']);

/** Every table but the list of tenants itself, which is how a tenant gets its number. */
const policies = tablesIn(sqlite)
  .filter((table) => table !== 'tenant')
  .map((table) => tenantPolicies(table, sharedReadingOf(table)));

/** As the course and transition ports have it: courses through a grant, counts of the shared catalog alone. */
function sharedReadingOf(table: string): SharedReading {
  if (PRIVATE_TABLES.has(table)) return 'nobody';
  return COUNT_TABLES.has(table) ? 'tenants granted the shared catalog' : 'granted tenants';
}

// A search reads impacts by the thousand: from the index alone.
const postgres = toPostgresDdl(sqlite).replace(
  'PRIMARY KEY (tenant_id, term_id, course_no)',
  'PRIMARY KEY (tenant_id, term_id, course_no) INCLUDE (impact)',
);

/**
 * Courses, their search index, learners and what they took after what. Every key starts with `tenant_id`; learner
 * rows name courses by id, because a course may belong to a granted catalog.
 */
export const catalogMigration: Migration = {
  id: '003-catalog',
  sqlite,
  postgres: [postgres, ...policies].join(''),
};
