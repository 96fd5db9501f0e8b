import type { JWTVerifyGetKey } from 'jose';
import type { TrustedIssuer } from '../../oauth/access-token.js';
import { LOCAL_ISSUER } from '../core/principal.js';

/**
 * Trusts an authorization server that runs in this process, such as the bundled one: its keys are asked for directly,
 * at every token, so that a rotation needs no restart, and what it revokes is refused at once. Its identities are named
 * `local` and carry a `tenant` claim.
 */
export function trustInProcess(authorization: {
  readonly issuer: string;
  readonly findKey: JWTVerifyGetKey;
  onRevocation(listener: () => Promise<void>): () => void;
}): TrustedIssuer {
  return {
    issuer: authorization.issuer,
    identity: LOCAL_ISSUER,
    keys: authorization.findKey,
    claims: { tenant: 'tenant' },
    onRevocation: (listener) => authorization.onRevocation(listener),
  };
}
