import { primaryLanguage } from '../../catalog/domain/analysis.js';
import type { CourseRecord } from '../../catalog/domain/course.js';
import { impactOf, termsOfCourse } from '../../catalog/domain/text-index.js';
import type { SqliteDatabase } from './database.js';

/** The search index of one tenant, inside one write transaction. */
export interface CatalogIndexWriter {
  nextCourseNo(): number;
  add(courseNo: number, course: CourseRecord): void;
  remove(courseNo: number, languageTag: string): void;
  /** Writes the counters back; nothing else may follow. */
  finish(): void;
}

interface CorpusRow {
  n_docs: number;
  sum_len: number;
  indexed_avg_len: number;
  next_course_no: number;
  next_term_id: number;
}

/** Impacts hold the average length of their day; beyond this drift they are computed anew. */
const MAX_LENGTH_DRIFT = 0.2;

export function openIndexWriter(database: SqliteDatabase, tenant: number): CatalogIndexWriter {
  const corpus = loadCorpus(database, tenant);
  const termIds = new Map<string, number>();
  const termId = (term: string): number => {
    const known =
      termIds.get(term) ??
      database.get<{ term_id: number }>(
        `SELECT term_id FROM term_stat WHERE tenant_id = ? AND term = ?`,
        tenant,
        term,
      )?.term_id;
    const id = known ?? corpus.next_term_id;
    if (known === undefined) corpus.next_term_id += 1;
    termIds.set(term, id);
    return id;
  };
  const averageLength = (): number =>
    corpus.indexed_avg_len > 0
      ? corpus.indexed_avg_len
      : corpus.sum_len / Math.max(corpus.n_docs, 1);

  return {
    nextCourseNo() {
      corpus.next_course_no += 1;
      return corpus.next_course_no - 1;
    },
    add(courseNo, course) {
      const { terms, length, words } = termsOfCourse(course);
      corpus.n_docs += 1;
      corpus.sum_len += length;
      const stored: [number, number][] = [];
      for (const [term, frequency] of terms) {
        const id = termId(term);
        stored.push([id, frequency]);
        database.run(
          `INSERT INTO term_stat (tenant_id, term, term_id, df) VALUES (?, ?, ?, 1)
            ON CONFLICT (tenant_id, term) DO UPDATE SET df = df + 1`,
          tenant,
          term,
          id,
        );
        database.run(
          `INSERT INTO posting (tenant_id, term_id, course_no, impact) VALUES (?, ?, ?, ?)`,
          tenant,
          id,
          courseNo,
          impactOf(frequency, length, averageLength()),
        );
      }
      for (const word of words) {
        database.run(
          `INSERT INTO lexicon (tenant_id, surface, length, df) VALUES (?, ?, ?, 1)
            ON CONFLICT (tenant_id, surface) DO UPDATE SET df = df + 1`,
          tenant,
          word,
          word.length,
        );
      }
      database.run(
        `INSERT INTO course_terms (tenant_id, course_no, length, terms, words) VALUES (?, ?, ?, ?, ?)`,
        tenant,
        courseNo,
        length,
        JSON.stringify({ names: [...terms.keys()], frequencies: stored }),
        JSON.stringify([...words]),
      );
      database.run(
        `INSERT INTO corpus_language (tenant_id, language, n) VALUES (?, ?, 1)
          ON CONFLICT (tenant_id, language) DO UPDATE SET n = n + 1`,
        tenant,
        primaryLanguage(course.language),
      );
    },
    remove(courseNo, languageTag) {
      const row = database.get<StoredTerms>(
        `SELECT length, terms, words FROM course_terms WHERE tenant_id = ? AND course_no = ?`,
        tenant,
        courseNo,
      );
      if (row === undefined) return;
      removeTerms(database, tenant, courseNo, row, primaryLanguage(languageTag));
      corpus.n_docs -= 1;
      corpus.sum_len -= row.length;
    },
    finish() {
      const average = corpus.sum_len / Math.max(corpus.n_docs, 1);
      const drift = Math.abs(average / Math.max(corpus.indexed_avg_len, 1) - 1);
      if (drift > MAX_LENGTH_DRIFT) {
        corpus.indexed_avg_len = average;
        weighAnew(database, tenant, average);
      }
      database.run(
        `UPDATE corpus_stat SET n_docs = ?, sum_len = ?, indexed_avg_len = ?, next_course_no = ?,
          next_term_id = ?, epoch = epoch + 1 WHERE tenant_id = ?`,
        corpus.n_docs,
        corpus.sum_len,
        corpus.indexed_avg_len,
        corpus.next_course_no,
        corpus.next_term_id,
        tenant,
      );
    },
  };
}

interface StoredTerms {
  length: number;
  terms: string;
  words: string;
}

function loadCorpus(database: SqliteDatabase, tenant: number): CorpusRow {
  database.run(
    `INSERT INTO corpus_stat
      (tenant_id, n_docs, sum_len, indexed_avg_len, next_course_no, next_term_id, epoch)
      VALUES (?, 0, 0, 0, 1, 1, 0) ON CONFLICT (tenant_id) DO NOTHING`,
    tenant,
  );
  const row = database.get<CorpusRow>(
    `SELECT n_docs, sum_len, indexed_avg_len, next_course_no, next_term_id FROM corpus_stat
      WHERE tenant_id = ?`,
    tenant,
  );
  if (row === undefined) throw new TypeError('the corpus row was just written');
  // Rows have no prototype and may be frozen by the driver: the writer counts on its own copy.
  return { ...row };
}

function removeTerms(
  database: SqliteDatabase,
  tenant: number,
  courseNo: number,
  row: StoredTerms,
  language: string,
): void {
  const terms = JSON.parse(row.terms) as { names: string[]; frequencies: [number, number][] };
  for (const [id] of terms.frequencies) {
    database.run(
      `DELETE FROM posting WHERE tenant_id = ? AND term_id = ? AND course_no = ?`,
      tenant,
      id,
      courseNo,
    );
  }
  for (const name of terms.names) {
    // The row stays at zero: its number must not be given to another term.
    database.run(`UPDATE term_stat SET df = df - 1 WHERE tenant_id = ? AND term = ?`, tenant, name);
  }
  for (const word of JSON.parse(row.words) as string[]) {
    database.run(
      `UPDATE lexicon SET df = df - 1 WHERE tenant_id = ? AND surface = ?`,
      tenant,
      word,
    );
    database.run(
      `DELETE FROM lexicon WHERE tenant_id = ? AND surface = ? AND df <= 0`,
      tenant,
      word,
    );
  }
  database.run(`DELETE FROM course_terms WHERE tenant_id = ? AND course_no = ?`, tenant, courseNo);
  database.run(
    `UPDATE corpus_language SET n = n - 1 WHERE tenant_id = ? AND language = ?`,
    tenant,
    language,
  );
}

function weighAnew(database: SqliteDatabase, tenant: number, average: number): void {
  const rows = database.all<StoredTerms & { course_no: number }>(
    `SELECT course_no, length, terms, words FROM course_terms WHERE tenant_id = ?`,
    tenant,
  );
  for (const row of rows) {
    const { frequencies } = JSON.parse(row.terms) as { frequencies: [number, number][] };
    for (const [id, frequency] of frequencies) {
      database.run(
        `UPDATE posting SET impact = ? WHERE tenant_id = ? AND term_id = ? AND course_no = ?`,
        impactOf(frequency, row.length, average),
        tenant,
        id,
        row.course_no,
      );
    }
  }
}
