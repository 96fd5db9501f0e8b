import type { Clock } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import type { LegacySession } from '../mcp/legacy-session.js';

/** A session that this process has at hand. */
export interface LiveSession {
  readonly id: string;
  readonly session: LegacySession;
  lastUsedMs: number;
  /** Requests and streams that are open. */
  active: number;
}

/** The sessions that this process has at hand: copies, to be put away at will. */
export interface LiveSessions {
  readonly size: number;
  get(id: string): Promise<LiveSession> | undefined;
  find(sessionHash: string): Promise<LiveSession> | undefined;
  keep(id: string, opening: Promise<LegacySession>): Promise<LiveSession>;
  /** Closes it, if it is here. */
  discard(id: string): Promise<void>;
  /** Closes those that nothing is open on and that were idle for so long. */
  putAway(idleMs: number): Promise<void>;
  /** Answers what still runs with an error, and closes all. */
  abandon(): Promise<void>;
}

export function createLiveSessions(clock: Clock, maxLive: number): LiveSessions {
  const live = new Map<string, Promise<LiveSession>>();
  const idOf = new Map<string, string>();

  const forget = (id: string): void => {
    live.delete(id);
    idOf.delete(hashId(id));
  };

  const discard = async (id: string): Promise<void> => {
    const pending = live.get(id);
    if (pending === undefined) return;
    forget(id);
    const kept = await pending.catch(() => undefined);
    await kept?.session.close();
  };

  /** Up to `count`, longest idle first. */
  const putAway = async (count: number, idleMs: number, except?: string): Promise<void> => {
    const before = clock.nowMs() - idleMs;
    const opened = await Promise.all([...live.values()].map((one) => one.catch(() => undefined)));
    const idle = opened
      .filter((kept) => kept !== undefined)
      .filter(({ id, active, session }) => id !== except && active === 0 && !session.isBusy)
      .filter(({ lastUsedMs }) => lastUsedMs <= before)
      .sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    for (const { id } of idle.slice(0, count)) await discard(id);
  };

  return {
    get size() {
      return live.size;
    },
    get: (id) => live.get(id),
    find(sessionHash) {
      const id = idOf.get(sessionHash);
      return id === undefined ? undefined : live.get(id);
    },
    async keep(id, opening) {
      const pending = opening.then((session) => ({
        id,
        session,
        lastUsedMs: clock.nowMs(),
        active: 0,
      }));
      live.set(id, pending);
      idOf.set(hashId(id), id);
      pending.catch(() => forget(id));
      const kept = await pending;
      if (live.size > maxLive) await putAway(live.size - maxLive, 0, id);
      return kept;
    },
    discard,
    putAway: (idleMs) => putAway(live.size, idleMs),
    async abandon() {
      const all = [...live.values()];
      live.clear();
      idOf.clear();
      await Promise.allSettled(
        all.map(async (pending) => {
          const { session } = await pending;
          await session.abandon();
          await session.close();
        }),
      );
    },
  };
}
