import { errors } from 'oidc-provider';
import { accessTokenRowId } from '../../shared/credential-id.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { introspectsOf } from '../clients/configured-client.js';
import type { AuthorizationUserStore } from '../ports.js';
import type { SigningKeys } from '../keys/key-ring.js';
import { readOwnAccessToken } from '../token-verifier.js';
import {
  type GrantContext,
  requireConfidential,
  requiredParameter,
  textParameter,
} from './issue-token.js';
import type { UpstreamTokenSource } from './options.js';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export const TOKEN_EXCHANGE_PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'audience',
  'actor_token',
] as const;

/**
 * A resource server turns the token that a person's client showed it into the token of an upstream API for that person.
 * It has to prove who it is, and the token has to be one for it: alive, not revoked, of a person who may still sign in.
 *
 * @see RFC 8693
 */
export function tokenExchangeGrant(parts: {
  readonly issuer: string;
  readonly keys: SigningKeys;
  readonly users: AuthorizationUserStore;
  readonly upstream: UpstreamTokenSource;
  readonly clock: Clock;
}): (ctx: GrantContext) => Promise<void> {
  const { issuer, keys, users, upstream, clock } = parts;
  return async (ctx) => {
    requireConfidential(ctx);
    const subjectToken = requiredParameter(ctx, 'subject_token');
    if (requiredParameter(ctx, 'subject_token_type') !== ACCESS_TOKEN) {
      throw new errors.InvalidRequest('subject_token_type has to be that of an access token');
    }
    const wanted = textParameter(ctx, 'requested_token_type') ?? ACCESS_TOKEN;
    if (wanted !== ACCESS_TOKEN || textParameter(ctx, 'actor_token') !== undefined) {
      throw new errors.InvalidRequest('only an access token can be had, and without an actor');
    }
    const userId = await subjectOf(ctx, subjectToken);
    const audience = textParameter(ctx, 'audience');
    const token = await upstream.find({ userId, audience });
    if (token === undefined) {
      throw new errors.InvalidTarget('there is no token of that upstream for this person');
    }
    ctx.body = {
      access_token: token.accessToken,
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType ?? 'Bearer',
      ...(token.expiresAt === undefined
        ? {}
        : { expires_in: Math.max(0, token.expiresAt - nowSeconds(clock)) }),
      ...(token.scopes === undefined ? {} : { scope: token.scopes.join(' ') }),
    };
  };

  async function subjectOf(ctx: GrantContext, subjectToken: string): Promise<string> {
    const { provider, client } = ctx.oidc;
    // One answer for all that can be wrong: the caller holds a token that is of no use here.
    const refused = new errors.InvalidRequest('subject_token is not valid for this client');
    const claims = await readOwnAccessToken(subjectToken, issuer, keys.find);
    if (claims?.jti === undefined || typeof claims.aud !== 'string') throw refused;
    if (!introspectsOf(client).includes(claims.aud)) throw refused;
    // The row is gone when the token, its grant or its client was revoked.
    const row = await provider.AccessToken.find(accessTokenRowId(claims.jti));
    if (row?.isValid !== true || (claims.exp ?? 0) <= nowSeconds(clock)) throw refused;
    const user = await users.find(String(claims.sub));
    if (user === undefined || user.isDisabled) throw refused;
    return user.id;
  }
}
