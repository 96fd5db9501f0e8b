import type { Clock } from '../../shared/clock.js';
import type { JsonObject } from '../../shared/json.js';
import type { Principal } from './principal.js';
import type { Schema } from './schema.js';
import type { Upstream } from './upstream.js';

/** The protocol era a request came in: `modern` is 2026-07-28 and later, `legacy` everything that initialises. */
export type Era = 'modern' | 'legacy';

/** The least grave first (RFC 5424 §6.2.1). */
export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** A question a tool puts to the person or the host in the middle of a call. Written once, answered in both eras. */
export type Question =
  | { readonly kind: 'form'; readonly message: string; readonly schema: Schema | JsonObject }
  | { readonly kind: 'url'; readonly message: string; readonly url: string }
  | { readonly kind: 'sampling'; readonly params: JsonObject }
  | { readonly kind: 'roots' };

/** The raw answer as the client gave it: untrusted. Elicitation answers carry `action` and perhaps `content`. */
export type Answer = JsonObject;

/** What a handler may know and do while it serves one request. */
export interface RequestContext {
  /** Undefined only on a server that was started without authentication (a fixture, never the catalog). */
  readonly principal: Principal | undefined;
  readonly era: Era;
  readonly clock: Clock;
  /** Aborted when the client cancels, disconnects (modern era) or a limit is reached. */
  readonly signal: AbortSignal;
  /** What the client declared it can do, for this request (modern) or at `initialize` (legacy). */
  readonly clientCapabilities: JsonObject;
  /**
   * Asks for input. The handler is run again from its start with the answers so far, so it must have no side effect
   * before its last question. Several questions in one object are put in one round.
   *
   * @throws a control-flow signal on the first run: let it pass
   */
  ask<Key extends string>(questions: Readonly<Record<Key, Question>>): Promise<Record<Key, Answer>>;
  /** Sends a log message to the client when it asked for that level; never to the operator's log. */
  log(level: LogLevel, data: unknown, logger?: string): Promise<void>;
}

export interface ToolContext extends RequestContext {
  /** Reports progress; does nothing unless the client sent a progress token. `progress` must grow. */
  progress(progress: number, total?: number, message?: string): Promise<void>;
  /**
   * Answers the caller with a task now, and goes on after that; for a tool whose `task` begins `in-handler`. Does nothing
   * where the call is no task, and when it has begun.
   */
  beginTask(): Promise<void>;
  /** Closes the call's SSE stream so that a legacy client reconnects and resumes; does nothing elsewhere. */
  closeStream(): void;
  /**
   * An API that the server's owner has configured, called with a credential of its own. The token that the caller showed
   * is never sent anywhere, and is not to be had here.
   *
   * @throws {TypeError} when none has that name
   */
  upstream(name: string): Upstream;
}
