/** How a caller proved who it is. `machine` is a client acting for itself (client credentials), never a person. */
export type AuthenticationMethod = 'api-key' | 'oauth' | 'machine';

/**
 * Who is calling. Made at the rim, in one place per transport, and all that the core sees of authentication.
 *
 * `issuer` is the stable name of the identity's source: the issuer URL of an external authorization server, or
 * `local` for identities of the bundled one (its URL may change; the people in it do not).
 */
export interface Principal {
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** OAuth client id, or `api-key:<key id>`. */
  readonly clientId: string;
  readonly method: AuthenticationMethod;
  /** Epoch seconds after which this principal is no longer valid; undefined when the credential does not expire. */
  readonly expiresAt: number | undefined;
  /** Names the credential to those who revoke; no secret. Undefined: only its expiry ends it. */
  readonly credentialId?: string | undefined;
  /** Names the key that the credential was signed with, where all that it signed can be revoked at once. */
  readonly signedWith?: string | undefined;
}

/** All that may be revoked to end what a principal began. */
export function revocableIdsOf(principal: Principal | undefined): readonly string[] {
  return [principal?.credentialId, principal?.signedWith].filter((id) => id !== undefined);
}

/** The issuer name of identities that the bundled authorization server keeps. */
export const LOCAL_ISSUER = 'local';

/** One string for a person or machine, whichever client it comes through: the binding of sessions and state. */
export function principalKey(principal: Pick<Principal, 'issuer' | 'subject'>): string {
  return JSON.stringify([principal.issuer, principal.subject]);
}

/** Whether two principals are the same identity (issuer and subject, compared exactly). */
export function isSameIdentity(
  a: Pick<Principal, 'issuer' | 'subject'>,
  b: Pick<Principal, 'issuer' | 'subject'>,
): boolean {
  return a.issuer === b.issuer && a.subject === b.subject;
}
