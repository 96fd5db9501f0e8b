export { type Catalog, createCatalog } from './mcp/catalog.js';
export type { CatalogDependencies } from './mcp/dependencies.js';
export {
  SampleDataError,
  type SampleLearner,
  type SampleOptions,
  type SampleSummary,
  seedSampleCatalog,
} from './sample.js';
export {
  type Course,
  type CourseRecord,
  type FieldProblem,
  type Format,
  type Level,
  type Prerequisite,
  type SkillLevel,
  parseCourseRecord,
} from './domain/course.js';
export { CourseIdTakenError } from './domain/errors.js';
export type {
  Activity,
  Enrollment,
  EnrollmentState,
  Goal,
  LearnerChanges,
  LearnerProfile,
  LearnerSkill,
  Rating,
} from './domain/learner.js';
export type {
  CatalogStore,
  CourseFilters,
  CourseStore,
  DismissOutcome,
  EnrollOutcome,
  FacetCount,
  ImportCounts,
  IndexPage,
  IndexQuery,
  LearnerDirectory,
  LearnerExport,
  LearnerStore,
  LearnerSummary,
  NamedMatch,
  QueryWord,
  RankedPosition,
  RoleRecord,
  SkillRecord,
  Transition,
  TransitionStore,
  WithdrawOutcome,
  WordCount,
} from './domain/ports.js';
export {
  type CourseId,
  type LearnerId,
  type LearnerScope,
  SHARED_TENANT,
  type Scope,
  type SkillId,
  learnerScope,
} from './domain/scope.js';
