import type { Clock } from '../../shared/clock.js';
import { randomId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import type { EventLog } from './ports.js';

/** Lets other processes know that this one lives, while it works on calls that they may be asked about. */
export interface Presence {
  readonly processId: string;
  /** @returns a function to be called when the work is done */
  hold(): Promise<() => void>;
  /** Settled when nothing is held. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const BEAT_EVERY_MS = 1000;
// To come and go with every call would be two writes for each.
const LINGER_BEATS = 10;

/** An idle process writes nothing. */
export function createPresence(events: Pick<EventLog, 'beat' | 'leave'>, logger: Logger): Presence {
  const processId = randomId(12);
  let held = 0;
  let idleBeats = 0;
  let timer: NodeJS.Timeout | undefined;
  let started: Promise<void> | undefined;
  let left: Promise<void> = Promise.resolve();
  let waiting: (() => void)[] = [];

  const failed = (error: unknown): void =>
    logger.error('the beat of this process failed', { error });
  const leave = (): void => {
    clearInterval(timer);
    started = undefined;
    left = events.leave(processId).catch(failed);
  };
  const tick = (): void => {
    idleBeats = held === 0 ? idleBeats + 1 : 0;
    if (idleBeats > LINGER_BEATS) leave();
    else events.beat(processId).catch(failed);
  };
  const start = async (): Promise<void> => {
    await left;
    await events.beat(processId);
    timer = setInterval(tick, BEAT_EVERY_MS);
    timer.unref();
  };
  const release = (): void => {
    held -= 1;
    if (held > 0) return;
    for (const settle of waiting) settle();
    waiting = [];
  };

  return {
    processId,
    async hold() {
      held += 1;
      idleBeats = 0;
      started ??= start();
      try {
        await started;
      } catch (error) {
        started = undefined;
        release();
        throw error;
      }
      let isReleased = false;
      return () => {
        if (!isReleased) release();
        isReleased = true;
      };
    },
    async idle() {
      if (held > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async close() {
      if (started !== undefined) {
        await started.catch(() => undefined);
        leave();
      }
      await left;
    },
  };
}

/** Tells whether another process has gone. */
export interface PresenceWatch {
  /** True at once when the process said goodbye; else when its beat has stood still for long enough. */
  isGone(processId: string): Promise<boolean>;
}

// Far above the pause of a busy process: whoever is declared gone has its calls answered with an error.
const GONE_AFTER_MS = 8000;
const LOOK_EVERY_MS = 1000;
const MAX_GAP_MS = 5000;

export function createPresenceWatch(
  events: Pick<EventLog, 'beats' | 'leave'>,
  clock: Clock,
): PresenceWatch & { /** Forgets the dead. */ sweep(): Promise<void> } {
  let seen = new Map<string, { readonly beat: number; readonly sinceMs: number }>();
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let swept = new Map<string, number>();

  const look = async (): Promise<void> => {
    try {
      const beats = await events.beats();
      const now = clock.nowMs();
      // Nobody looked for a while: what was seen then says nothing about now.
      const before = now - lookedAtMs > MAX_GAP_MS ? new Map<string, never>() : seen;
      seen = new Map(
        [...beats].map(([processId, beat]) => {
          const known = before.get(processId);
          return [processId, known?.beat === beat ? known : { beat, sinceMs: now }];
        }),
      );
      lookedAtMs = now;
    } finally {
      looking = undefined;
    }
  };

  return {
    async isGone(processId) {
      if (clock.nowMs() - lookedAtMs >= LOOK_EVERY_MS || !seen.has(processId)) {
        looking ??= look();
        await looking;
      }
      const known = seen.get(processId);
      return known === undefined || lookedAtMs - known.sinceMs > GONE_AFTER_MS;
    },
    async sweep() {
      const beats = await events.beats();
      for (const [processId, beat] of beats) {
        if (swept.get(processId) === beat) await events.leave(processId);
      }
      swept = new Map(beats);
    },
  };
}
