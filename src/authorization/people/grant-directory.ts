import { type Clock, nowSeconds } from '../../shared/clock.js';
import { type SealingSecret, createSealer } from '../../shared/sealing.js';
import { CLIENT_SEAL } from '../clients/client-directory.js';
import type { ArtifactRecord, ArtifactStore, ConsentStore } from '../ports.js';
import { resourceScopesOf } from './connected-apps.js';

/** What one login of a person gave a client. */
export interface StoredGrant {
  readonly id: string;
  readonly userId: string | undefined;
  readonly clientId: string | undefined;
  /** Epoch seconds, all of them. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** When the client got a token last; undefined: it has none any more. */
  readonly lastUsedAt: number | undefined;
  /** Refresh tokens that are good. */
  readonly refreshTokens: number;
  readonly accessTokens: number;
  readonly resources: readonly { readonly resource: string; readonly scopes: readonly string[] }[];
}

export interface GrantFilter {
  readonly userId?: string | undefined;
  readonly clientId?: string | undefined;
}

/** The grants in the store, for their operator. */
export interface GrantDirectory {
  /** Live ones, newest first, at most `limit`. */
  list(filter: GrantFilter, limit: number): Promise<readonly StoredGrant[]>;
  find(id: string): Promise<StoredGrant | undefined>;
  /**
   * Ends grants with their tokens; sessions and streams that they opened end within 5 s, in every process. With a user
   * and a client in the filter, the person is asked again at the next login too.
   *
   * @returns the ids of those that were ended
   */
  revoke(
    which: { readonly id: string } | (GrantFilter & { readonly id?: undefined }),
  ): Promise<readonly string[]>;
}

const PREFIX = 'grant-';
const PAGE = 200;
const MAX_TOKENS = 1000;

export function createGrantDirectory(parts: {
  readonly artifacts: ArtifactStore;
  readonly consents: ConsentStore;
  readonly masterSecret: SealingSecret;
  readonly clock: Clock;
}): GrantDirectory {
  const { artifacts, consents, clock } = parts;
  const sealer = createSealer(parts.masterSecret, CLIENT_SEAL);

  const describe = async (grant: ArtifactRecord): Promise<StoredGrant> => {
    const now = nowSeconds(clock);
    const tokens = await artifacts.listByGrant(grant.idHash, MAX_TOKENS);
    const isLive = ({ consumedAt, expiresAt }: ArtifactRecord) =>
      consumedAt === undefined && (expiresAt ?? now) >= now;
    const count = (model: string) =>
      tokens.filter((token) => token.model === model && isLive(token)).length;
    const used = tokens.filter(({ model }) => ['RefreshToken', 'AccessToken'].includes(model));
    return {
      id: `${PREFIX}${grant.idHash}`,
      userId: grant.accountId,
      clientId: grant.clientId,
      createdAt: grant.createdAt,
      expiresAt: grant.expiresAt,
      lastUsedAt:
        used.length === 0 ? undefined : Math.max(...used.map(({ createdAt }) => createdAt)),
      refreshTokens: count('RefreshToken'),
      accessTokens: count('AccessToken'),
      resources: resourceScopesOf(grant, sealer).map(([resource, scopes]) => ({
        resource,
        scopes,
      })),
    };
  };

  const findRecord = async (id: string): Promise<ArtifactRecord | undefined> =>
    id.startsWith(PREFIX) ? artifacts.find('Grant', id.slice(PREFIX.length)) : undefined;

  const end = (idHash: string) => artifacts.commit([{ kind: 'revokeGrant', grantHash: idHash }]);

  return {
    async list(filter, limit) {
      const now = nowSeconds(clock);
      const records = await artifacts.list('Grant', filter, undefined, limit);
      const live = records.filter(({ expiresAt }) => (expiresAt ?? now) >= now);
      const grants: StoredGrant[] = [];
      for (const record of live) grants.push(await describe(record));
      return grants;
    },
    async find(id) {
      const record = await findRecord(id);
      return record === undefined ? undefined : describe(record);
    },
    async revoke(which) {
      if (which.id !== undefined) {
        const record = await findRecord(which.id);
        if (record === undefined) return [];
        await end(record.idHash);
        return [which.id];
      }
      const { userId, clientId } = which;
      if (userId !== undefined && clientId !== undefined) {
        await consents.deleteAllOf(userId, clientId);
      }
      const ended: string[] = [];
      // Pages go backwards in time: what is granted meanwhile stays.
      let before: ArtifactRecord | undefined;
      for (;;) {
        const records = await artifacts.list('Grant', which, before, PAGE);
        for (const { idHash } of records) {
          await end(idHash);
          ended.push(`${PREFIX}${idHash}`);
        }
        before = records.at(-1);
        if (records.length < PAGE || before === undefined) return ended;
      }
    },
  };
}
