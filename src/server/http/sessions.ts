import type { Clock } from '../../shared/clock.js';
import { nowSeconds } from '../../shared/clock.js';
import { JSON_RPC } from '../../shared/errors.js';
import { randomId } from '../../shared/ids.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { LOG_LEVELS } from '../core/context.js';
import type { Change } from '../core/changes.js';
import type { EventLog, SessionRecord, SessionStore } from '../core/ports.js';
import { type Principal, isSameIdentity } from '../core/principal.js';
import {
  type LegacySession,
  negotiateLegacyVersion,
  openLegacySession,
  resumeLegacySession,
} from '../mcp/legacy-session.js';
import type { MayHear } from '../mcp/modern.js';
import type { Replay, ServerFactory } from '../mcp/server-factory.js';
import type { SessionCall, SessionCallAnswer } from '../mcp/session-call.js';

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly events: EventLog;
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
  announce(change: Change): void;
  /** Ends a session that nobody may go on with: its streams close, its record is gone. */
  end(id: string): Promise<void>;
  /** How many this process keeps ready. */
  liveCount(): number;
  /** Puts away what is idle and deletes what has expired. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

interface SessionAnswer {
  readonly response: Response;
  /** To be called when the response has gone out, or could not. */
  settle(): Promise<void>;
}

interface Live {
  readonly session: LegacySession;
  lastUsedMs: number;
  /** Requests and streams that are open. */
  active: number;
}

// Longer than a person is given to answer a question.
const LIVE_IDLE_MS = 15 * 60_000;
const MAX_INITIALIZE_CHARS = 65_536;
const MAX_SUBSCRIPTIONS = 1000;
// Extending a session at every request would be a write at every request.
const EXTEND_AFTER_SHARE = 0.1;
const SESSION_HEADER = 'mcp-session-id';
const SESSION_ID = /^[\x21-\x7e]{1,128}$/;
// Servers without authentication have one caller: nobody.
const NOBODY = { issuer: '', subject: '', clientId: '' };

export function createSessions(options: SessionsOptions): Sessions {
  const { store, clock, logger, ttlSeconds } = options;
  const live = new Map<string, Promise<Live>>();

  const keep = async (id: string, opening: Promise<LegacySession>): Promise<Live> => {
    const pending = opening.then((session) => ({ session, lastUsedMs: clock.nowMs(), active: 0 }));
    live.set(id, pending);
    pending.catch(() => live.delete(id));
    const kept = await pending;
    if (live.size > options.maxLive)
      await putAway(live, clock, { count: live.size - options.maxLive, idleMs: 0, except: id });
    return kept;
  };

  const open = async (
    request: Request,
    body: JsonObject,
    principal: Principal | undefined,
  ): Promise<Response> => {
    const params = isJsonObject(body['params']) ? body['params'] : {};
    if (JSON.stringify(params).length > MAX_INITIALIZE_CHARS) {
      return rpcError(400, JSON_RPC.invalidRequest, 'initialize params are too large', body['id']);
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
    const kept = await keep(id, openLegacySession({ ...options, id }));
    const response = await kept.session.handle(request, body, principal);
    if (!response.ok) {
      await store.delete(id);
      await discard(live, id);
    }
    return response;
  };

  const resume = async (record: SessionRecord): Promise<Live> => {
    const known = live.get(record.id);
    if (known !== undefined) return known;
    return keep(record.id, resumeLegacySession(record, { ...options, id: record.id }));
  };

  const extend = async (record: SessionRecord, now: number): Promise<void> => {
    if (record.expiresAt - now < ttlSeconds * (1 - EXTEND_AFTER_SHARE)) {
      await store.update(record.id, { expiresAt: now + ttlSeconds });
    }
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
        return settled(rpcError(400, JSON_RPC.invalidRequest, message, idOf(body)));
      }
      const now = nowSeconds(clock);
      const record = SESSION_ID.test(id) ? await store.find(id, now) : undefined;
      if (record === undefined) await discard(live, id);
      // Somebody else's session is answered as one that does not exist: ids are no secret to be confirmed.
      if (record === undefined || !isSameIdentity(record, principal ?? NOBODY)) {
        return settled(rpcError(404, SESSION_NOT_FOUND, 'Session not found', idOf(body)));
      }
      const kept = await resume(record);
      const settle = async (): Promise<void> => {
        kept.active -= 1;
        kept.lastUsedMs = clock.nowMs();
      };
      kept.active += 1;
      await extend(record, now);
      try {
        await remember(store, id, body, (uri) => options.mayHear(uri, principal));
        const response = await kept.session.handle(request, body, principal, replay);
        if (request.method === 'DELETE' && response.ok) {
          await store.delete(id);
          live.delete(id);
        }
        return { response, settle };
      } catch (error) {
        await settle();
        throw error;
      }
    },

    announce(change) {
      for (const pending of live.values()) {
        pending
          .then(({ session }) => session.announce(change))
          .catch((error: unknown) => logger.debug('a change was not announced', { error }));
      }
    },

    async end(id) {
      await store.delete(id);
      await discard(live, id);
    },

    liveCount: () => live.size,

    async sweep() {
      await putAway(live, clock, { count: live.size, idleMs: LIVE_IDLE_MS });
      await store.deleteExpired(nowSeconds(clock));
    },

    async close() {
      const all = [...live.values()];
      live.clear();
      await Promise.allSettled(all.map(async (pending) => (await pending).session.close()));
    },
  };
}

const SESSION_NOT_FOUND = -32001;

/** Writes down what a later process has to know of a message. */
async function remember(
  store: SessionStore,
  id: string,
  body: unknown,
  mayHear: (uri: string) => boolean,
): Promise<void> {
  if (!isJsonObject(body)) return;
  if (body['method'] === 'notifications/initialized') {
    await store.update(id, { isInitialized: true });
  }
  const params = body['params'];
  if (!isJsonObject(params)) return;
  const { level, uri } = params;
  if (body['method'] === 'logging/setLevel') {
    if (typeof level === 'string' && LOG_LEVELS.some((known) => known === level)) {
      await store.update(id, { logLevel: level });
    }
  } else if (body['method'] === 'resources/subscribe') {
    if (typeof uri === 'string' && mayHear(uri)) {
      await store.subscribe(id, uri, MAX_SUBSCRIPTIONS);
    }
  } else if (body['method'] === 'resources/unsubscribe') {
    if (typeof uri === 'string') await store.unsubscribe(id, uri);
  }
}

async function discard(live: Map<string, Promise<Live>>, id: string): Promise<void> {
  const pending = live.get(id);
  live.delete(id);
  const kept = await pending?.catch(() => undefined);
  await kept?.session.close();
}

/** Closes up to `count` sessions that nothing is open on and that were idle for `idleMs`, longest idle first. */
async function putAway(
  live: Map<string, Promise<Live>>,
  clock: Clock,
  options: { readonly count: number; readonly idleMs: number; readonly except?: string },
): Promise<void> {
  const before = clock.nowMs() - options.idleMs;
  const opened = await Promise.all(
    [...live].map(async ([id, pending]) => ({ id, kept: await pending.catch(() => undefined) })),
  );
  const idle = opened
    .filter(({ id }) => id !== options.except)
    .filter(({ kept }) => kept !== undefined && kept.active === 0 && kept.lastUsedMs <= before)
    .sort((a, b) => (a.kept?.lastUsedMs ?? 0) - (b.kept?.lastUsedMs ?? 0));
  for (const { id } of idle.slice(0, options.count)) await discard(live, id);
}

function settled(response: Response): SessionAnswer {
  return { response, settle: () => Promise.resolve() };
}

function idOf(body: unknown): unknown {
  return isJsonObject(body) ? body['id'] : undefined;
}

function rpcError(status: number, code: number, message: string, id: unknown): Response {
  const echoed = typeof id === 'string' || typeof id === 'number' ? id : null;
  return Response.json({ jsonrpc: '2.0', id: echoed, error: { code, message } }, { status });
}
