import { hashId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { EventLog } from '../../server/core/ports.js';
import { type SqlEngine, all, get, lock, run } from '../sql.js';

export interface EventLogOptions {
  /** Events kept per session. Default 1000. */
  readonly maxEventsPerSession?: number;
}

/** Events of a session are numbered from 1, whichever process appends them. */
export function createEventLog(engine: SqlEngine, options: EventLogOptions = {}): EventLog {
  const { maxEventsPerSession = 1000 } = options;
  return {
    async append(sessionId, streamId, message) {
      const session = hashId(sessionId);
      const eventNo = await engine.write(function* () {
        yield* lock(`events ${session}`);
        const row = yield* get<{ next: number }>(
          'SELECT coalesce(max(event_no), 0) + 1 AS next FROM mcp_event WHERE session_hash = ?',
          session,
        );
        const next = row?.next ?? 1;
        yield* run(
          'INSERT INTO mcp_event (session_hash, event_no, stream_id, message) VALUES (?, ?, ?, ?)',
          session,
          next,
          streamId,
          JSON.stringify(message),
        );
        yield* run(
          'DELETE FROM mcp_event WHERE session_hash = ? AND event_no <= ?',
          session,
          next - maxEventsPerSession,
        );
        return next;
      });
      return String(eventNo);
    },
    async streamOf(sessionId, eventId) {
      const eventNo = parseEventId(eventId);
      if (eventNo === undefined) return undefined;
      const row = await engine.run(() =>
        get<{ stream_id: string }>(
          'SELECT stream_id FROM mcp_event WHERE session_hash = ? AND event_no = ?',
          hashId(sessionId),
          eventNo,
        ),
      );
      return row?.stream_id;
    },
    async after(sessionId, eventId, limit) {
      const eventNo = parseEventId(eventId);
      if (eventNo === undefined) return [];
      const rows = await engine.run(() =>
        all<{ event_no: number; message: string }>(
          `SELECT later.event_no, later.message FROM mcp_event AS known
             JOIN mcp_event AS later ON later.session_hash = known.session_hash
               AND later.stream_id = known.stream_id AND later.event_no > known.event_no
           WHERE known.session_hash = ? AND known.event_no = ?
           ORDER BY later.event_no LIMIT ?`,
          hashId(sessionId),
          eventNo,
          limit,
        ),
      );
      return rows.map((row) => ({
        eventId: String(row.event_no),
        message: JSON.parse(row.message) as JsonObject,
      }));
    },
  };
}

function parseEventId(eventId: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(eventId) ? Number(eventId) : undefined;
}
