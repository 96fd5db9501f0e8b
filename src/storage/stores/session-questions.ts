import { hashId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { SessionStore } from '../../server/core/ports.js';
import { type SqlEngine, all, get, run } from '../sql.js';

/** The part of {@link SessionStore} that keeps what clients of sessions are asked. */
export function createSessionQuestions(
  engine: SqlEngine,
): Pick<SessionStore, 'ask' | 'answer' | 'takeAnswers' | 'withdraw'> {
  return {
    async ask(id, { requestId, processId }) {
      await engine.run(() =>
        run(
          'INSERT INTO mcp_question (request_id, session_hash, process_id) VALUES (?, ?, ?)',
          requestId,
          hashId(id),
          processId,
        ),
      );
    },
    async answer(id, requestId, answer) {
      const row = await engine.run(() =>
        get<{ process_id: string }>(
          `UPDATE mcp_question SET answer = ?
           WHERE request_id = ? AND session_hash = ? AND answer IS NULL RETURNING process_id`,
          JSON.stringify(answer),
          requestId,
          hashId(id),
        ),
      );
      return row?.process_id;
    },
    async takeAnswers(processId) {
      const rows = await engine.run(() =>
        all<{ request_id: number; answer: string }>(
          `DELETE FROM mcp_question WHERE process_id = ? AND answer IS NOT NULL
           RETURNING request_id, answer`,
          processId,
        ),
      );
      return rows.map((row) => ({
        requestId: row.request_id,
        answer: JSON.parse(row.answer) as JsonObject,
      }));
    },
    async withdraw(requestIds) {
      if (requestIds.length === 0) return;
      await engine.run(() =>
        run(
          'DELETE FROM mcp_question WHERE request_id IN (SELECT value FROM json_each(?))',
          requestIds,
        ),
      );
    },
  };
}
