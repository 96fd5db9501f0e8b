import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import { type Result, err, ok } from '../../shared/result.js';
import { type Sealer, type SealingSecret, createSealer } from '../../shared/sealing.js';
import type { UpstreamTokenRecord, UpstreamTokenStore } from '../ports.js';
import {
  type UpstreamClient,
  type UpstreamTokens,
  describeUpstreamFailure,
  isRefusal,
} from './upstream-client.js';

/** Refreshed this long before the end, so that it lasts for the call it is for. */
const EARLY_SECONDS = 60;
/** Longer than the time limit of the request: a lease outlives its holder only when that died. */
const LEASE_SECONDS = 30;
const WAIT_STEP_MS = 150;
const MAX_WAITS = 200;

/**
 * Why there is no token: never kept; over, and the provider gave no refresh token; refused by the provider, so that the
 * person has to sign in; or not now.
 */
export type UpstreamTokenFailure = 'none' | 'expired' | 'ended' | 'unavailable';

/** In place of tokens that the provider has refused to refresh. */
const ENDED = '';

/** The tokens of providers that are configured to keep them. Sealed at rest, refreshed by one process at a time. */
export interface UpstreamTokenVault {
  keep(userId: string, issuer: string, tokens: UpstreamTokens): Promise<void>;
  /** A token that is good for at least a minute, where the provider says how long it is. */
  fresh(
    userId: string,
    client: UpstreamClient,
  ): Promise<Result<UpstreamTokens, UpstreamTokenFailure>>;
  /** Gives the tokens back to the provider and forgets them. */
  end(userId: string, client: UpstreamClient): Promise<void>;
}

/** What the seal of upstream tokens is made for. */
export const UPSTREAM_TOKEN_SEAL = 'authorization:upstream-token';

export function createUpstreamTokenVault(parts: {
  readonly store: UpstreamTokenStore;
  readonly masterSecret: SealingSecret;
  readonly clock: Clock;
  readonly logger: Logger;
}): UpstreamTokenVault {
  const { store, clock, logger } = parts;
  const sealer = createSealer(parts.masterSecret, UPSTREAM_TOKEN_SEAL);
  const running = new Map<string, Promise<Result<UpstreamTokens, UpstreamTokenFailure>>>();

  const refresh = async (
    record: UpstreamTokenRecord,
    tokens: UpstreamTokens,
    client: UpstreamClient,
    leaseId: string,
  ): Promise<Result<UpstreamTokens, UpstreamTokenFailure>> => {
    const { userId, issuer } = record;
    try {
      const renewed = await client.refresh(tokens);
      await store.replace(toRecord(sealer, userId, issuer, renewed, record.version), leaseId);
      return ok(renewed);
    } catch (error) {
      logger.warn('upstream tokens could not be refreshed', {
        provider: client.provider.id,
        userId,
        reason: describeUpstreamFailure(error),
      });
      if (!isRefusal(error)) {
        await store.release(userId, issuer, leaseId);
        return err('unavailable');
      }
      await store.replace({ ...record, tokens: ENDED, expiresAt: undefined }, leaseId);
      return err('ended');
    }
  };

  const load = async (
    userId: string,
    client: UpstreamClient,
  ): Promise<Result<UpstreamTokens, UpstreamTokenFailure>> => {
    const { issuer } = client.provider;
    // Another process may be refreshing: what it brings is waited for, never asked for a second time.
    for (let wait = 0; wait < MAX_WAITS; wait++) {
      const record = await store.find(userId, issuer);
      if (record === undefined) return err('none');
      if (record.tokens === ENDED) return err('ended');
      const tokens = open(sealer, record);
      if (tokens === undefined) return err('none');
      const now = nowSeconds(clock);
      if (record.expiresAt === undefined || record.expiresAt - EARLY_SECONDS > now)
        return ok(tokens);
      if (tokens.refreshToken === undefined) return err('expired');
      const id = randomId(16);
      const lease = { id, nowSeconds: now, until: now + LEASE_SECONDS };
      if (await store.lease(record, lease)) return refresh(record, tokens, client, id);
      await delay(WAIT_STEP_MS);
    }
    return err('unavailable');
  };

  return {
    async keep(userId, issuer, tokens) {
      await store.save(toRecord(sealer, userId, issuer, tokens, 0));
    },
    fresh(userId, client) {
      const key = JSON.stringify([userId, client.provider.issuer]);
      const known = running.get(key);
      if (known !== undefined) return known;
      const work = load(userId, client).finally(() => running.delete(key));
      running.set(key, work);
      return work;
    },
    async end(userId, client) {
      const { issuer, id } = client.provider;
      const record = await store.find(userId, issuer);
      const tokens =
        record === undefined || record.tokens === ENDED ? undefined : open(sealer, record);
      await store.delete(userId, issuer);
      if (tokens === undefined) return;
      await client.revoke(tokens).catch((error: unknown) => {
        logger.warn('upstream tokens could not be given back', {
          provider: id,
          userId,
          reason: describeUpstreamFailure(error),
        });
      });
    },
  };
}

/** A row moved to another person or provider does not open. */
function contextOf(userId: string, issuer: string): string {
  return JSON.stringify([userId, issuer]);
}

function toRecord(
  sealer: Sealer,
  userId: string,
  issuer: string,
  tokens: UpstreamTokens,
  version: number,
): UpstreamTokenRecord {
  const { expiresAt } = tokens;
  const sealed = sealer.seal(JSON.stringify(tokens), contextOf(userId, issuer));
  return { userId, issuer, tokens: sealed, expiresAt, version };
}

function open(sealer: Sealer, record: UpstreamTokenRecord): UpstreamTokens | undefined {
  const opened = sealer.open(record.tokens, contextOf(record.userId, record.issuer));
  if (opened === undefined) return undefined;
  const kept = JSON.parse(opened) as Partial<UpstreamTokens> & { readonly accessToken: string };
  return {
    accessToken: kept.accessToken,
    refreshToken: kept.refreshToken,
    idToken: kept.idToken,
    scope: kept.scope,
    expiresAt: record.expiresAt,
  };
}
