import type { Logger } from '../../shared/logger.js';
import { type Principal, revocableIdsOf } from '../core/principal.js';
import type { Revocations } from '../core/revocations.js';

/** Which credential each legacy session of this process was used with last; its end is the end of the session. */
export interface SessionCredentials {
  note(sessionId: string, principal: Principal | undefined): void;
  close(): void;
}

const MAX_SESSIONS = 20_000;

/** @param end - closes the streams of a session and deletes it */
export function watchSessionCredentials(
  revocations: Revocations,
  end: (sessionId: string) => Promise<void>,
  logger: Logger,
): SessionCredentials {
  const sessions = new Map<string, readonly string[]>();
  const unsubscribe = revocations.subscribe((revoked) => {
    for (const [sessionId, credentialIds] of sessions) {
      if (!credentialIds.some((id) => revoked.has(id))) continue;
      sessions.delete(sessionId);
      end(sessionId).catch((error: unknown) => {
        logger.error('the session of a revoked credential was not ended', { error });
      });
    }
  });
  return {
    note(sessionId, principal) {
      const credentialIds = revocableIdsOf(principal);
      const [first] = credentialIds;
      if (first === undefined || sessions.get(sessionId)?.[0] === first) return;
      sessions.delete(sessionId);
      sessions.set(sessionId, credentialIds);
      // Forgotten is only that the session goes with the token: the token itself is refused all the same.
      if (sessions.size > MAX_SESSIONS) sessions.delete(String(sessions.keys().next().value));
    },
    close: unsubscribe,
  };
}
