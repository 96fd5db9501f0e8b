import { errors } from 'oidc-provider';
import { tenantOf } from '../clients/configured-client.js';
import { GRANTS } from '../metadata.js';
import type { ResourceRegistry } from '../resources.js';
import {
  type DescribeResource,
  type GrantContext,
  answerWithToken,
  grantedScopes,
  requestedResource,
  requireConfidential,
} from './issue-token.js';

/**
 * A client acts for itself: it gets at most the scopes of its record, in the tenant of its record, and no refresh token.
 *
 * @see RFC 6749 §4.4
 */
export function clientCredentialsGrant(parts: {
  readonly resources: ResourceRegistry;
  readonly describe: DescribeResource;
}): (ctx: GrantContext) => Promise<void> {
  return async (ctx) => {
    requireConfidential(ctx);
    if (tenantOf(ctx.oidc.client) === undefined) {
      throw new errors.UnauthorizedClient('this client has no tenant to act in');
    }
    const { resource } = requestedResource(ctx, parts.resources);
    const server = await parts.describe(ctx, resource);
    const scopes = grantedScopes(
      ctx,
      server.scope.split(' ').filter((scope) => scope !== ''),
    );
    await answerWithToken(
      ctx,
      { accountId: undefined, gty: GRANTS.clientCredentials },
      { resource, server, scopes },
    );
  };
}
