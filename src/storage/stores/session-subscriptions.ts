import { hashId } from '../../shared/ids.js';
import type { SessionStore } from '../../server/core/ports.js';
import { type SqlEngine, all, run } from '../sql.js';

/** The part of {@link SessionStore} that keeps who wants to hear of which resource. URIs are hashed: they have any length. */
export function createSessionSubscriptions(
  engine: SqlEngine,
): Pick<SessionStore, 'subscribe' | 'unsubscribe' | 'subscriptionsAmong'> {
  return {
    async subscribe(id, uri, limit) {
      const session = hashId(id);
      await engine.write(function* () {
        yield* run(
          `INSERT INTO mcp_subscription (session_hash, uri_hash) VALUES (?, ?)
           ON CONFLICT (session_hash, uri_hash) DO NOTHING`,
          session,
          hashId(uri),
        );
        yield* run(
          `DELETE FROM mcp_subscription WHERE session_hash = ? AND subscription_no <= (
             SELECT subscription_no FROM mcp_subscription WHERE session_hash = ?
             ORDER BY subscription_no DESC LIMIT 1 OFFSET ?)`,
          session,
          session,
          limit,
        );
      });
    },
    async unsubscribe(id, uri) {
      await engine.run(() =>
        run(
          'DELETE FROM mcp_subscription WHERE session_hash = ? AND uri_hash = ?',
          hashId(id),
          hashId(uri),
        ),
      );
    },
    async subscriptionsAmong(uris, ids) {
      if (uris.length === 0 || ids.length === 0) return [];
      const idOf = new Map(ids.map((id) => [hashId(id), id]));
      const uriOf = new Map(uris.map((uri) => [hashId(uri), uri]));
      const rows = await engine.run(() =>
        all<{ session_hash: string; uri_hash: string }>(
          `SELECT session_hash, uri_hash FROM mcp_subscription
           WHERE session_hash IN (SELECT value FROM json_each(?))
             AND uri_hash IN (SELECT value FROM json_each(?))
           ORDER BY subscription_no`,
          [...idOf.keys()],
          [...uriOf.keys()],
        ),
      );
      return rows.flatMap((row) => {
        const [id, uri] = [idOf.get(row.session_hash), uriOf.get(row.uri_hash)];
        return id === undefined || uri === undefined ? [] : [{ id, uri }];
      });
    },
  };
}
