import { errors } from 'oidc-provider';
import { tenantOf } from '../clients/configured-client.js';
import { GRANTS } from '../metadata.js';
import { checkAssertion } from './assertions.js';
import type { AssertionGrantParts } from './identity-assertion.js';
import {
  type GrantContext,
  answerWithToken,
  grantedScopes,
  requestedResource,
} from './issue-token.js';
import { issuerKeys } from './issuer-keys.js';
import type { WorkloadIssuer } from './options.js';

/** Platforms hand a workload one token for so long, at most. */
const MAX_LIFE_SECONDS = 86_400;

/**
 * A workload shows the identity that its platform gave it, in place of a secret, and acts as the client that the
 * operator named for it. The assertion is what proves the client: it has to be for us alone. It may be shown again until
 * it expires, for a platform puts one into a file and a new one only later.
 *
 * @see RFC 7523 §2.1
 */
export function workloadHandler(
  platform: WorkloadIssuer,
  parts: AssertionGrantParts,
): (ctx: GrantContext, assertion: string) => Promise<void> {
  const keys = issuerKeys(platform);
  const { issuer, resources, describe, clock, logger } = parts;
  const expected = {
    issuer: platform.issuer,
    keys,
    audience: issuer,
    typ: undefined,
    maxLifeSeconds: MAX_LIFE_SECONDS,
  };
  return async (ctx, text) => {
    const assertion = await checkAssertion(text, expected, { clock, logger });
    const { client } = ctx.oidc;
    const isItsClient = platform.workloads.some(
      ({ subject, clientId }) => subject === assertion.subject && clientId === client.clientId,
    );
    if (!isItsClient) throw new errors.InvalidGrant('assertion is not of this client');
    if (tenantOf(client) === undefined) {
      throw new errors.UnauthorizedClient('this client has no tenant to act in');
    }
    const { resource } = requestedResource(ctx, resources);
    const server = await describe(ctx, resource);
    const scopes = grantedScopes(
      ctx,
      server.scope.split(' ').filter((scope) => scope !== ''),
    );
    await answerWithToken(
      ctx,
      { accountId: undefined, gty: GRANTS.jwtBearer },
      { resource, server, scopes },
    );
  };
}
