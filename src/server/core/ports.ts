import type { JsonObject } from '../../shared/json.js';

/** A legacy session (MCP 2025-11-25 and older) as it is stored: any process can take it up. */
export interface SessionRecord {
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  readonly protocolVersion: string;
  /** The params of the `initialize` request: client info and capabilities. */
  readonly initializeParams: JsonObject;
  /** Whether `notifications/initialized` has come. */
  readonly isInitialized: boolean;
  readonly logLevel: string | undefined;
  /** Resource URIs the client subscribed to. */
  readonly subscriptions: readonly string[];
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Keeps session records. Ids are stored hashed: they are unguessable, but they do not belong in a dump. */
export interface SessionStore {
  create(record: SessionRecord): Promise<void>;
  /** @returns undefined when unknown, deleted or expired at `nowSeconds` */
  find(id: string, nowSeconds: number): Promise<SessionRecord | undefined>;
  update(
    id: string,
    changes: Partial<
      Pick<SessionRecord, 'isInitialized' | 'logLevel' | 'subscriptions' | 'expiresAt'>
    >,
  ): Promise<void>;
  /** Deletes the session and its events. @returns whether it was there */
  delete(id: string): Promise<boolean>;
  /** @returns how many sessions were removed, with their events */
  deleteExpired(nowSeconds: number): Promise<number>;
}

export interface StoredEvent {
  readonly eventId: string;
  readonly message: JsonObject;
}

/**
 * The resumable streams of legacy sessions. Event ids are unique within a session and grow with time. A log keeps a
 * bounded number of events per session: the oldest go first.
 */
export interface EventLog {
  append(sessionId: string, streamId: string, message: JsonObject): Promise<string>;
  /** @returns undefined when the session has no such event */
  streamOf(sessionId: string, eventId: string): Promise<string | undefined>;
  /** The events after `eventId` on its own stream, oldest first, at most `limit`. */
  after(sessionId: string, eventId: string, limit: number): Promise<readonly StoredEvent[]>;
}

export interface ApiKeyRecord {
  /** Public part of the key; names it in lists and audit rows. */
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

/** Keeps API keys. Only the SHA-256 of a key is stored. */
export interface ApiKeyStore {
  create(record: ApiKeyRecord, keyHash: string): Promise<void>;
  findByHash(keyHash: string): Promise<ApiKeyRecord | undefined>;
  list(): Promise<readonly ApiKeyRecord[]>;
  /** @returns whether a key that was not yet revoked is so now */
  revoke(id: string, nowSeconds: number): Promise<boolean>;
  /** Revokes every live key of that name. @returns how many */
  revokeByName(name: string, nowSeconds: number): Promise<number>;
  markUsed(id: string, nowSeconds: number): Promise<void>;
}

export type { AuditLog, AuditOutcome, AuditRow } from './audit.js';
