import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Clock, nowSeconds } from '../shared/clock.js';
import { hashId } from '../shared/ids.js';
import type { Logger } from '../shared/logger.js';
import { ASSERTION_MODEL } from './grants/assertions.js';
import { ROUTES } from './locations.js';
import { LIFETIMES } from './options.js';
import type { ArtifactWrite, AuthorizationStores, CommitConflict } from './ports.js';
import { endFamily, findReplay, keepReplay, replayContext } from './refresh-replay.js';
import { type TokenUnit, collectWrites } from './token-unit.js';

export interface TokenTransactionOptions {
  readonly stores: AuthorizationStores;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The one place where a `/token` request is written: the engine runs first, with its writes collected; then all of
 * them and the sealed answer are committed in one transaction; then the answer goes out. A crash before the commit
 * leaves everything as it was; a crash after it loses only the answer, which the same request gets again.
 */
export function tokenTransaction(
  options: TokenTransactionOptions,
): (ctx: KoaContextWithOIDC, next: () => Promise<unknown>) => Promise<void> {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== ROUTES.token) {
      await next();
      return;
    }
    const unit = await collectWrites(next);
    try {
      await settle(ctx, unit, options);
    } catch (error) {
      options.logger.error('token request could not be stored', { error });
      answer(ctx, 500, JSON.stringify({ error: 'server_error' }));
    }
  };
}

async function settle(
  ctx: KoaContextWithOIDC,
  unit: TokenUnit,
  options: TokenTransactionOptions,
): Promise<void> {
  const { artifacts } = options.stores;
  if (unit.replay !== undefined) {
    answer(ctx, 200, unit.replay);
    return;
  }
  if (ctx.status !== 200) {
    // A refused request issues nothing and spends nothing, but a family that ended stays ended.
    const kept = unit.writes.filter((write) => isKeptOnError(write));
    if (kept.length > 0) await artifacts.commit(kept);
    return;
  }
  const response = JSON.stringify(ctx.body);
  const outcome = await artifacts.commit(successWrites(ctx, unit, response, options.clock));
  if (outcome.ok) answer(ctx, 200, response);
  else await resolveConflict(ctx, unit, outcome.error, options);
}

function isKeptOnError(write: ArtifactWrite): boolean {
  return write.kind === 'insert' || write.kind === 'destroy' || write.kind === 'revokeGrant';
}

function successWrites(
  ctx: KoaContextWithOIDC,
  unit: TokenUnit,
  response: string,
  clock: Clock,
): ArtifactWrite[] {
  const now = nowSeconds(clock);
  const writes = [...unit.writes];
  const { spentToken, successorHash } = unit;
  const grantHash =
    spentToken === undefined ? undefined : unit.seen.get(hashId(spentToken))?.grantHash;
  if (spentToken !== undefined && successorHash !== undefined && grantHash !== undefined) {
    const context = replayContext(ctx);
    const expiresAt = now + LIFETIMES.refreshReplay;
    writes.push(keepReplay({ spentToken, grantHash, successorHash, context, response, expiresAt }));
  }
  const clientId = ctx.oidc.client?.clientId;
  if (clientId !== undefined) {
    const expiresAt = now + LIFETIMES.usedClient;
    writes.push({ kind: 'touchClient', clientId, lastUsedAt: now, expiresAt });
  }
  return writes;
}

/** Another request was first, here or in another process. */
async function resolveConflict(
  ctx: KoaContextWithOIDC,
  unit: TokenUnit,
  conflict: CommitConflict,
  { stores: { artifacts }, clock, logger }: TokenTransactionOptions,
): Promise<void> {
  if (conflict.kind === 'insert' && conflict.model === ASSERTION_MODEL) {
    refuse(ctx, 400, 'invalid_grant', 'assertion was used before');
    return;
  }
  if (conflict.kind === 'insert') {
    refuse(ctx, 401, 'invalid_client', 'client assertion was used before');
    return;
  }
  if (conflict.model === 'RefreshToken' && unit.spentToken !== undefined) {
    const now = nowSeconds(clock);
    const replay = await findReplay(artifacts, unit.spentToken, replayContext(ctx), now);
    if (replay !== undefined) {
      answer(ctx, 200, replay);
      return;
    }
  }
  const record = unit.seen.get(conflict.idHash);
  if (record !== undefined) await artifacts.commit(endFamily(record));
  logger.warn('a grant was ended because its credential was used twice', {
    model: conflict.model,
    clientId: ctx.oidc.client?.clientId,
  });
  refuse(ctx, 400, 'invalid_grant', 'grant request is invalid');
}

function refuse(ctx: KoaContextWithOIDC, status: number, error: string, description: string): void {
  answer(ctx, status, JSON.stringify({ error, error_description: description }));
}

function answer(ctx: KoaContextWithOIDC, status: number, json: string): void {
  ctx.status = status;
  ctx.type = 'application/json';
  ctx.body = json;
  ctx.set('Cache-Control', 'no-store');
}
