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
    changes: Partial<Pick<SessionRecord, 'isInitialized' | 'logLevel' | 'expiresAt'>>,
  ): Promise<void>;
  /** Deletes the session with its events, questions and subscriptions. @returns whether it was there */
  delete(id: string): Promise<boolean>;
  /** @returns how many sessions were removed, with all that is theirs */
  deleteExpired(nowSeconds: number): Promise<number>;
  /** Does nothing when the session subscribes already. At most `limit` are kept: the oldest go first. */
  subscribe(id: string, uri: string, limit: number): Promise<void>;
  unsubscribe(id: string, uri: string): Promise<void>;
  /** @returns which of these sessions subscribe to which of these resources */
  subscriptionsAmong(
    uris: readonly string[],
    ids: readonly string[],
  ): Promise<readonly { readonly id: string; readonly uri: string }[]>;
  /** Notes a request to the client of a session: its answer may come to any process. */
  ask(id: string, question: SessionQuestion): Promise<void>;
  /** Keeps the answer until the process that asked takes it. @returns that process; undefined when nobody asks (any more) */
  answer(id: string, requestId: number, answer: JsonObject): Promise<string | undefined>;
  /** Removes the answered questions of a process and returns them. */
  takeAnswers(processId: string): Promise<readonly SessionAnswer[]>;
  /** Nobody waits for these answers any more. */
  withdraw(requestIds: readonly number[]): Promise<void>;
}

/** A JSON-RPC request of the server's that the client of a session has to answer. */
export interface SessionQuestion {
  /** Its JSON-RPC id: a random number, so that no two processes use the same. */
  readonly requestId: number;
  /** Where the call runs that needs the answer. It has to have a beat: see {@link EventLog.beat}. */
  readonly processId: string;
}

export interface SessionAnswer {
  readonly requestId: number;
  /** The JSON-RPC response as it came. */
  readonly answer: JsonObject;
}

/** The POST whose answers a stream carries, and where it is worked on. */
export interface StreamCall {
  readonly processId: string;
  readonly requestIds: readonly (string | number)[];
}

export interface StoredEvent {
  readonly eventId: string;
  readonly message: JsonObject;
}

/** How far a stream has got. */
export interface StreamState {
  /** Undefined when it carries no call's answers. */
  readonly call: StreamCall | undefined;
  /** Nothing will be added. */
  readonly hasEnded: boolean;
}

/**
 * The resumable streams of legacy sessions. Event ids are unique within a session and grow with time. A log keeps a
 * bounded number of events per session: the oldest go first.
 *
 * Streams belong to the process that works on their call. Such a process has a beat; what belongs to one without, or
 * to one whose beat does not grow, gets no more events.
 */
export interface EventLog {
  /**
   * @param options.call - what the stream is for. Undefined when it carries no answers
   * @param options.isLast - ends the stream
   * @returns the event's id; undefined when the stream has ended before: nothing is added then
   */
  append(
    sessionId: string,
    streamId: string,
    message: JsonObject,
    options?: { readonly call?: StreamCall | undefined; readonly isLast?: boolean },
  ): Promise<string | undefined>;
  /** @returns undefined when the session has no such event */
  streamOf(sessionId: string, eventId: string): Promise<string | undefined>;
  /** The events after `eventId` on its own stream, oldest first, at most `limit`. */
  after(sessionId: string, eventId: string, limit: number): Promise<readonly StoredEvent[]>;
  /** @returns undefined when the session has no such stream */
  stateOf(sessionId: string, streamId: string): Promise<StreamState | undefined>;
  /** Makes the beat of this process grow. */
  beat(processId: string): Promise<void>;
  /** The process works on no call any more: ends its beat and withdraws its questions. */
  leave(processId: string): Promise<void>;
  /** The beat of every process that works on calls, or died over it. */
  beats(): Promise<ReadonlyMap<string, number>>;
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
