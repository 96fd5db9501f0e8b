import type { Provider } from 'oidc-provider';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { Sealer } from '../../shared/sealing.js';
import { parseScope } from '../../oauth/scope.js';
import type { ConnectedApp } from '../pages/account-page.js';
import type { ArtifactRecord, AuthorizationStores } from '../ports.js';
import { type ResourceRegistry, scopeText } from '../resources.js';

const MAX_GRANTS = 500;
const MAX_TOKENS = 1000;
const MAX_APPS = 100;

/** The apps that may act for a person. */
export interface ConnectedApps {
  /** Newest login first. */
  list(userId: string, language: string): Promise<readonly ConnectedApp[]>;
  /** Ends every login of an app for a person, its tokens, and the consent. @returns whether there was one */
  disconnect(userId: string, clientId: string): Promise<boolean>;
  /** Ends every login of every app for a person. */
  disconnectAll(userId: string): Promise<void>;
  /** The name of a client, as it calls itself. */
  nameOf(clientId: string): Promise<string | undefined>;
}

export function createConnectedApps(parts: {
  readonly stores: AuthorizationStores;
  readonly resources: ResourceRegistry;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly provider: Provider;
}): ConnectedApps {
  const { stores, resources, sealer, clock, provider } = parts;
  const { artifacts, consents } = stores;

  const grantsOf = async (userId: string): Promise<readonly ArtifactRecord[]> => {
    const now = nowSeconds(clock);
    const grants = await artifacts.listByAccount('Grant', userId, MAX_GRANTS);
    return grants.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
  };

  const end = async (grants: readonly ArtifactRecord[]): Promise<void> => {
    // One transaction each: the locks of many grants at once would stop everybody else.
    for (const { idHash } of grants) {
      await artifacts.commit([{ kind: 'revokeGrant', grantHash: idHash }]);
    }
  };

  const nameOf = async (clientId: string): Promise<string | undefined> => {
    try {
      return (await provider.Client.find(clientId))?.clientName;
    } catch {
      // A client that is denied by now, or whose document cannot be had, can still be disconnected.
      return undefined;
    }
  };

  return {
    nameOf,
    async list(userId, language) {
      const now = nowSeconds(clock);
      const live = new Set<string>();
      for (const model of ['RefreshToken', 'AccessToken']) {
        for (const token of await artifacts.listByAccount(model, userId, MAX_TOKENS)) {
          const isLive = token.consumedAt === undefined && (token.expiresAt ?? now) >= now;
          if (isLive && token.grantHash !== undefined) live.add(token.grantHash);
        }
      }
      const byClient = new Map<string, { since: number; scopes: Map<string, string> }>();
      for (const grant of await grantsOf(userId)) {
        if (!live.has(grant.idHash) || grant.clientId === undefined) continue;
        const known = byClient.get(grant.clientId);
        const entry = known ?? { since: grant.createdAt, scopes: new Map<string, string>() };
        entry.since = Math.min(entry.since, grant.createdAt);
        for (const [resource, scopes] of resourceScopesOf(grant, sealer)) {
          for (const scope of scopes) {
            entry.scopes.set(scope, scopeText(resources.get(resource), scope, language));
          }
        }
        byClient.set(grant.clientId, entry);
      }
      const apps: ConnectedApp[] = [];
      for (const [clientId, { since, scopes }] of [...byClient].slice(0, MAX_APPS)) {
        const clientName = await nameOf(clientId);
        apps.push({ clientId, clientName, since, scopes: [...scopes.values()] });
      }
      return apps;
    },
    async disconnect(userId, clientId) {
      const own = (await grantsOf(userId)).filter((grant) => grant.clientId === clientId);
      await consents.deleteAllOf(userId, clientId);
      await end(own);
      return own.length > 0;
    },
    async disconnectAll(userId) {
      await end(await grantsOf(userId));
    },
  };
}

/** What a grant gives: its resources and their scopes. */
export function resourceScopesOf(
  { model, idHash, payload }: ArtifactRecord,
  sealer: Sealer,
): readonly (readonly [string, readonly string[]])[] {
  const opened = sealer.open(payload, `${model}:${idHash}`);
  const parsed = opened === undefined ? undefined : parseJson(opened);
  const content = parsed?.ok === true && isJsonObject(parsed.value) ? parsed.value : {};
  const resources = content['resources'];
  if (!isJsonObject(resources)) return [];
  return Object.entries(resources).map(([resource, scope]) => [
    resource,
    parseScope(typeof scope === 'string' ? scope : undefined),
  ]);
}
