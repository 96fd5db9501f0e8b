import { decodeJwt } from 'jose';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import type { ConnectedApps } from '../people/connected-apps.js';
import type { EventSink } from '../people/events.js';
import type { AuthorizationStores } from '../ports.js';
import type { Federation } from './federation.js';
import { describeUpstreamFailure } from './upstream-client.js';
import { ownArtifact } from '../own-artifact.js';

const MODEL = 'LogoutToken';
const MAX_TOKEN_BYTES = 16 * 1024;

/** @returns whether the token was one of a provider of ours, new, and has been acted on */
export type BackchannelLogout = (token: string) => Promise<boolean>;

/** Ends a person's sessions here when their identity provider says that theirs there has ended. */
export function createBackchannelLogout(parts: {
  readonly federation: Federation;
  readonly stores: AuthorizationStores;
  readonly apps: ConnectedApps;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly record: EventSink;
}): BackchannelLogout {
  const { federation, stores, apps, clock, logger } = parts;
  return async (token) => {
    const issuer = readIssuer(token);
    const provider = federation.providers.find((candidate) => candidate.issuer === issuer);
    const client = provider === undefined ? undefined : federation.client(provider.id);
    if (provider === undefined || client === undefined) return false;
    try {
      const { subject, jti, expiresAt } = await client.readLogoutToken(token);
      const isNew = await remember(stores, clock, `${provider.issuer} ${jti}`, expiresAt);
      if (!isNew) return false;
      const known = await stores.identities.find({ issuer: provider.issuer, subject });
      // A person who was never here is signed out here.
      if (known === undefined) return true;
      await stores.users.endSessions(known.userId);
      if (provider.logoutEnds === 'everything') {
        await apps.disconnectAll(known.userId);
        await stores.upstreamTokens.delete(known.userId, provider.issuer);
      }
      await parts.record({
        kind: 'upstream-logout',
        outcome: 'ok',
        userId: known.userId,
        tenant: undefined,
        clientId: undefined,
        method: provider.id,
      });
      return true;
    } catch (error) {
      logger.warn('a logout token was refused', {
        provider: provider.id,
        reason: describeUpstreamFailure(error),
      });
      return false;
    }
  };
}

/** Only to find out whose it claims to be: nothing is believed before the signature. */
function readIssuer(token: string): string | undefined {
  if (token.length > MAX_TOKEN_BYTES) return undefined;
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

async function remember(
  { artifacts }: AuthorizationStores,
  clock: Clock,
  id: string,
  expiresAt: number,
): Promise<boolean> {
  const outcome = await artifacts.commit([
    {
      kind: 'insert',
      record: ownArtifact({
        model: MODEL,
        idHash: hashId(id),
        payload: '',
        expiresAt: expiresAt + 300,
        createdAt: nowSeconds(clock),
      }),
    },
  ]);
  return outcome.ok;
}
