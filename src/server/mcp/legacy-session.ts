import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
  type ServerCapabilities,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { LogLevel } from '../core/context.js';
import type { SessionRecord } from '../core/ports.js';
import type { Principal } from '../core/principal.js';
import { type Replay, Replays, type ServerFactory, toAuthInfo } from './server-factory.js';
import { type SessionCall, type SessionCallAnswer, SessionCalls } from './session-call.js';
import { SessionTransport, type SessionTransportOptions } from './session-transport.js';

/** A 2025-era session as this process serves it. Closing it loses nothing: the record can be taken up again. */
export interface LegacySession {
  /** @param request - POST or DELETE, without a body: the parsed one is given beside it */
  handle(
    request: Request,
    body: unknown,
    principal: Principal | undefined,
    replay?: Replay,
  ): Promise<Response>;
  /** Runs a plain call without the transport. Its replay, if there is one, belongs into {@link handle}. */
  call(call: SessionCall, principal: Principal | undefined): Promise<SessionCallAnswer>;
  readonly capabilities: ServerCapabilities;
  /** Whether a call runs, also one whose client has gone away for now. */
  readonly isBusy: boolean;
  isWorkingOn(requestId: unknown): boolean;
  /** Whether this process writes the stream, so that it can be gone on with here. */
  isWriting(streamId: string): boolean;
  /** @param request - GET with the `Last-Event-ID` of a stream that {@link isWriting} */
  resume(request: Request, streamId: string): Promise<Response>;
  /** The lowest level that the client wants to hear, when it has said so. */
  setLogLevel(level: LogLevel | undefined): void;
  /** A notification of the client that came to another process. */
  receive(notification: JsonObject): Promise<void>;
  /** Answers what still runs with an error: the process ends. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}

export interface LegacySessionOptions extends SessionTransportOptions {
  readonly factory: ServerFactory;
}

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
  const { session, transport } = await connect(options);
  transport.isMuted = true;
  await playBack(session, {
    jsonrpc: '2.0',
    id: 'resume',
    method: 'initialize',
    params: { ...record.initializeParams, protocolVersion: record.protocolVersion },
  });
  if (record.isInitialized) {
    await playBack(session, { jsonrpc: '2.0', method: 'notifications/initialized' }, record);
  }
  transport.isMuted = false;
  return session;
}

async function connect(
  options: LegacySessionOptions,
): Promise<{ readonly session: LegacySession; readonly transport: SessionTransport }> {
  const transport = new SessionTransport(options);
  const replays = new Replays();
  const calls = new SessionCalls();
  const instance = options.factory({ era: 'legacy' }, replays.take);
  await instance.mcp.connect(transport);
  transport.translateInbound();
  const noteCancellation = async ({ method, params }: JsonObject): Promise<void> => {
    if (method !== 'notifications/cancelled' || !isJsonObject(params)) return;
    calls.cancel(params['requestId']);
    await transport.cancelled(params['requestId']);
  };
  const session: LegacySession = {
    capabilities: instance.mcp.server.getCapabilities(),
    get isBusy() {
      return transport.isBusy || calls.isBusy;
    },
    isWorkingOn: (requestId) => transport.isWorkingOn(requestId) || calls.isRunning(requestId),
    isWriting: (streamId) => transport.isWriting(streamId),
    async resume(request, streamId) {
      transport.letGo(streamId);
      return transport.handleRequest(request);
    },
    setLogLevel: (level) => instance.setLogLevel(level),
    async handle(request, body, principal, replay) {
      replays.give(request, replay);
      const authInfo = toAuthInfo(principal);
      const response = await transport.post(request, body, {
        ...(body !== undefined && { parsedBody: body }),
        ...(authInfo !== undefined && { authInfo }),
      });
      for (const message of Array.isArray(body) ? body : [body]) {
        if (isJsonObject(message)) await noteCancellation(message);
      }
      return response;
    },
    async receive(notification) {
      transport.onmessage?.(notification as never);
      await noteCancellation(notification);
    },
    call: (call, principal) => calls.run(instance, call, principal),
    abandon: () => transport.abandon(),
    async close() {
      calls.close();
      await instance.mcp.close();
    },
  };
  return { session, transport };
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
