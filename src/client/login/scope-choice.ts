import type { Challenge } from '../../oauth/challenge.js';
import { formatScope, parseScope, unionScopes } from '../../oauth/scope.js';
import type { Discovered } from '../discovery.js';

/**
 * What to ask for: what the user says, else what the challenge says, else everything that the resource lists, else
 * nothing (the parameter is left out). What was held before is kept on a step-up. `offline_access` is added where the
 * authorization server lists it.
 *
 * @see MCP 2026-07-28 authorization, scope selection strategy; SEP-2350
 */
export function chooseScope(
  discovered: Discovered,
  wanted: {
    readonly explicit?: readonly string[] | undefined;
    readonly challenge?: Challenge | undefined;
    /** Scopes to keep: those of the grant that is stepped up. */
    readonly held?: readonly string[] | undefined;
  },
): string | undefined {
  const challenged = parseScope(wanted.challenge?.params['scope']);
  const listed = discovered.resourceMetadata.scopesSupported;
  const base = [wanted.explicit ?? [], challenged, listed].find((scopes) => scopes.length > 0);
  const scopes = unionScopes(wanted.held ?? [], base ?? []);
  if (scopes.length === 0) return undefined;
  const canBeOffline = discovered.authorizationServer.scopesSupported.includes('offline_access');
  return formatScope(canBeOffline ? [...scopes, 'offline_access'] : scopes);
}
