import { type Clock, nowSeconds } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { Result } from '../../shared/result.js';
import type { Principal } from '../core/principal.js';
import { type RevocationFeed, createRevocations } from '../core/revocations.js';

export interface WatchCredentialOptions {
  readonly credential?: Result<Principal, { readonly message: string }> | undefined;
  readonly revocations?: RevocationFeed;
  readonly credentialAdvice?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The credential of a connection that lasts longer than one request: it may end on the way. */
export interface WatchedCredential {
  /** Why it is not good now; undefined when it is, or when none is needed. */
  readonly refusal: () => string | undefined;
  close(): void;
}

export function watchCredential(options: WatchCredentialOptions): WatchedCredential {
  const {
    credential,
    clock,
    logger,
    credentialAdvice: advice = 'give one that is valid',
  } = options;
  if (credential?.ok !== true) {
    const message = credential?.error.message;
    return { refusal: () => message, close: () => undefined };
  }
  const { expiresAt, credentialId } = credential.value;
  const revocations =
    options.revocations === undefined || credentialId === undefined
      ? undefined
      : createRevocations({ feed: options.revocations, clock, logger });
  return {
    refusal() {
      if (revocations?.isRevoked(credentialId) === true) {
        return `the credential of this connection was revoked: ${advice}`;
      }
      if (expiresAt !== undefined && expiresAt <= nowSeconds(clock)) {
        return `the credential of this connection has expired: ${advice}`;
      }
      return undefined;
    },
    close: () => revocations?.close(),
  };
}
