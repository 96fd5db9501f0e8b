import type { Course, CourseRecord, Format, Level } from './course.js';
import type { Activity, Enrollment, LearnerChanges, LearnerProfile } from './learner.js';
import type { CourseId, LearnerScope, Scope, SkillId } from './scope.js';

export interface ImportCounts {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
}

export interface SkillRecord {
  readonly id: SkillId;
  readonly label: string;
  /** Other spellings, any language. */
  readonly aliases: readonly string[];
}

/** A job or role: the skills, with target levels, that make somebody ready for it. */
export interface RoleRecord {
  readonly id: string;
  readonly label: string;
  readonly aliases: readonly string[];
  readonly skills: readonly {
    readonly skill: SkillId;
    readonly level: number;
    readonly weight: number;
  }[];
}

export interface CourseFilters {
  readonly level?: Level | undefined;
  /** Primary subtag: `en` also finds `en-GB`. */
  readonly language?: string | undefined;
  /** Compared without case and accents. */
  readonly provider?: string | undefined;
  /** A skill that the course teaches. */
  readonly skill?: SkillId | undefined;
  readonly maxPriceMinor?: number | undefined;
  readonly maxMinutes?: number | undefined;
  readonly format?: Format | undefined;
}

/** One word of a query as the index terms that stand for it; the best of them counts. */
export interface QueryWord {
  readonly terms: readonly { readonly term: string; readonly weight: number }[];
}

/** A place in a ranked list: strictly after this hit. */
export interface RankedPosition {
  readonly score: number;
  readonly id: CourseId;
}

export interface IndexQuery {
  /** Empty: every course, most enrolled first. */
  readonly words: readonly QueryWord[];
  readonly filters: CourseFilters;
  readonly after?: RankedPosition | undefined;
  readonly limit: number;
  /** False leaves `total` and `facets` empty and saves counting them. Default true. */
  readonly isCounted?: boolean;
}

export interface FacetCount {
  readonly value: string;
  readonly count: number;
}

export interface IndexPage {
  /** Best first; ties by id. `score` is an integer, so that every engine orders and resumes alike. */
  readonly hits: readonly RankedPosition[];
  /** Of the whole result, not of the page. */
  readonly total: number;
  readonly facets: {
    readonly level: readonly FacetCount[];
    readonly language: readonly FacetCount[];
    readonly subject: readonly FacetCount[];
  };
}

export interface WordCount {
  readonly word: string;
  /** In how many courses' titles and skills it occurs. */
  readonly courses: number;
}

/**
 * Courses and their search index. Reads cover the scope's own tenant and the catalogs granted to it; an own course
 * hides a granted one of the same id.
 */
export interface CourseStore {
  /**
   * Upserts by (source, external id); a record whose content hash is unchanged is skipped. Each batch and its index
   * rows are one transaction. Skills that no visible vocabulary has are added to the tenant's own.
   *
   * @param options.at - epoch milliseconds, becomes `updatedAt` of what changed
   * @throws {CourseIdTakenError} when another (source, external id) of the tenant already has that course id
   */
  importCourses(
    scope: Scope,
    records: AsyncIterable<CourseRecord> | Iterable<CourseRecord>,
    options: {
      readonly at: number;
      /** Called after each part that is kept, with the courses that are new or other than before. */
      readonly onChanged?: ((ids: readonly CourseId[]) => void) | undefined;
    },
  ): Promise<ImportCounts>;
  /** Adds or replaces skills and roles of the tenant by id. */
  importVocabulary(
    scope: Scope,
    vocabulary: { readonly skills: readonly SkillRecord[]; readonly roles: readonly RoleRecord[] },
  ): Promise<void>;
  /** Courses by id, in the order asked for; unknown ids are left out. */
  getCourses(scope: Scope, ids: readonly CourseId[]): Promise<readonly Course[]>;
  /** Ids that start with the text, in byte order. */
  courseIdsStartingWith(scope: Scope, prefix: string, limit: number): Promise<readonly CourseId[]>;
  searchIndex(scope: Scope, query: IndexQuery): Promise<IndexPage>;
  /** Which of these index terms occur in a course the scope can see. */
  knownTerms(scope: Scope, terms: readonly string[]): Promise<ReadonlySet<string>>;
  /** Primary language subtags of the courses, most frequent first. */
  languages(scope: Scope): Promise<readonly string[]>;
  /** Words of titles and skills whose length is within the bounds: the raw material of typo correction. */
  wordsOfLength(scope: Scope, minimum: number, maximum: number): Promise<readonly WordCount[]>;
  /** Words of titles and skills that start with the text, most frequent first. */
  wordsStartingWith(scope: Scope, prefix: string, limit: number): Promise<readonly WordCount[]>;
  /** Active courses that teach one of the skills, most enrolled first. */
  coursesTeaching(
    scope: Scope,
    skills: readonly SkillId[],
    limit: number,
  ): Promise<readonly CourseId[]>;
  skills(scope: Scope, ids: readonly SkillId[]): Promise<readonly SkillRecord[]>;
  roles(scope: Scope, ids: readonly string[]): Promise<readonly RoleRecord[]>;
  /** Skills by a folded spelling (label or alias). */
  skillsNamed(
    scope: Scope,
    surfaces: readonly string[],
  ): Promise<readonly NamedMatch<SkillRecord>[]>;
  rolesNamed(scope: Scope, surfaces: readonly string[]): Promise<readonly NamedMatch<RoleRecord>[]>;
  /** Labels of roles and skills that start with the text (folded), for completion. */
  labelsStartingWith(scope: Scope, prefix: string, limit: number): Promise<readonly string[]>;
}

export interface NamedMatch<Record> {
  readonly surface: string;
  readonly record: Record;
}

export type EnrollOutcome =
  | { readonly status: 'enrolled'; readonly enrollment: Enrollment }
  | { readonly status: 'already'; readonly enrollment: Enrollment }
  | { readonly status: 'blocked'; readonly missing: readonly CourseId[] };

export type WithdrawOutcome =
  | { readonly status: 'withdrawn'; readonly enrollment: Enrollment }
  /** Dropped before: nothing was written. */
  | { readonly status: 'already'; readonly enrollment: Enrollment }
  | { readonly status: 'completed'; readonly enrollment: Enrollment }
  | { readonly status: 'not-enrolled' };

export type DismissOutcome =
  | { readonly status: 'dismissed' | 'restored' | 'unchanged' }
  /** Taken now or completed: there is nothing to leave out. */
  | { readonly status: 'taken'; readonly enrollment: Enrollment };

/** Rows of one person. Every method carries tenant, issuer and subject; there is no way to name somebody else. */
export interface LearnerStore {
  find(scope: LearnerScope): Promise<LearnerProfile | undefined>;
  /** Creates the learner when there is none. */
  save(scope: LearnerScope, changes: LearnerChanges, at: number): Promise<LearnerProfile>;
  /** Everything the learner has a relation to, oldest first, at most 1,000. */
  history(scope: LearnerScope): Promise<readonly Enrollment[]>;
  /**
   * Enrolls once, in one transaction: checks that every course in `mustHaveCompleted` is completed, writes the
   * enrollment and its activity, and counts the transitions. A dropped, saved or dismissed course is taken up again.
   */
  enroll(
    scope: LearnerScope,
    request: {
      readonly course: CourseId;
      readonly mustHaveCompleted: readonly CourseId[];
      readonly at: number;
    },
  ): Promise<EnrollOutcome>;
  /** Drops a course that the learner is enrolled in, in one transaction. The course stays in the history. */
  withdraw(
    scope: LearnerScope,
    request: { readonly course: CourseId; readonly at: number },
  ): Promise<WithdrawOutcome>;
  /**
   * Keeps what the learner thinks of a course they took; a second rating replaces the first.
   *
   * @param request.stars - 1 to 5
   * @returns undefined, and nothing is written, when the learner never took the course
   */
  rate(
    scope: LearnerScope,
    request: { readonly course: CourseId; readonly stars: number; readonly at: number },
  ): Promise<Enrollment | undefined>;
  /** Takes a course out of what is recommended, or back in (it is then saved). */
  dismiss(
    scope: LearnerScope,
    request: {
      readonly course: CourseId;
      readonly isDismissed: boolean;
      readonly at: number;
    },
  ): Promise<DismissOutcome>;
  /** Adds events in time order and derives enrollments from them; known statement ids are skipped. @returns how many were new */
  recordActivities(scope: LearnerScope, activities: readonly Activity[]): Promise<number>;
}

export interface LearnerSummary {
  readonly issuer: string;
  readonly subject: string;
  readonly displayName: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** How many courses the learner has a relation to. */
  readonly courses: number;
}

/** Everything the catalog keeps about one person. */
export interface LearnerExport extends LearnerScope {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly profile: LearnerProfile;
  readonly enrollments: readonly Enrollment[];
  readonly activities: readonly (Activity & { readonly source: string })[];
}

/** For the operator of the server, who answers people's requests about their data. No tool works with it. */
export interface LearnerDirectory {
  /** Oldest first. */
  list(scope: Scope, limit: number): Promise<readonly LearnerSummary[]>;
  exportLearner(scope: LearnerScope): Promise<LearnerExport | undefined>;
  /**
   * Deletes everything the catalog keeps about a person, and counts the tenant's transitions anew from those who are
   * left, in one transaction.
   *
   * @param at - epoch milliseconds
   * @returns false, and nothing is written, when there is no such learner
   */
  erase(scope: LearnerScope, at: number): Promise<boolean>;
}

/** How often learners went from one course to another. */
export interface Transition {
  readonly from: CourseId;
  readonly to: CourseId;
  /** Sum over learners of 0.95^(gap - 1). */
  readonly weight: number;
  /** Distinct learners who took `to` after `from`, within 20 courses. */
  readonly learners: number;
  /** Learners who took `from`, and who took `to`: of the same tenants as `learners`. */
  readonly fromLearners: number;
  readonly toLearners: number;
}

/** What learners took after what, per tenant, without names. */
export interface TransitionStore {
  /**
   * Transitions out of the given courses, from the scope's own learners and from granted catalogs' published counts.
   * A tenant's count of an edge takes part only when at least `minimumLearners` of its learners are behind it.
   */
  transitionsFrom(
    scope: Scope,
    courses: readonly CourseId[],
    minimumLearners: number,
  ): Promise<readonly Transition[]>;
  /** Replaces the tenant's counts by those of anonymous histories (each: courses in the order taken). */
  publishHistories(
    scope: Scope,
    histories: readonly (readonly CourseId[])[],
    at: number,
  ): Promise<void>;
  /** Recounts the tenant's transitions from its learners' enrollments. */
  rebuildTransitions(scope: Scope, at: number): Promise<void>;
}

export interface CatalogStore {
  readonly courses: CourseStore;
  readonly learners: LearnerStore;
  readonly directory: LearnerDirectory;
  readonly transitions: TransitionStore;
}
