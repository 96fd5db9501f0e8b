import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { ERROR_OF_TRANSPORT, rpcErrorResponse } from './rpc-error-response.js';
import type { Logger } from '../../shared/logger.js';
import type { Clock } from '../../shared/clock.js';
import type { Changes } from '../core/changes.js';
import type { EventLog, SessionRecord, SessionStore } from '../core/ports.js';
import { createPresenceWatch } from '../core/presence.js';
import {
  type ChangeStreams,
  createChangeStreams,
  parseChangeEventId,
} from '../mcp/change-streams.js';
import type { LegacySession } from '../mcp/legacy-session.js';
import { followStream } from '../mcp/stream-follower.js';

/** The streams that clients of sessions open with GET. */
export interface SessionStreams extends Pick<
  ChangeStreams,
  'close' | 'closeAll' | 'settle' | 'giveWay'
> {
  /** @param request - a GET */
  open(request: Request, record: SessionRecord, session: LegacySession): Promise<Response>;
  /** Forgets processes that have died. */
  sweep(): Promise<void>;
}

export interface SessionStreamsOptions {
  readonly store: SessionStore;
  readonly events: EventLog;
  readonly changes: Changes;
  readonly processId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The client of this session waits for news here from now on. */
  onListening(sessionId: string, streamNo: number): void;
}

export function createSessionStreams(options: SessionStreamsOptions): SessionStreams {
  const { events, processId, logger } = options;
  const news = createChangeStreams(options);
  const watch = createPresenceWatch(events, options.clock);

  const openNews = (
    record: SessionRecord,
    session: LegacySession,
    eventNo: number | undefined,
  ): Response => {
    const { id, protocolVersion } = record;
    const { capabilities } = session;
    const { response, streamNo } = news.open({ id, protocolVersion, capabilities }, eventNo);
    options.onListening(id, streamNo);
    return response;
  };

  return {
    async open(request, record, session) {
      const refusal = refusalOf(request);
      if (refusal !== undefined) return refusal;
      const eventId = request.headers.get('last-event-id') ?? '';
      const eventNo = parseChangeEventId(eventId);
      if (eventId === '' || eventNo !== undefined) return openNews(record, session, eventNo);
      const streamId = await events.streamOf(record.id, eventId);
      if (streamId === undefined) {
        return rpcErrorResponse(400, ERROR_OF_TRANSPORT, 'Bad Request: unknown Last-Event-ID');
      }
      if (session.isWriting(streamId)) return session.resume(request, streamId);
      const sessionId = record.id;
      return followStream({ sessionId, streamId, eventId, events, watch, processId, logger });
    },
    close: (sessionId) => news.close(sessionId),
    closeAll: () => news.closeAll(),
    settle: (sessionId, streamNo) => news.settle(sessionId, streamNo),
    giveWay: (sessionId) => news.giveWay(sessionId),
    sweep: () => watch.sweep(),
  };
}

/** What the SDK's transport checks of a GET. */
function refusalOf(request: Request): Response | undefined {
  if (request.headers.get('accept')?.includes('text/event-stream') !== true) {
    const message = 'Not Acceptable: Client must accept text/event-stream';
    return rpcErrorResponse(406, ERROR_OF_TRANSPORT, message);
  }
  const version = request.headers.get('mcp-protocol-version');
  if (version === null || SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return undefined;
  const supported = SUPPORTED_PROTOCOL_VERSIONS.join(', ');
  const message = `Bad Request: Unsupported protocol version: ${version} (supported versions: ${supported})`;
  return rpcErrorResponse(400, ERROR_OF_TRANSPORT, message);
}
