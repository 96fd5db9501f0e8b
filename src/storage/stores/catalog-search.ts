import { foldPhrase } from '../../catalog/domain/analysis.js';
import { LEVELS } from '../../catalog/domain/course.js';
import type {
  CourseStore,
  FacetCount,
  IndexPage,
  IndexQuery,
  RankedPosition,
  WordCount,
} from '../../catalog/domain/ports.js';
import type { CourseId } from '../../catalog/domain/scope.js';
import { inverseFrequency } from '../../catalog/domain/text-index.js';
import { type TenantDirectory, type TenantView, collect, startOf } from './catalog-tenants.js';
import { type SqlParam, type SqlProgram, all, get } from '../sql.js';

/** Rounds scores to integers: float sums differ in their last bits between engines and plans. */
const SCORE_UNIT = 1_000_000;
/** No tenant has it: stands for "hides nothing". */
const NO_TENANT = -1;

type Search = Pick<
  CourseStore,
  'searchIndex' | 'knownTerms' | 'languages' | 'wordsOfLength' | 'wordsStartingWith'
>;

export function createCourseSearch(tenants: TenantDirectory): Search {
  return {
    searchIndex: (scope, query) => tenants.read(scope, (view) => searchIndex(view, query)),
    async knownTerms(scope, terms) {
      const stats = await tenants.read(scope, (view) => termStats(view, terms));
      return new Set(stats.filter((stat) => stat.df > 0).map((stat) => stat.term));
    },
    async languages(scope) {
      const rows = await tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) =>
          all<{ language: string; n: number }>(
            `SELECT language, n FROM corpus_language WHERE tenant_id = ? AND n > 0`,
            tenant,
          ),
        ),
      );
      const counts = new Map<string, number>();
      for (const { language, n } of rows) counts.set(language, (counts.get(language) ?? 0) + n);
      return [...counts].sort(byCountThenName).map(([language]) => language);
    },
    async wordsOfLength(scope, minimum, maximum) {
      const rows = await tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) =>
          all<{ surface: string; df: number }>(
            `SELECT surface, df FROM lexicon WHERE tenant_id = ? AND length BETWEEN ? AND ?`,
            tenant,
            minimum,
            maximum,
          ),
        ),
      );
      return mergeWords(rows);
    },
    async wordsStartingWith(scope, prefix, limit) {
      const rows = await tenants.read(scope, ({ visible }) =>
        collect(visible, (tenant) =>
          all<{ surface: string; df: number }>(
            `SELECT surface, df FROM lexicon WHERE tenant_id = ? AND surface >= ? AND surface < ?
              ORDER BY df DESC, surface LIMIT ?`,
            tenant,
            ...startOf(prefix),
            limit,
          ),
        ),
      );
      return mergeWords(rows).slice(0, limit);
    },
  };
}

function byCountThenName(a: readonly [string, number], b: readonly [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
}

function mergeWords(rows: readonly { surface: string; df: number }[]): WordCount[] {
  const counts = new Map<string, number>();
  for (const { surface, df } of rows) counts.set(surface, (counts.get(surface) ?? 0) + df);
  return [...counts].sort(byCountThenName).map(([word, courses]) => ({ word, courses }));
}

interface TermStat {
  readonly tenant: number;
  readonly term: string;
  readonly term_id: number;
  readonly df: number;
}

function* termStats(view: TenantView, terms: readonly string[]): SqlProgram<TermStat[]> {
  const asked = [...new Set(terms)];
  return yield* collect(view.visible, function* (tenant) {
    const rows = yield* all<Omit<TermStat, 'tenant'>>(
      `SELECT term, term_id, df FROM term_stat
        WHERE tenant_id = ? AND term IN (SELECT value FROM json_each(?))`,
      tenant,
      asked,
    );
    return rows.map((row) => ({ ...row, tenant }));
  });
}

const FILTERS = `
  f (level, language, provider, skill, max_price, max_minutes, format) AS
    (SELECT CAST(? AS INTEGER), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
      CAST(? AS DOUBLE PRECISION), CAST(? AS DOUBLE PRECISION), CAST(? AS TEXT))`;

const RANKED_HITS = `
  q AS MATERIALIZED (SELECT CAST(value ->> 0 AS INTEGER) AS word,
    CAST(value ->> 1 AS INTEGER) AS term_id, CAST(value ->> 2 AS DOUBLE PRECISION) AS weight
    FROM json_each(?)),
  best AS (SELECT p.course_no, q.word, MAX(p.impact * q.weight) AS s
    FROM q CROSS JOIN posting p
    WHERE p.tenant_id = ? AND p.term_id = q.term_id GROUP BY p.course_no, q.word),
  hit AS (SELECT course_no, CAST(ROUND(SUM(s)) AS BIGINT) AS score FROM best GROUP BY course_no)`;

const EVERY_COURSE = `
  hit AS (SELECT k.course_no, k.enrol_count AS score FROM course k WHERE k.tenant_id = ?)`;

const FILTERED = `
  FROM hit CROSS JOIN f JOIN course c ON c.tenant_id = ? AND c.course_no = hit.course_no
  WHERE c.status = 'active'
    AND (f.level IS NULL OR c.level = f.level)
    AND (f.language IS NULL OR c.language_key = f.language)
    AND (f.provider IS NULL OR c.provider_key = f.provider)
    AND (f.max_price IS NULL OR c.price_minor <= f.max_price)
    AND (f.max_minutes IS NULL OR c.duration_min <= f.max_minutes)
    AND (f.format IS NULL OR c.format = f.format)
    AND (f.skill IS NULL OR EXISTS (SELECT 1 FROM course_skill s WHERE s.tenant_id = ?
      AND s.course_no = c.course_no AND s.role = 'teaches' AND s.skill_id = f.skill))
    AND NOT EXISTS (SELECT 1 FROM course o WHERE o.tenant_id = ? AND o.id = c.id)`;

const PAGE = `
  SELECT c.id, hit.score ${FILTERED}
    AND (CAST(? AS BIGINT) IS NULL OR hit.score < ? OR (hit.score = ? AND c.id > ?))
  ORDER BY hit.score DESC, c.id LIMIT ?`;

const COUNTS = `
  SELECT c.level, c.language_key, c.subject, COUNT(*) AS n ${FILTERED} GROUP BY 1, 2, 3`;

/** Exported for the test that looks at its plan. */
export const RANKED_PAGE: string = `WITH ${FILTERS}, ${RANKED_HITS} ${PAGE}`;
const RANKED_COUNTS = `WITH ${FILTERS}, ${RANKED_HITS} ${COUNTS}`;
const EVERY_PAGE = `WITH ${FILTERS}, ${EVERY_COURSE} ${PAGE}`;
const EVERY_COUNTS = `WITH ${FILTERS}, ${EVERY_COURSE} ${COUNTS}`;

function* searchIndex(view: TenantView, query: IndexQuery): SqlProgram<IndexPage> {
  const weights = yield* termWeights(view, query);
  const hits: RankedPosition[] = [];
  const facets = { level: new Counter(), language: new Counter(), subject: new Counter() };
  let total = 0;
  for (const tenant of view.visible) {
    const isRanked = query.words.length > 0;
    // An own course hides a granted one of the same id; nothing hides an own course.
    const hiddenBy = tenant === view.own ? NO_TENANT : view.own;
    const common: SqlParam[] = [
      ...filterParams(query),
      ...(isRanked ? [JSON.stringify(weights.get(tenant) ?? [])] : []),
      tenant,
      tenant,
      tenant,
      hiddenBy,
    ];
    const { score = null, id = null } = query.after ?? {};
    const page = yield* all<{ id: CourseId; score: number }>(
      isRanked ? RANKED_PAGE : EVERY_PAGE,
      ...common,
      score,
      score,
      score,
      id,
      query.limit,
    );
    hits.push(...page.map((row) => ({ id: row.id, score: row.score })));
    if (query.isCounted === false) continue;
    const counts = yield* all<{
      level: number;
      language_key: string;
      subject: string;
      n: number;
    }>(isRanked ? RANKED_COUNTS : EVERY_COUNTS, ...common);
    for (const row of counts) {
      total += row.n;
      facets.level.add(LEVELS[row.level] ?? '', row.n);
      facets.language.add(row.language_key, row.n);
      facets.subject.add(row.subject, row.n);
    }
  }
  hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
  return {
    hits: hits.slice(0, query.limit),
    total,
    facets: {
      level: facets.level.list(),
      language: facets.language.list(),
      subject: facets.subject.list(),
    },
  };
}

/** Per tenant: word number, term id and weight. Document counts are summed over what the scope sees, and no more. */
function* termWeights(
  view: TenantView,
  query: IndexQuery,
): SqlProgram<Map<number, [number, number, number][]>> {
  const stats = yield* termStats(
    view,
    query.words.flatMap((word) => word.terms.map(({ term }) => term)),
  );
  let documents = 0;
  for (const tenant of view.visible) {
    const row = yield* get<{ n_docs: number }>(
      `SELECT n_docs FROM corpus_stat WHERE tenant_id = ?`,
      tenant,
    );
    documents += row?.n_docs ?? 0;
  }
  const frequency = new Map<string, number>();
  for (const stat of stats) frequency.set(stat.term, (frequency.get(stat.term) ?? 0) + stat.df);
  const weights = new Map<number, [number, number, number][]>();
  for (const stat of stats) {
    const idf = inverseFrequency(documents, frequency.get(stat.term) ?? 0);
    for (const [wordNo, word] of query.words.entries()) {
      const wanted = word.terms.find(({ term }) => term === stat.term);
      if (wanted === undefined) continue;
      const list = weights.get(stat.tenant) ?? [];
      weights.set(stat.tenant, list);
      list.push([wordNo, stat.term_id, idf * wanted.weight * SCORE_UNIT]);
    }
  }
  return weights;
}

function filterParams({ filters }: IndexQuery): SqlParam[] {
  return [
    filters.level === undefined ? null : LEVELS.indexOf(filters.level),
    filters.language ?? null,
    filters.provider === undefined ? null : foldPhrase(filters.provider),
    filters.skill ?? null,
    filters.maxPriceMinor ?? null,
    filters.maxMinutes ?? null,
    filters.format ?? null,
  ];
}

class Counter {
  readonly #counts = new Map<string, number>();

  add(value: string, count: number): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + count);
  }

  list(): FacetCount[] {
    return [...this.#counts].sort(byCountThenName).map(([value, count]) => ({ value, count }));
  }
}
