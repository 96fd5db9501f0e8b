import { type Clock, nowSeconds } from '../shared/clock.js';
import { randomId } from '../shared/ids.js';
import type { CredentialStore } from './credential-store.js';
import { LoginRequiredError, RefreshFailedError } from './errors.js';
import { type Grant, type SpendIntent, grantKey } from './grant.js';
import { ownIdentity } from './store/process-identity.js';
import type { TokenResponse } from './token-endpoint.js';

/**
 * The right to send one refresh token once. It is on disk before the request goes out, so that after a crash everyone
 * knows that the token may be spent. Only made while the refresh lock of the grant is held.
 */
export interface RefreshTicket {
  readonly grant: Grant;
  readonly refreshToken: string;
  /** Stores the answer. When the grant was replaced or removed meanwhile the answer is not stored. */
  commit(
    tokens: TokenResponse,
  ): Promise<{ readonly stored: boolean; readonly grant: Grant | undefined }>;
  /** The token is certainly not spent: the next one may try. */
  giveBack(): Promise<void>;
  /** The server ended the grant. */
  end(reason: string): Promise<void>;
}

/**
 * @throws {LoginRequiredError} when an earlier refresh was interrupted and the server would take a second try for theft
 */
export async function openRefreshTicket(
  store: CredentialStore,
  clock: Clock,
  grant: Grant,
): Promise<RefreshTicket> {
  const key = grantKey(grant);
  const { refreshToken } = grant;
  if (refreshToken === undefined) {
    throw new LoginRequiredError(
      grant.serverUrl,
      'the access token ended and there is no refresh token',
    );
  }
  const endWith = async (
    reason: string,
    isExpected: (current: Grant) => boolean,
  ): Promise<void> => {
    const at = nowSeconds(clock);
    await store.swapGrant(key, isExpected, (current) => {
      const { accessToken: _a, refreshToken: _r, intent: _i, ...rest } = current;
      return { ...rest, ended: { reason, at } };
    });
  };

  if (grant.intent !== undefined && !isRepeatSafe(grant, grant.intent, clock)) {
    const reason =
      'a refresh was interrupted before its answer was stored, and this server takes a second try for a stolen token';
    await endWith(reason, (current) => current.version === grant.version);
    throw new LoginRequiredError(grant.serverUrl, reason);
  }
  const intent: SpendIntent = {
    id: randomId(12),
    owner: await ownIdentity(),
    // The window of the server counts from the first try.
    startedAtMs: grant.intent?.startedAtMs ?? clock.nowMs(),
  };
  const written = await store.swapGrant(
    key,
    (current) => current.version === grant.version,
    (current) => ({ ...current, intent }),
  );
  if (!written.swapped || written.grant === undefined) {
    throw new RefreshFailedError(
      'the stored login changed while it was being refreshed: try again',
    );
  }
  const isOurs = (current: Grant): boolean => current.intent?.id === intent.id;

  return {
    grant: written.grant,
    refreshToken,
    async commit(tokens) {
      const { swapped, grant: current } = await store.swapGrant(key, isOurs, (before) =>
        withTokens(before, tokens, nowSeconds(clock)),
      );
      return { stored: swapped, grant: current };
    },
    async giveBack() {
      await store.swapGrant(key, isOurs, ({ intent: _intent, ...rest }) => rest);
    },
    end: (reason) => endWith(reason, isOurs),
  };
}

/** The same grant with the tokens of an answer. A refresh token that was not replaced stays (RFC 6749 §6). */
export function withTokens(
  grant: Omit<Grant, 'version'>,
  tokens: TokenResponse,
  now: number,
): Omit<Grant, 'version'> {
  const { intent: _intent, ended: _ended, expiresAt: _expiresAt, ...rest } = grant;
  return {
    ...rest,
    accessToken: tokens.accessToken,
    ...(tokens.expiresIn !== undefined && { expiresAt: now + tokens.expiresIn }),
    ...(tokens.refreshToken !== undefined && { refreshToken: tokens.refreshToken }),
    scopes: tokens.scopes ?? grant.scopes,
    obtainedAt: now,
  };
}

function isRepeatSafe(grant: Grant, intent: SpendIntent, clock: Clock): boolean {
  const window = grant.endpoints.refreshReplaySeconds;
  if (window === undefined) return false;
  // A margin for the way there: a request that leaves inside the window must arrive inside it.
  return clock.nowMs() - intent.startedAtMs < (window - Math.min(10, window / 4)) * 1000;
}
