import { hashId, type Branded } from '../../shared/ids.js';

/** Names one course within what a tenant may see: lower-case words joined by `-`, as in `course://sql-basics`. */
export type CourseId = Branded<'CourseId'>;

/** Names one skill, for example `sql` or `patient-communication`. */
export type SkillId = Branded<'SkillId'>;

/** Names one learner of one tenant. Opaque; derived from issuer and subject, and not reversible to them. */
export type LearnerId = Branded<'LearnerId'>;

/** The tenant of the public catalog that other tenants may be granted to read. No person belongs to it. */
export const SHARED_TENANT = '@shared';

/**
 * Whose data a call may touch. No repository method works without one, so a query without a tenant cannot be written.
 * Reads of courses also cover the catalogs granted to the tenant (usually the shared one); writes never do.
 */
export interface Scope {
  readonly tenant: string;
}

/** A scope narrowed to one person: every read and write of learner rows carries it. */
export interface LearnerScope extends Scope {
  readonly issuer: string;
  readonly subject: string;
}

/**
 * The scope of a signed-in person.
 *
 * @throws {TypeError} when the tenant is empty or starts with `@`: those names are kept for catalogs without people
 */
export function learnerScope(identity: LearnerScope): LearnerScope {
  const { tenant, issuer, subject } = identity;
  if (tenant === '' || tenant.startsWith('@')) {
    throw new TypeError(`tenant ${JSON.stringify(tenant)} has no people: it is empty or reserved`);
  }
  return { tenant, issuer, subject };
}

export function learnerIdOf(scope: LearnerScope): LearnerId {
  const key = JSON.stringify([scope.tenant, scope.issuer, scope.subject]);
  return hashId(key).slice(0, 22) as LearnerId;
}

const ID = /^[a-z0-9][a-z0-9._-]{0,79}$/;

/** @returns undefined unless the text is 1 to 80 of `a-z 0-9 . _ -`, starting with a letter or digit */
export function parseCourseId(text: string): CourseId | undefined {
  return ID.test(text) ? (text as CourseId) : undefined;
}

/** Makes a skill id of a label: `Data Visualization` becomes `data-visualization`; `c++` and `c#` stay apart. */
export function skillIdOf(label: string): SkillId {
  return label
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}+#]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '') as SkillId;
}
