import { errors } from 'oidc-provider';
import { claimedIssuer } from './assertions.js';
import { type AssertionGrantParts, identityAssertionHandler } from './identity-assertion.js';
import { type GrantContext, requiredParameter } from './issue-token.js';
import type { GrantOptions } from './options.js';
import { workloadHandler } from './workload.js';

export const JWT_BEARER_PARAMETERS = ['assertion'] as const;

/**
 * A token for an assertion of somebody we trust: the identity provider of an enterprise, or the platform of a workload.
 *
 * @see RFC 7523 §2.1
 */
export function jwtBearerGrant(
  options: GrantOptions,
  parts: AssertionGrantParts,
): (ctx: GrantContext) => Promise<void> {
  const handlers = new Map<string, (ctx: GrantContext, assertion: string) => Promise<void>>();
  const add = (
    issuer: string,
    handler: (ctx: GrantContext, assertion: string) => Promise<void>,
  ) => {
    if (handlers.has(issuer)) {
      throw new TypeError(`assertion issuer ${JSON.stringify(issuer)} is configured twice`);
    }
    handlers.set(issuer, handler);
  };
  for (const enterprise of options.identityAssertions?.issuers ?? []) {
    add(enterprise.issuer, identityAssertionHandler(enterprise, parts));
  }
  for (const platform of options.workloads?.issuers ?? []) {
    add(platform.issuer, workloadHandler(platform, parts));
  }
  return async (ctx) => {
    const assertion = requiredParameter(ctx, 'assertion');
    const handler = handlers.get(claimedIssuer(assertion) ?? '');
    if (handler === undefined) throw new errors.InvalidGrant('assertion is not valid');
    await handler(ctx, assertion);
  };
}
