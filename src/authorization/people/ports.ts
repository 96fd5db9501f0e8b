import type { AuthorizationUser } from '../ports.js';

/** A person as an identity provider knows them. */
export interface Identity {
  /** Configured issuer of the provider; never what a token alone says. */
  readonly issuer: string;
  /** Stable id of the person there. */
  readonly subject: string;
}

export interface IdentityRecord extends Identity {
  readonly userId: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly lastUsedAt: number;
}

/** What an allow rule makes of a person. */
export type PersonProfile = Pick<AuthorizationUser, 'displayName' | 'tenant' | 'scopes'>;

export interface IdentityStore {
  find(identity: Identity): Promise<IdentityRecord | undefined>;
  listOf(userId: string): Promise<readonly IdentityRecord[]>;
  /**
   * The person of an identity: made with `newUserId` when the identity is new, else brought up to date. Whether the
   * person is disabled stays as it is. Two first sign-ins at once end with one person.
   */
  signIn(
    identity: Identity,
    profile: PersonProfile,
    newUserId: string,
    nowSeconds: number,
  ): Promise<AuthorizationUser>;
}

/** Tokens that a provider issued for a person. */
export interface UpstreamTokenRecord {
  readonly userId: string;
  readonly issuer: string;
  /** Sealed JSON; empty when the provider has refused to refresh them. */
  readonly tokens: string;
  /** Epoch seconds; undefined: the provider does not say, or never. */
  readonly expiresAt: number | undefined;
  /** One more with every change. */
  readonly version: number;
}

export interface UpstreamTokenStore {
  find(userId: string, issuer: string): Promise<UpstreamTokenRecord | undefined>;
  /** Stores the tokens of a new sign-in, in place of older ones; a refresh of those that is under way will not land. */
  save(record: Omit<UpstreamTokenRecord, 'version'>): Promise<void>;
  /**
   * Takes the right to refresh this version, until `leaseUntil`. @returns false when another process holds it, or the
   * tokens have changed
   */
  lease(
    record: UpstreamTokenRecord,
    lease: { readonly id: string; readonly nowSeconds: number; readonly until: number },
  ): Promise<boolean>;
  /** Stores what a refresh brought and ends the lease. @returns false when the lease or the version is not ours any more */
  replace(record: UpstreamTokenRecord, leaseId: string): Promise<boolean>;
  /** Ends the lease and leaves the tokens as they are. */
  release(userId: string, issuer: string, leaseId: string): Promise<void>;
  /** @returns whether they were there */
  delete(userId: string, issuer: string): Promise<boolean>;
}

export interface PasswordRecord {
  /** Normalised; one per person. */
  readonly userName: string;
  readonly userId: string;
  /** PHC string of Argon2id. */
  readonly passwordHash: string;
  /** Epoch seconds. */
  readonly changedAt: number;
}

export interface PasswordStore {
  find(userName: string): Promise<PasswordRecord | undefined>;
  /** In order of user name, at most `limit`. */
  list(limit: number): Promise<readonly PasswordRecord[]>;
  /** Makes a person with a password. @returns false when the user name is taken */
  create(user: AuthorizationUser, record: PasswordRecord): Promise<boolean>;
  /** Changes the password of `record.userName`. @returns whether there is one */
  change(record: Pick<PasswordRecord, 'userName' | 'passwordHash' | 'changedAt'>): Promise<boolean>;
}

/** How sign-in attempts for one key (an account, an address) are slowed down. */
export interface BackOff {
  /** Attempts that cost nothing. */
  readonly freeAttempts: number;
  /** Wait after the first that does; it doubles with each further one. */
  readonly firstWaitSeconds: number;
  readonly maxWaitSeconds: number;
  /** Without an attempt for this long, it starts anew. */
  readonly forgetAfterSeconds: number;
}

export interface SignInAttemptStore {
  /**
   * Counts an attempt before its outcome is known, so that attempts at once cannot slip past the limit.
   *
   * @returns 0 when it may go on, else the seconds to wait (then it was not counted)
   */
  begin(keyHash: string, backOff: BackOff, nowSeconds: number): Promise<number>;
  /** Takes back the attempt that was counted last: it turned out well. */
  forgive(keyHash: string): Promise<void>;
  /** Forgets the failures of a key. */
  reset(keyHash: string): Promise<void>;
  deleteExpired(nowSeconds: number): Promise<number>;
}
