import type { Principal } from '../../server/core/principal.js';
import { type Result, err, ok } from '../../shared/result.js';
import { type LearnerScope, type Scope, learnerScope } from '../domain/scope.js';

/** Whose request this is. The only way from a principal to a scope: no tool takes a tenant or a learner as argument. */
export type Caller =
  | { readonly kind: 'person'; readonly scope: LearnerScope }
  /** A client acting for itself: it may read the catalog of its tenant and is nobody who learns. */
  | { readonly kind: 'machine'; readonly scope: Scope };

/** @returns undefined when nobody is signed in, or the tenant is one that has no people */
export function callerOf(principal: Principal | undefined): Caller | undefined {
  if (principal === undefined || principal.tenant === '' || principal.tenant.startsWith('@')) {
    return undefined;
  }
  const scope = learnerScope(principal);
  return principal.method === 'machine'
    ? { kind: 'machine', scope: { tenant: scope.tenant } }
    : { kind: 'person', scope };
}

export const NO_CALLER =
  'Nobody is signed in, or the credential belongs to no tenant. Sign in, or use an API key of a tenant, and call again.';

const NO_LEARNER =
  'This credential is of a client, not of a person: it has no goals, history or enrollments. Sign in as a person and call again.';

/** The person whom a tool works for, or what to answer when there is none. */
export function personOf(principal: Principal | undefined): Result<LearnerScope, string> {
  const caller = callerOf(principal);
  if (caller === undefined) return err(NO_CALLER);
  return caller.kind === 'person' ? ok(caller.scope) : err(NO_LEARNER);
}
