import { type Clock, nowSeconds } from '../../shared/clock.js';
import { JSON_RPC } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { LogLevel } from '../core/context.js';
import type { Changes } from '../core/changes.js';
import type { MessageBus } from '../core/message-bus.js';
import type { EventLog, SessionRecord, SessionStore } from '../core/ports.js';
import { createPresence } from '../core/presence.js';
import { type Principal, isSameIdentity } from '../core/principal.js';
import {
  negotiateLegacyVersion,
  openLegacySession,
  resumeLegacySession,
} from '../mcp/legacy-session.js';
import type { MayHear } from '../mcp/modern.js';
import type { Replay, ServerFactory } from '../mcp/server-factory.js';
import type { SessionCall, SessionCallAnswer } from '../mcp/session-call.js';
import { type LiveSession, createLiveSessions } from './live-sessions.js';
import { rpcErrorResponse } from './rpc-error-response.js';
import { type ForeignMessages, foreignMessagesIn, remember } from './session-messages.js';
import { createSessionRelay } from './session-relay.js';
import { createSessionStreams } from './session-streams.js';

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly events: EventLog;
  /** To the other processes that serve the same sessions. */
  readonly bus: MessageBus;
  readonly changes: Changes;
  readonly mayHear: MayHear;
  readonly factory: ServerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A session that is not used for so long is gone. */
  readonly ttlSeconds: number;
  /** Sessions kept ready in this process; the longest idle ones are put away first, and resumed when needed. */
  readonly maxLive: number;
}

/**
 * The sessions of 2025-era clients. The stored record is the session; what this process holds is a copy that any
 * process can make anew.
 */
export interface Sessions {
  /** @param request - without a body: the parsed one is given beside it */
  handle(
    request: Request,
    body: unknown,
    principal: Principal | undefined,
    replay?: Replay,
  ): Promise<SessionAnswer>;
  /** @returns undefined when nothing was run: there is something about the session that {@link handle} has to judge */
  call(call: SessionCall, principal: Principal | undefined): Promise<SessionCallAnswer | undefined>;
  /** Ends a session that nobody may go on with: its streams close, its record is gone. */
  end(id: string): Promise<void>;
  /** How many this process keeps ready. */
  liveCount(): number;
  /** Puts away what is idle and deletes what has expired. */
  sweep(): Promise<void>;
  /** Settled when no call runs, those included whose clients have gone away for now. */
  idle(): Promise<void>;
  /** Ends the streams on which clients wait for news. */
  closeStreams(): void;
  /** Calls that still run are answered with an error. */
  close(): Promise<void>;
}

interface SessionAnswer {
  readonly response: Response;
  /** To be called when the response has gone out, or could not. */
  settle(): void;
}

// Longer than a person is given to answer a question.
const LIVE_IDLE_MS = 15 * 60_000;
const MAX_INITIALIZE_CHARS = 65_536;
// Extending a session at every request would be a write at every request.
const EXTEND_AFTER_SHARE = 0.1;
const SESSION_HEADER = 'mcp-session-id';
const SESSION_ID = /^[\x21-\x7e]{1,128}$/;
const SESSION_NOT_FOUND = -32001;
// Servers without authentication have one caller: nobody.
const NOBODY = { issuer: '', subject: '', clientId: '' };

export function createSessions(options: SessionsOptions): Sessions {
  const { store, clock, logger, ttlSeconds } = options;
  const live = createLiveSessions(clock, options.maxLive);
  const presence = createPresence(options.events, logger);
  const { processId } = presence;
  const waiting = new Map<number, (answer: JsonObject) => void>();
  const connection = { ...options, presence, waiting };
  const failed = (error: unknown): void => logger.error('a session could not be served', { error });

  const relay = createSessionRelay({
    bus: options.bus,
    processId,
    logger,
    onAnswered: () => void deliverAnswers().catch(failed),
    onNotified(sessionHash, notification) {
      live
        .find(sessionHash)
        ?.then(({ session }) => session.receive(notification))
        .catch(failed);
    },
    onEnded(sessionHash) {
      live
        .find(sessionHash)
        ?.then(({ id }) => drop(id))
        .catch(failed);
    },
    onListening(sessionHash, { isOurs, no }) {
      live
        .find(sessionHash)
        ?.then(({ id }) => (isOurs ? streams.settle(id, no) : streams.giveWay(id)))
        .catch(failed);
    },
  });
  const streams = createSessionStreams({
    ...options,
    processId,
    onListening: (id, streamNo) => relay.listening(id, streamNo),
  });

  const deliverAnswers = async (): Promise<void> => {
    for (const { requestId, answer } of await store.takeAnswers(processId)) {
      waiting.get(requestId)?.(answer);
    }
  };

  const drop = async (id: string): Promise<void> => {
    streams.close(id);
    await live.discard(id);
  };

  const end = async (id: string): Promise<void> => {
    await store.delete(id);
    relay.ended(id);
    await drop(id);
  };

  const open = async (
    request: Request,
    body: JsonObject,
    principal: Principal | undefined,
  ): Promise<Response> => {
    const params = isJsonObject(body['params']) ? body['params'] : {};
    if (JSON.stringify(params).length > MAX_INITIALIZE_CHARS) {
      const message = 'initialize params are too large';
      return rpcErrorResponse(400, JSON_RPC.invalidRequest, message, body['id']);
    }
    const now = nowSeconds(clock);
    const id = randomId();
    const { issuer, subject, clientId } = principal ?? NOBODY;
    // First the record: events refer to it, and the client must never hold an id that no process knows.
    await store.create({
      id,
      issuer,
      subject,
      clientId,
      protocolVersion: negotiateLegacyVersion(params['protocolVersion']),
      initializeParams: params,
      isInitialized: false,
      logLevel: undefined,
      createdAt: now,
      expiresAt: now + ttlSeconds,
    });
    const kept = await live.keep(id, openLegacySession({ ...connection, id }));
    const response = await kept.session.handle(request, body, principal);
    if (!response.ok) {
      await store.delete(id);
      await live.discard(id);
    }
    return response;
  };

  const resume = async (record: SessionRecord): Promise<LiveSession> => {
    const { id } = record;
    const kept = await (live.get(id) ??
      live.keep(id, resumeLegacySession(record, { ...connection, id })));
    // It may have been said to another process.
    kept.session.setLogLevel(record.logLevel as LogLevel | undefined);
    return kept;
  };

  const extend = async (record: SessionRecord, now: number): Promise<void> => {
    if (record.expiresAt - now < ttlSeconds * (1 - EXTEND_AFTER_SHARE)) {
      await store.update(record.id, { expiresAt: now + ttlSeconds });
    }
  };

  const passOn = async (id: string, foreign: ForeignMessages): Promise<void> => {
    for (const { requestId, answer } of foreign.answers) {
      const asking = await store.answer(id, requestId, answer);
      if (asking !== undefined) await relay.answered(asking);
    }
    for (const notification of foreign.notifications) await relay.notified(id, notification);
  };

  const serve = async (
    { id, session }: LiveSession,
    request: Request,
    body: unknown,
    principal: Principal | undefined,
    replay: Replay | undefined,
  ): Promise<Response> => {
    await remember(store, id, body, (uri) => options.mayHear(uri, principal));
    const foreign = foreignMessagesIn(body, {
      isWorkingOn: (requestId) => session.isWorkingOn(requestId),
      isAsking: (requestId) => waiting.has(requestId),
    });
    const response = await session.handle(request, body, principal, replay);
    if (response.ok) await passOn(id, foreign);
    if (request.method === 'DELETE' && response.ok) await end(id);
    return response;
  };

  return {
    async call(call, principal) {
      const now = nowSeconds(clock);
      const record = SESSION_ID.test(call.sessionId)
        ? await store.find(call.sessionId, now)
        : undefined;
      if (
        record === undefined ||
        !isSameIdentity(record, principal ?? NOBODY) ||
        !record.isInitialized ||
        record.protocolVersion !== call.protocolVersion
      ) {
        return undefined;
      }
      const kept = await resume(record);
      kept.active += 1;
      try {
        await extend(record, now);
        return await kept.session.call(call, principal);
      } finally {
        kept.active -= 1;
        kept.lastUsedMs = clock.nowMs();
      }
    },

    async handle(request, body, principal, replay) {
      const id = request.headers.get(SESSION_HEADER);
      if (id === null) {
        if (request.method === 'POST' && isJsonObject(body) && body['method'] === 'initialize') {
          return settled(await open(request, body, principal));
        }
        const message = 'Bad Request: the Mcp-Session-Id header is required';
        return settled(rpcErrorResponse(400, JSON_RPC.invalidRequest, message, idOf(body)));
      }
      const now = nowSeconds(clock);
      const record = SESSION_ID.test(id) ? await store.find(id, now) : undefined;
      if (record === undefined) await drop(id);
      // Somebody else's session is answered as one that does not exist: ids are no secret to be confirmed.
      if (record === undefined || !isSameIdentity(record, principal ?? NOBODY)) {
        return settled(rpcErrorResponse(404, SESSION_NOT_FOUND, 'Session not found', idOf(body)));
      }
      const kept = await resume(record);
      const settle = (): void => {
        kept.active -= 1;
        kept.lastUsedMs = clock.nowMs();
      };
      kept.active += 1;
      try {
        await extend(record, now);
        const response =
          request.method === 'GET'
            ? await streams.open(request, record, kept.session)
            : await serve(kept, request, body, principal, replay);
        return { response, settle };
      } catch (error) {
        settle();
        throw error;
      }
    },

    end,
    liveCount: () => live.size,
    idle: () => presence.idle(),
    closeStreams: () => streams.closeAll(),

    async sweep() {
      await live.putAway(LIVE_IDLE_MS);
      await store.deleteExpired(nowSeconds(clock));
      await streams.sweep();
    },

    async close() {
      streams.closeAll();
      await live.abandon();
      relay.close();
      await presence.close();
    },
  };
}

function settled(response: Response): SessionAnswer {
  return { response, settle: () => undefined };
}

function idOf(body: unknown): unknown {
  return isJsonObject(body) ? body['id'] : undefined;
}
