import type { Principal } from '../../server/core/principal.js';
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

export const NO_LEARNER =
  'This credential is of a client, not of a person: it has no goals, history or enrollments. Sign in as a person and call again.';
