import { errors } from 'oidc-provider';
import { canonicalResource } from '../../oauth/resource.js';
import { parseScope } from '../../oauth/scope.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import { GRANTS } from '../metadata.js';
import type { AuthorizationStores, AuthorizationUser } from '../ports.js';
import type { ResourceRegistry } from '../resources.js';
import { type Assertion, checkAssertion, spendAssertion } from './assertions.js';
import {
  type DescribeResource,
  type GrantContext,
  answerWithToken,
  requireConfidential,
  textParameter,
} from './issue-token.js';
import { issuerKeys } from './issuer-keys.js';
import type { EnterpriseIssuer } from './options.js';

const TYPE = 'oauth-id-jag+jwt';
/** Bounds the time that its id has to be remembered, too. */
const MAX_LIFE_SECONDS = 600;

export interface AssertionGrantParts {
  /** Our own issuer: what assertions have to be for. */
  readonly issuer: string;
  readonly stores: AuthorizationStores;
  readonly resources: ResourceRegistry;
  readonly describe: DescribeResource;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The identity provider of an enterprise has decided that this client may act for this person: no page is shown. The
 * token is for the resource that the assertion names, with the scopes that were asked for, that the assertion allows
 * and that the person has. No refresh token: the identity provider is asked again.
 *
 * @see draft-ietf-oauth-identity-assertion-authz-grant, MCP enterprise-managed authorization
 */
export function identityAssertionHandler(
  enterprise: EnterpriseIssuer,
  parts: AssertionGrantParts,
): (ctx: GrantContext, assertion: string) => Promise<void> {
  const keys = issuerKeys(enterprise);
  const { issuer, stores, resources, describe, clock, logger } = parts;
  return async (ctx, text) => {
    requireConfidential(ctx);
    const assertion = await checkAssertion(
      text,
      {
        issuer: enterprise.issuer,
        keys,
        audience: issuer,
        typ: TYPE,
        maxLifeSeconds: MAX_LIFE_SECONDS,
      },
      { clock, logger },
    );
    const { clientId } = ctx.oidc.client;
    const isForClient =
      assertion.claims['client_id'] === clientId &&
      (enterprise.clientIds === undefined || enterprise.clientIds.includes(clientId));
    if (!isForClient) throw new errors.InvalidGrant('assertion is for another client');
    const resource = resourceOf(assertion, resources);
    const asked = textParameter(ctx, 'resource');
    if (asked !== undefined && asked !== resource) {
      throw new errors.InvalidTarget('resource is not the one of the assertion');
    }
    const user = await personOf(assertion, enterprise, parts);
    const server = await describe(ctx, resource);
    const scopes = scopesOf(ctx, assertion, user, server.scope.split(' '));
    await spendAssertion(assertion, { artifacts: stores.artifacts, clock });
    await answerWithToken(
      ctx,
      { accountId: user.id, gty: GRANTS.jwtBearer },
      { resource, server, scopes },
    );
  };
}

function resourceOf({ claims }: Assertion, resources: ResourceRegistry): string {
  const { resource } = claims;
  const named =
    Array.isArray(resource) && resource.length === 1 ? (resource[0] as unknown) : resource;
  const found =
    typeof named === 'string' && URL.canParse(named)
      ? resources.get(canonicalOf(named) ?? '')
      : undefined;
  if (found === undefined) throw new errors.InvalidGrant('assertion is for another resource');
  return found.resource;
}

function canonicalOf(resource: string): string | undefined {
  try {
    return canonicalResource(resource);
  } catch {
    return undefined;
  }
}

async function personOf(
  assertion: Assertion,
  enterprise: EnterpriseIssuer,
  { stores, clock }: AssertionGrantParts,
): Promise<AuthorizationUser> {
  const identity = { issuer: assertion.issuer, subject: assertion.subject };
  const known = await stores.identities.find(identity);
  let user = known === undefined ? undefined : await stores.users.find(known.userId);
  if (user === undefined && enterprise.admit !== undefined) {
    const profile = await enterprise.admit(assertion.claims);
    if (profile !== undefined) {
      user = await stores.identities.signIn(identity, profile, randomId(16), nowSeconds(clock));
    }
  }
  if (user === undefined || user.isDisabled) {
    throw new errors.InvalidGrant('assertion is of nobody who may sign in here');
  }
  return user;
}

function scopesOf(
  ctx: GrantContext,
  { claims }: Assertion,
  user: AuthorizationUser,
  known: readonly string[],
): readonly string[] {
  const asserted = parseScope(typeof claims['scope'] === 'string' ? claims['scope'] : undefined);
  const asked = parseScope(textParameter(ctx, 'scope'));
  const scopes = known.filter(
    (scope) =>
      user.scopes.includes(scope) &&
      asserted.includes(scope) &&
      (asked.length === 0 || asked.includes(scope)),
  );
  if (scopes.length === 0) {
    throw new errors.InvalidScope('nothing that was asked for is allowed', asked.join(' '));
  }
  return scopes;
}
