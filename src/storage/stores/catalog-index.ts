import { primaryLanguage } from '../../catalog/domain/analysis.js';
import type { CourseRecord } from '../../catalog/domain/course.js';
import { impactOf, termsOfCourse } from '../../catalog/domain/text-index.js';
import { type SqlProgram, all, get, run, runEach } from '../sql.js';

/** The search index of one tenant, inside one write transaction. */
export interface CatalogIndexWriter {
  nextCourseNo(): number;
  add(courseNo: number, course: CourseRecord): SqlProgram<undefined>;
  remove(courseNo: number, languageTag: string): SqlProgram<undefined>;
  /** Writes the counters back; nothing else may follow. */
  finish(): SqlProgram<undefined>;
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

export function* openIndexWriter(tenant: number): SqlProgram<CatalogIndexWriter> {
  const corpus = yield* loadCorpus(tenant);
  const termIds = new Map<string, number>();
  const averageLength = (): number =>
    corpus.indexed_avg_len > 0
      ? corpus.indexed_avg_len
      : corpus.sum_len / Math.max(corpus.n_docs, 1);
  /** Learns the numbers of terms that the writer has not met, and gives new ones to new terms. */
  const numberTerms = function* (terms: readonly string[]): SqlProgram<undefined> {
    const unmet = terms.filter((term) => !termIds.has(term));
    if (unmet.length === 0) return undefined;
    const known = yield* all<{ term: string; term_id: number }>(
      `SELECT term, term_id FROM term_stat
        WHERE tenant_id = ? AND term IN (SELECT value FROM json_each(?))`,
      tenant,
      unmet,
    );
    for (const row of known) termIds.set(row.term, row.term_id);
    for (const term of unmet) {
      if (termIds.has(term)) continue;
      termIds.set(term, corpus.next_term_id);
      corpus.next_term_id += 1;
    }
    return undefined;
  };

  return {
    nextCourseNo() {
      corpus.next_course_no += 1;
      return corpus.next_course_no - 1;
    },
    *add(courseNo, course) {
      const { terms, length, words } = termsOfCourse(course);
      corpus.n_docs += 1;
      corpus.sum_len += length;
      yield* numberTerms([...terms.keys()]);
      const stored = [...terms].map(([term, frequency]): [string, number, number] => [
        term,
        termIds.get(term) ?? 0,
        frequency,
      ]);
      yield* runEach(
        `INSERT INTO term_stat (tenant_id, term, term_id, df) VALUES (?, ?, ?, 1)
          ON CONFLICT (tenant_id, term) DO UPDATE SET df = term_stat.df + 1`,
        stored.map(([term, id]) => [tenant, term, id]),
      );
      yield* runEach(
        `INSERT INTO posting (tenant_id, term_id, course_no, impact) VALUES (?, ?, ?, ?)`,
        stored.map(([, id, frequency]) => [
          tenant,
          id,
          courseNo,
          impactOf(frequency, length, averageLength()),
        ]),
      );
      yield* runEach(
        `INSERT INTO lexicon (tenant_id, surface, length, df) VALUES (?, ?, ?, 1)
          ON CONFLICT (tenant_id, surface) DO UPDATE SET df = lexicon.df + 1`,
        [...words].map((word) => [tenant, word, word.length]),
      );
      yield* run(
        `INSERT INTO course_terms (tenant_id, course_no, length, terms, words) VALUES (?, ?, ?, ?, ?)`,
        tenant,
        courseNo,
        length,
        JSON.stringify({
          names: [...terms.keys()],
          frequencies: stored.map(([, id, frequency]) => [id, frequency]),
        }),
        JSON.stringify([...words]),
      );
      yield* run(
        `INSERT INTO corpus_language (tenant_id, language, n) VALUES (?, ?, 1)
          ON CONFLICT (tenant_id, language) DO UPDATE SET n = corpus_language.n + 1`,
        tenant,
        primaryLanguage(course.language),
      );
      return undefined;
    },
    *remove(courseNo, languageTag) {
      const row = yield* get<StoredTerms>(
        `SELECT length, terms, words FROM course_terms WHERE tenant_id = ? AND course_no = ?`,
        tenant,
        courseNo,
      );
      if (row === undefined) return undefined;
      yield* removeTerms(tenant, courseNo, row, primaryLanguage(languageTag));
      corpus.n_docs -= 1;
      corpus.sum_len -= row.length;
      return undefined;
    },
    *finish() {
      const average = corpus.sum_len / Math.max(corpus.n_docs, 1);
      const drift = Math.abs(average / Math.max(corpus.indexed_avg_len, 1) - 1);
      if (drift > MAX_LENGTH_DRIFT) {
        corpus.indexed_avg_len = average;
        yield* weighAnew(tenant, average);
      }
      yield* run(
        `UPDATE corpus_stat SET n_docs = ?, sum_len = ?, indexed_avg_len = ?, next_course_no = ?,
          next_term_id = ?, epoch = epoch + 1 WHERE tenant_id = ?`,
        corpus.n_docs,
        corpus.sum_len,
        corpus.indexed_avg_len,
        corpus.next_course_no,
        corpus.next_term_id,
        tenant,
      );
      return undefined;
    },
  };
}

interface StoredTerms {
  length: number;
  terms: string;
  words: string;
}

function* loadCorpus(tenant: number): SqlProgram<CorpusRow> {
  yield* run(
    `INSERT INTO corpus_stat
      (tenant_id, n_docs, sum_len, indexed_avg_len, next_course_no, next_term_id, epoch)
      VALUES (?, 0, 0, 0, 1, 1, 0) ON CONFLICT (tenant_id) DO NOTHING`,
    tenant,
  );
  const row = yield* get<CorpusRow>(
    `SELECT n_docs, sum_len, indexed_avg_len, next_course_no, next_term_id FROM corpus_stat
      WHERE tenant_id = ?`,
    tenant,
  );
  if (row === undefined) throw new TypeError('the corpus row was just written');
  // Rows have no prototype and may be frozen by the driver: the writer counts on its own copy.
  return { ...row };
}

function* removeTerms(
  tenant: number,
  courseNo: number,
  row: StoredTerms,
  language: string,
): SqlProgram<undefined> {
  const terms = JSON.parse(row.terms) as { names: string[]; frequencies: [number, number][] };
  const words = JSON.parse(row.words) as string[];
  yield* run(
    `DELETE FROM posting WHERE tenant_id = ? AND course_no = ?
      AND term_id IN (SELECT value FROM json_each(?))`,
    tenant,
    courseNo,
    terms.frequencies.map(([id]) => id),
  );
  // The row stays at zero: its number must not be given to another term.
  yield* run(
    `UPDATE term_stat SET df = df - 1
      WHERE tenant_id = ? AND term IN (SELECT value FROM json_each(?))`,
    tenant,
    terms.names,
  );
  yield* run(
    `UPDATE lexicon SET df = df - 1
      WHERE tenant_id = ? AND surface IN (SELECT value FROM json_each(?))`,
    tenant,
    words,
  );
  yield* run(
    `DELETE FROM lexicon
      WHERE tenant_id = ? AND surface IN (SELECT value FROM json_each(?)) AND df <= 0`,
    tenant,
    words,
  );
  yield* run(`DELETE FROM course_terms WHERE tenant_id = ? AND course_no = ?`, tenant, courseNo);
  yield* run(
    `UPDATE corpus_language SET n = n - 1 WHERE tenant_id = ? AND language = ?`,
    tenant,
    language,
  );
  return undefined;
}

function* weighAnew(tenant: number, average: number): SqlProgram<undefined> {
  const rows = yield* all<StoredTerms & { course_no: number }>(
    `SELECT course_no, length, terms, words FROM course_terms WHERE tenant_id = ?`,
    tenant,
  );
  for (const row of rows) {
    const { frequencies } = JSON.parse(row.terms) as { frequencies: [number, number][] };
    yield* runEach(
      `UPDATE posting SET impact = ? WHERE tenant_id = ? AND term_id = ? AND course_no = ?`,
      frequencies.map(([id, frequency]) => [
        impactOf(frequency, row.length, average),
        tenant,
        id,
        row.course_no,
      ]),
    );
  }
  return undefined;
}
