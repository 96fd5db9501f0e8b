import { type TokenEndpointGrantContext, errors } from 'oidc-provider';
import { formatScope, parseScope } from '../../oauth/scope.js';
import type { ResourceServer } from 'oidc-provider';
import type { ProtectedResource, ResourceRegistry } from '../resources.js';

export type GrantContext = TokenEndpointGrantContext;

/** What the engine has to know of a resource for a token of it. */
export type DescribeResource = (ctx: GrantContext, resource: string) => Promise<ResourceServer>;

/** Parameters of a request for a token of one resource. */
export const RESOURCE_PARAMETERS = ['scope', 'resource'] as const;

/** A parameter that may be there once, as text. */
export function textParameter(ctx: GrantContext, name: string): string | undefined {
  const value = ctx.oidc.params[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** @throws {errors.InvalidRequest} when it is missing */
export function requiredParameter(ctx: GrantContext, name: string): string {
  const value = textParameter(ctx, name);
  if (value === undefined) throw new errors.InvalidRequest(`missing parameter ${name}`);
  return value;
}

/** The resource of a request; the gateway has written it in its canonical form already. */
export function requestedResource(
  ctx: GrantContext,
  resources: ResourceRegistry,
): ProtectedResource {
  const requested = textParameter(ctx, 'resource');
  const found = requested === undefined ? resources.fallback : resources.get(requested);
  if (found === undefined) throw new errors.InvalidTarget('resource is not known here');
  return found;
}

/** @throws {errors.UnauthorizedClient} when the client does not prove who it is */
export function requireConfidential(ctx: GrantContext): void {
  if (ctx.oidc.client.clientAuthMethod === 'none') {
    throw new errors.UnauthorizedClient('this grant is for clients that authenticate');
  }
}

/**
 * The scopes of a token: what was asked for, or, when nothing was, all that may be had.
 *
 * @throws {errors.InvalidScope} when something else was asked for, or nothing is left
 */
export function grantedScopes(ctx: GrantContext, allowed: readonly string[]): readonly string[] {
  const asked = parseScope(textParameter(ctx, 'scope'));
  const refused = asked.filter((scope) => !allowed.includes(scope));
  if (refused.length > 0) {
    throw new errors.InvalidScope('scope is not allowed for this client', refused.join(' '));
  }
  if (allowed.length === 0)
    throw new errors.InvalidScope('no scope is allowed for this client', '');
  return asked.length > 0 ? asked : allowed;
}

/**
 * Issues an access token without a refresh token, and answers with it.
 *
 * @param principal.accountId - the person; undefined: the client acts for itself
 */
export async function answerWithToken(
  ctx: GrantContext,
  principal: { readonly accountId: string | undefined; readonly gty: string },
  target: {
    readonly resource: string;
    readonly server: ResourceServer;
    readonly scopes: readonly string[];
    /** At most this, in seconds. Default: what the resource says. */
    readonly maxTtlSeconds?: number;
  },
): Promise<void> {
  const { provider, client } = ctx.oidc;
  const { accountId, gty } = principal;
  const scope = formatScope(target.scopes);
  const ttl = Math.min(
    target.server.accessTokenTTL ?? Number.POSITIVE_INFINITY,
    target.maxTtlSeconds ?? Number.POSITIVE_INFINITY,
  );
  const lifetime = Number.isFinite(ttl) ? { expiresIn: ttl } : {};
  const token =
    accountId === undefined
      ? new provider.ClientCredentials({ client, scope, ...lifetime })
      : new provider.AccessToken({ client, accountId, scope, gty, ...lifetime } as never);
  token.resourceServer = new provider.ResourceServer(target.resource, target.server);
  const value = await token.save();
  ctx.body = {
    access_token: value,
    token_type: 'Bearer',
    expires_in: token.expiration,
    scope,
  };
}
