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
} from './domain/learner.js';
export type {
  CatalogStore,
  CourseFilters,
  CourseStore,
  EnrollOutcome,
  FacetCount,
  ImportCounts,
  IndexPage,
  IndexQuery,
  LearnerStore,
  NamedMatch,
  QueryWord,
  RankedPosition,
  RoleRecord,
  SkillRecord,
  Transition,
  TransitionStore,
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
