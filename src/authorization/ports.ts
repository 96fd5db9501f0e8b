import type { Result } from '../shared/result.js';
import type {
  IdentityStore,
  PasswordStore,
  SignInAttemptStore,
  UpstreamTokenStore,
} from './people/ports.js';

export type * from './people/ports.js';

/**
 * One protocol artifact: session, interaction, grant, code, refresh token, access token row. The store never sees a
 * bearer value: ids arrive hashed, payloads sealed.
 */
export interface ArtifactRecord {
  /** Kind of artifact, for example `RefreshToken`. */
  readonly model: string;
  readonly idHash: string;
  /** Sealed JSON. */
  readonly payload: string;
  /** The grant it belongs to: revoking the grant deletes it. */
  readonly grantHash: string | undefined;
  readonly uidHash: string | undefined;
  readonly userCodeHash: string | undefined;
  readonly clientId: string | undefined;
  readonly accountId: string | undefined;
  /** Epoch seconds; set once, by a `consume` write. */
  readonly consumedAt: number | undefined;
  /** Epoch seconds. */
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

/** The answer that a spent refresh token got, kept for a repeat of the same request. */
export interface RefreshReplay {
  /** Hash of the spent token. */
  readonly idHash: string;
  readonly grantHash: string;
  /** Hash of the refresh token that the answer holds. */
  readonly successorHash: string;
  /** Sealed under a key that only the spent token gives. */
  readonly response: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** One write of a unit. `insert` and `consume` can conflict; the others cannot. */
export type ArtifactWrite =
  | { readonly kind: 'upsert'; readonly record: ArtifactRecord }
  /** Conflicts when the artifact is already there. */
  | { readonly kind: 'insert'; readonly record: ArtifactRecord }
  /** Compare-and-set: conflicts when the artifact is consumed or gone. */
  | {
      readonly kind: 'consume';
      readonly model: string;
      readonly idHash: string;
      readonly consumedAt: number;
    }
  /** An access token is added to the revocation feed, in the same transaction. */
  | { readonly kind: 'destroy'; readonly model: string; readonly idHash: string }
  /**
   * Deletes every artifact of the grant, the grant itself and its kept answers. Its access tokens are added to the
   * revocation feed, in the same transaction.
   */
  | { readonly kind: 'revokeGrant'; readonly grantHash: string }
  | { readonly kind: 'keepReplay'; readonly replay: RefreshReplay }
  | {
      readonly kind: 'touchClient';
      readonly clientId: string;
      readonly lastUsedAt: number;
      readonly expiresAt: number;
    }
  /** Deletes every artifact of the client, its grants and their kept answers. */
  | { readonly kind: 'revokeClient'; readonly clientId: string };

export interface CommitConflict {
  readonly kind: 'insert' | 'consume';
  readonly model: string;
  readonly idHash: string;
}

export interface ArtifactStore {
  find(model: string, idHash: string): Promise<ArtifactRecord | undefined>;
  findByUid(model: string, uidHash: string): Promise<ArtifactRecord | undefined>;
  findByUserCode(model: string, userCodeHash: string): Promise<ArtifactRecord | undefined>;
  /** Newest first, at most `limit`. Expired ones may be among them. */
  listByAccount(
    model: string,
    accountId: string,
    limit: number,
  ): Promise<readonly ArtifactRecord[]>;
  /**
   * Newest first, at most `limit`, older than `before`. Expired ones may be among them. Not for requests: it may have to
   * look at all of a model.
   */
  list(
    model: string,
    filter: { readonly userId?: string | undefined; readonly clientId?: string | undefined },
    before: Pick<ArtifactRecord, 'createdAt' | 'idHash'> | undefined,
    limit: number,
  ): Promise<readonly ArtifactRecord[]>;
  /** What belongs to a grant, at most `limit`. */
  listByGrant(grantHash: string, limit: number): Promise<readonly ArtifactRecord[]>;
  findReplay(idHash: string): Promise<RefreshReplay | undefined>;
  /**
   * Applies all writes in order and in one transaction, or, on the first conflict, none of them. When it rejects,
   * nothing was written.
   */
  commit(writes: readonly ArtifactWrite[]): Promise<Result<undefined, CommitConflict>>;
  /** Deletes artifacts and kept answers that expired before `nowSeconds`. @returns how many artifacts */
  deleteExpired(nowSeconds: number): Promise<number>;
}

export interface ClientRecord {
  readonly clientId: string;
  /** Sealed JSON of the registered metadata, client secret included. */
  readonly metadata: string;
  /** How it came to be known. */
  readonly source: 'registered' | 'operator';
  /** Keyed hash of where a registration came from. */
  readonly registeredFrom: string | undefined;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  /** Epoch seconds; undefined: never. */
  readonly expiresAt: number | undefined;
}

export interface AuthorizationClientStore {
  /** @returns undefined when unknown or expired at `nowSeconds` */
  find(clientId: string, nowSeconds: number): Promise<ClientRecord | undefined>;
  /**
   * Stores a client. One with the same id gets the new metadata and the later expiry, and keeps its dates. With
   * `maxRegistered` clients of source `registered` there, the expired ones go first, then those that were never used,
   * the oldest of the source that has most of them.
   *
   * @returns false when there is still no room
   */
  save(
    record: ClientRecord,
    limits: { readonly maxRegistered: number; readonly nowSeconds: number },
  ): Promise<boolean>;
  /** Newest first, expired ones left out. */
  list(options: {
    readonly source?: ClientRecord['source'];
    readonly nowSeconds: number;
    readonly limit: number;
  }): Promise<readonly ClientRecord[]>;
  /** @returns whether it was there */
  delete(clientId: string): Promise<boolean>;
  count(): Promise<number>;
  deleteExpired(nowSeconds: number): Promise<number>;
}

/** A client metadata document as it was last fetched, or why it could not be. */
export interface ClientDocumentRecord {
  /** The URL of the document. */
  readonly clientId: string;
  /** JSON of what is used of it; undefined: never fetched well. */
  readonly document: string | undefined;
  /** When the document was fetched, epoch seconds. */
  readonly fetchedAt: number | undefined;
  /** Not fetched again before this, whatever came of the last time. */
  readonly freshUntil: number;
  /** What was wrong the last time. */
  readonly problem: string | undefined;
  readonly expiresAt: number;
}

export interface ClientDocumentStore {
  find(clientId: string): Promise<ClientDocumentRecord | undefined>;
  /** Stores a record in place of the last one. Over `maxRecords` those that expire first go. */
  save(record: ClientDocumentRecord, maxRecords: number): Promise<void>;
  deleteExpired(nowSeconds: number): Promise<number>;
}

export interface SigningKeyRecord {
  readonly kid: string;
  readonly algorithm: string;
  /** Sealed private JWK; empty once the key is removed. */
  readonly privateJwk: string;
  /** Epoch seconds, all of them. */
  readonly createdAt: number;
  /** Signs from here on. */
  readonly activateAt: number;
  /** Verifies only from here on; undefined: not planned. */
  readonly retireAt: number | undefined;
  /** Unpublished from here on; undefined: not planned. */
  readonly removeAt: number | undefined;
}

export interface SigningKeyStore {
  /** Oldest first, removed ones included. */
  list(): Promise<readonly SigningKeyRecord[]>;
  /**
   * Stores a key, unless the keys of its algorithm are others than the caller knows: of processes that decide at the
   * same time, one makes the key.
   *
   * @returns whether this key was stored
   */
  insert(record: SigningKeyRecord, knownKids: readonly string[]): Promise<boolean>;
  /**
   * Unpublishes a key now, destroys its private part, and adds it to the revocation feed until `refusedUntil`: what it
   * signed is refused from then on.
   *
   * @returns false when there is none, or it was removed before
   */
  remove(
    kid: string,
    times: { readonly nowSeconds: number; readonly refusedUntil: number },
  ): Promise<boolean>;
  /** Destroys the private parts of keys whose time ended before `endedBefore`, and deletes those from before `deleteBefore`. */
  tidy(times: { readonly endedBefore: number; readonly deleteBefore: number }): Promise<void>;
}

/** Where values are that the master secret seals. */
export type SealedPlace = 'artifact' | 'client' | 'signing-key' | 'upstream-token';

export interface SealedValue {
  /** What the row is found by, in the order of its columns. */
  readonly key: readonly [string] | readonly [string, string];
  /** Empty where there is nothing sealed. */
  readonly sealed: string;
}

/** Everything that is sealed under the master secret, for the change of it. */
export interface SealedValueStore {
  /** In order of key, those after `after`, at most `limit`. */
  list(
    place: SealedPlace,
    after: SealedValue['key'] | undefined,
    limit: number,
  ): Promise<readonly SealedValue[]>;
  /** Stores values sealed anew, each unless its row has changed meanwhile. @returns how many were stored */
  replace(
    place: SealedPlace,
    values: readonly (SealedValue & { readonly resealed: string })[],
  ): Promise<number>;
}

/** A person who may sign in. */
export interface AuthorizationUser {
  /** The `sub` of the tokens. */
  readonly id: string;
  readonly displayName: string;
  readonly tenant: string;
  /** What this person may grant to a client. */
  readonly scopes: readonly string[];
  /** A disabled person can neither sign in nor have a token refreshed. */
  readonly isDisabled: boolean;
}

export interface AuthorizationUserStore {
  find(id: string): Promise<AuthorizationUser | undefined>;
  /** In order of display name, at most `limit`. */
  list(limit: number): Promise<readonly AuthorizationUser[]>;
  upsert(user: AuthorizationUser): Promise<void>;
  /** Ends every browser session of a person. Grants stay. */
  endSessions(id: string): Promise<void>;
  /**
   * Deletes a person with everything that is theirs here: sessions, grants and tokens, consents, password, identities
   * and upstream tokens.
   *
   * @returns whether there was one
   */
  remove(id: string): Promise<boolean>;
}

/** What a person has allowed a client once. */
export interface ConsentRecord {
  readonly userId: string;
  readonly clientId: string;
  /** Canonical resource. */
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Changes when the client's name or redirect URIs do: then the consent no longer counts. */
  readonly clientFingerprint: string;
  /** Epoch seconds. */
  readonly grantedAt: number;
}

export interface ConsentStore {
  find(userId: string, clientId: string, resource: string): Promise<ConsentRecord | undefined>;
  save(record: ConsentRecord): Promise<void>;
  /** @returns whether it was there */
  delete(userId: string, clientId: string, resource: string): Promise<boolean>;
  /** Forgets everything that a person allowed a client. */
  deleteAllOf(userId: string, clientId: string): Promise<void>;
}

export interface CounterStore {
  /**
   * Adds one and returns the count in the running window; a window starts with the first count after the last ended.
   */
  increment(
    name: string,
    windowSeconds: number,
    nowSeconds: number,
  ): Promise<{ readonly count: number; readonly resetsAt: number }>;
  /** @returns the count in the running window; 0 when none is running */
  read(name: string, nowSeconds: number): Promise<number>;
  deleteExpired(nowSeconds: number): Promise<number>;
}

/** Everything the authorization server keeps. One database behind all of it. */
export interface AuthorizationStores {
  readonly artifacts: ArtifactStore;
  readonly clients: AuthorizationClientStore;
  readonly clientDocuments: ClientDocumentStore;
  readonly signingKeys: SigningKeyStore;
  readonly sealedValues: SealedValueStore;
  readonly users: AuthorizationUserStore;
  readonly consents: ConsentStore;
  readonly counters: CounterStore;
  readonly identities: IdentityStore;
  readonly upstreamTokens: UpstreamTokenStore;
  readonly passwords: PasswordStore;
  readonly signInAttempts: SignInAttemptStore;
}
