import type { UpstreamTokenSource } from '../grants/options.js';
import type { Federation } from './federation.js';

/**
 * The kept tokens of identity providers, for token exchange by resource servers.
 *
 * @returns undefined when no provider keeps any
 */
export function upstreamTokenSource(federation: Federation): UpstreamTokenSource | undefined {
  if (!federation.providers.some(({ keepTokens }) => keepTokens === true)) return undefined;
  return {
    async find({ userId, audience }) {
      // A person comes from one provider: another one's name gets nothing.
      const provider = await federation.providerOf(userId);
      if (provider === undefined || (audience !== undefined && audience !== provider.id)) {
        return undefined;
      }
      const found = await federation.tokenOf(userId, provider.id);
      if (!found.ok) return undefined;
      const { accessToken, scope, expiresAt } = found.value;
      return {
        accessToken,
        ...(scope === undefined ? {} : { scopes: scope.split(' ') }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      };
    },
  };
}
