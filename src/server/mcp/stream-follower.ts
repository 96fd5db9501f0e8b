import type { Logger } from '../../shared/logger.js';
import type { EventLog, StreamCall } from '../core/ports.js';
import type { PresenceWatch } from '../core/presence.js';
import { interruptedCall } from './errors.js';
import { type EventStream, openEventStream } from './event-stream.js';

export interface FollowOptions {
  readonly sessionId: string;
  readonly streamId: string;
  /** The last event that the client has. */
  readonly eventId: string;
  readonly events: EventLog;
  readonly watch: PresenceWatch;
  /** This process, which does not work on the call (any more). */
  readonly processId: string;
  readonly logger: Logger;
}

const FIRST_LOOK_MS = 100;
const MAX_LOOK_MS = 1000;
const READ_LIMIT = 1000;

/**
 * Goes on with a stream that another process writes: reads its events from the log until it ends. When that process
 * has died over it, the requests that are not answered are answered with an error.
 */
export function followStream(options: FollowOptions): Response {
  const stream = openEventStream(options.sessionId);
  follow(options, stream)
    .catch((error: unknown) => options.logger.error('a stream could not be followed', { error }))
    .finally(() => stream.close());
  return stream.response;
}

async function follow(options: FollowOptions, stream: EventStream): Promise<void> {
  const { sessionId, streamId, events } = options;
  let { eventId } = options;
  let delayMs = FIRST_LOOK_MS;
  while (!stream.ended.aborted) {
    // In this order: an event that comes in between is read in the next round, and the end never overtakes it.
    const state = await events.stateOf(sessionId, streamId);
    const later = await events.after(sessionId, eventId, READ_LIMIT);
    for (const event of later) {
      ({ eventId } = event);
      if (Object.keys(event.message).length > 0)
        stream.send({ id: eventId, message: event.message });
    }
    if (later.length === READ_LIMIT) continue;
    if (state === undefined || state.hasEnded || state.call === undefined) return;
    if (await isAbandoned(options, state.call)) {
      await answerForTheDead(options, state.call);
      continue;
    }
    delayMs = later.length > 0 ? FIRST_LOOK_MS : Math.min(delayMs * 1.5, MAX_LOOK_MS);
    await untilNextLook(delayMs, stream.ended);
  }
}

async function isAbandoned(options: FollowOptions, { processId }: StreamCall): Promise<boolean> {
  return processId === options.processId || options.watch.isGone(processId);
}

/** The log takes the last event of a stream once: should the process live after all, its answer is not added. */
async function answerForTheDead(options: FollowOptions, call: StreamCall): Promise<void> {
  const { sessionId, streamId, events } = options;
  const open = [...call.requestIds];
  for (const [position, id] of open.entries()) {
    await events.append(sessionId, streamId, interruptedCall(id), {
      call,
      isLast: position === open.length - 1,
    });
  }
}

function untilNextLook(delayMs: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      ended.removeEventListener('abort', settle);
      resolve();
    };
    const timer = setTimeout(settle, delayMs);
    timer.unref();
    ended.addEventListener('abort', settle);
  });
}
