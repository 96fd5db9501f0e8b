import { hashId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { EventLog } from '../../server/core/ports.js';
import { type SqlEngine, all, get, lock, run } from '../sql.js';

export interface EventLogOptions {
  /** Events kept per session. Default 1000. */
  readonly maxEventsPerSession?: number;
}

/** One statement, so that a number is free when it is taken, and nothing follows the last event of a stream. */
const APPEND = `
  INSERT INTO mcp_event (session_hash, event_no, stream_id, message, process_id, request_ids, is_last)
  SELECT CAST(? AS TEXT), (SELECT coalesce(max(event_no), 0) + 1 FROM mcp_event WHERE session_hash = ?),
    CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS INTEGER)
  WHERE NOT EXISTS (SELECT 1 FROM mcp_event WHERE session_hash = ? AND stream_id = ? AND is_last = 1)
  RETURNING event_no`;

/** Events of a session are numbered from 1, whichever process appends them. */
export function createEventLog(engine: SqlEngine, options: EventLogOptions = {}): EventLog {
  const { maxEventsPerSession = 1000 } = options;
  return {
    async append(sessionId, streamId, message, { call, isLast = false } = {}) {
      const session = hashId(sessionId);
      const eventNo = await engine.write(function* () {
        yield* lock(`events ${session}`);
        const row = yield* get<{ event_no: number }>(
          APPEND,
          session,
          session,
          streamId,
          JSON.stringify(message),
          call?.processId ?? null,
          call === undefined ? null : JSON.stringify(call.requestIds),
          isLast ? 1 : 0,
          session,
          streamId,
        );
        if (row === undefined) return undefined;
        if (row.event_no > maxEventsPerSession) {
          yield* run(
            'DELETE FROM mcp_event WHERE session_hash = ? AND event_no <= ?',
            session,
            row.event_no - maxEventsPerSession,
          );
        }
        return row.event_no;
      });
      return eventNo === undefined ? undefined : String(eventNo);
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
    async stateOf(sessionId, streamId) {
      const row = await engine.run(() =>
        get<{ process_id: string | null; request_ids: string | null; is_last: number }>(
          `SELECT process_id, request_ids, is_last FROM mcp_event
           WHERE session_hash = ? AND stream_id = ? ORDER BY event_no DESC LIMIT 1`,
          hashId(sessionId),
          streamId,
        ),
      );
      if (row === undefined) return undefined;
      const requestIds = JSON.parse(row.request_ids ?? '[]') as (string | number)[];
      const call = row.process_id === null ? undefined : { processId: row.process_id, requestIds };
      return { call, hasEnded: row.is_last === 1 };
    },
    async beat(processId) {
      await engine.run(() =>
        run(
          `INSERT INTO mcp_process (process_id, beat) VALUES (?, 1)
           ON CONFLICT (process_id) DO UPDATE SET beat = mcp_process.beat + 1`,
          processId,
        ),
      );
    },
    async leave(processId) {
      await engine.run(() => run('DELETE FROM mcp_process WHERE process_id = ?', processId));
    },
    async beats() {
      const rows = await engine.run(() =>
        all<{ process_id: string; beat: number }>('SELECT process_id, beat FROM mcp_process'),
      );
      return new Map(rows.map((row) => [row.process_id, row.beat]));
    },
  };
}

function parseEventId(eventId: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(eventId) ? Number(eventId) : undefined;
}
