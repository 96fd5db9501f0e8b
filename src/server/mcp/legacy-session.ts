import {
  type EventStore,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { Change } from '../core/changes.js';
import type { EventLog, SessionRecord } from '../core/ports.js';
import type { Principal } from '../core/principal.js';
import { type Replay, Replays, type ServerFactory, toAuthInfo } from './server-factory.js';
import { type SessionCall, type SessionCallAnswer, SessionCalls } from './session-call.js';

/** A 2025-era session as this process serves it. Closing it loses nothing: the record can be taken up again. */
export interface LegacySession {
  /** @param request - without a body: the parsed one is given beside it */
  handle(
    request: Request,
    body: unknown,
    principal: Principal | undefined,
    replay?: Replay,
  ): Promise<Response>;
  /** Runs a plain call without the transport. Its replay, if there is one, belongs into {@link handle}. */
  call(call: SessionCall, principal: Principal | undefined): Promise<SessionCallAnswer>;
  /** Tells the client of a change, if it is one that it hears of. */
  announce(change: Change): Promise<void>;
  readonly subscriptions: ReadonlySet<string>;
  close(): Promise<void>;
}

export interface LegacySessionOptions {
  readonly id: string;
  readonly events: EventLog;
  readonly factory: ServerFactory;
  readonly logger: Logger;
}

// How long a client waits before it reconnects to a stream that was closed early (SSE `retry`).
const RETRY_MS = 500;
// How the SDK's transport names that stream to its event store.
const STANDALONE_STREAM_ID = '_GET_stream';
const MAX_REPLAYED_EVENTS = 1000;

/** The version an `initialize` is answered with: the one asked for if it is served, else the latest before 2026-07-28. */
export function negotiateLegacyVersion(requested: unknown): string {
  return (
    SUPPORTED_PROTOCOL_VERSIONS.find((version) => version === requested) ?? LATEST_PROTOCOL_VERSION
  );
}

/** A session that has not seen its `initialize` yet: the first request given to it has to be one. */
export async function openLegacySession(options: LegacySessionOptions): Promise<LegacySession> {
  return (await connect(options)).session;
}

/** Takes up a stored session in this process by playing its opening once more, out of the client's sight. */
export async function resumeLegacySession(
  record: SessionRecord,
  options: LegacySessionOptions,
): Promise<LegacySession> {
  const { session, store } = await connect(options);
  store.isMuted = true;
  await playBack(session, {
    jsonrpc: '2.0',
    id: 'resume',
    method: 'initialize',
    params: { ...record.initializeParams, protocolVersion: record.protocolVersion },
  });
  if (record.isInitialized) {
    await playBack(session, { jsonrpc: '2.0', method: 'notifications/initialized' }, record);
  }
  if (record.logLevel !== undefined) {
    const params = { level: record.logLevel };
    await playBack(
      session,
      { jsonrpc: '2.0', id: 'resume-level', method: 'logging/setLevel', params },
      record,
    );
  }
  store.isMuted = false;
  return session;
}

interface Connected {
  readonly session: LegacySession;
  readonly store: SessionEventStore;
}

async function connect(options: LegacySessionOptions): Promise<Connected> {
  const store = new SessionEventStore(options.id, options.events);
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => options.id,
    eventStore: store,
    retryInterval: RETRY_MS,
  });
  const replays = new Replays();
  const calls = new SessionCalls();
  const instance = options.factory({ era: 'legacy' }, replays.take);
  const { server } = instance.mcp;
  await instance.mcp.connect(transport);
  const session: LegacySession = {
    subscriptions: instance.subscriptions,
    async handle(request, body, principal, replay) {
      replays.give(request, replay);
      if (isJsonObject(body) && body['method'] === 'notifications/cancelled') {
        const params = body['params'];
        if (isJsonObject(params)) calls.cancel(params['requestId']);
      }
      if (await isStandaloneStream(request, store)) transport.closeStandaloneSSEStream();
      const authInfo = toAuthInfo(principal);
      return transport.handleRequest(request, {
        ...(body !== undefined && { parsedBody: body }),
        ...(authInfo !== undefined && { authInfo }),
      });
    },
    async announce(change) {
      const { tools, prompts, resources } = server.getCapabilities();
      switch (change.kind) {
        case 'tools':
          return tools === undefined ? undefined : server.sendToolListChanged();
        case 'prompts':
          return prompts === undefined ? undefined : server.sendPromptListChanged();
        case 'resources':
          return resources === undefined ? undefined : server.sendResourceListChanged();
        case 'resource':
          if (!instance.subscriptions.has(change.uri)) return undefined;
          return server.sendResourceUpdated({ uri: change.uri });
      }
    },
    call: (call, principal) => calls.run(instance, call, principal),
    async close() {
      calls.close();
      await instance.mcp.close();
    },
  };
  return { session, store };
}

/**
 * Whether a client opens the session's own stream (again). The newest wins: the one before is most often a connection
 * that died without a word, and a refusal would keep the client out until that is noticed.
 */
async function isStandaloneStream(request: Request, store: SessionEventStore): Promise<boolean> {
  if (request.method !== 'GET') return false;
  const lastEventId = request.headers.get('last-event-id');
  return (
    lastEventId === null ||
    (await store.getStreamIdForEventId(lastEventId)) === STANDALONE_STREAM_ID
  );
}

/** @param record - given after `initialize`, when the transport expects the headers of an open session */
async function playBack(
  session: LegacySession,
  message: JsonObject,
  record?: SessionRecord,
): Promise<void> {
  const request = new Request('http://localhost/', {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(record !== undefined && {
        'mcp-session-id': record.id,
        'mcp-protocol-version': record.protocolVersion,
      }),
    },
  });
  const response = await session.handle(request, message, undefined);
  await response.text();
  if (!response.ok)
    throw new TypeError(`a stored session could not be resumed: ${response.status}`);
}

/** The SDK's event store over our log. An empty message is a priming event: it gives a client its first event id. */
class SessionEventStore implements EventStore {
  isMuted = false;
  readonly #sessionId: string;
  readonly #events: EventLog;

  constructor(sessionId: string, events: EventLog) {
    this.#sessionId = sessionId;
    this.#events = events;
  }

  async storeEvent(streamId: string, message: object): Promise<string> {
    if (this.isMuted) return '0';
    return (await this.#events.append(this.#sessionId, streamId, message as JsonObject)) ?? '0';
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return this.#events.streamOf(this.#sessionId, eventId);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: Parameters<EventStore['replayEventsAfter']>[1],
  ): Promise<string> {
    const events = await this.#events.after(this.#sessionId, lastEventId, MAX_REPLAYED_EVENTS);
    for (const { eventId, message } of events) {
      if (Object.keys(message).length > 0) await send(eventId, message as never);
    }
    return (await this.getStreamIdForEventId(lastEventId)) ?? '';
  }
}
