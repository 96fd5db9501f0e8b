import type { ServerCapabilities } from '@modelcontextprotocol/server';
import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { Change, Changes } from '../core/changes.js';
import type { SessionStore } from '../core/ports.js';
import { type EventStream, openEventStream } from './event-stream.js';
import { RETRY_MS } from './session-transport.js';

/** The streams on which clients of sessions wait for news: one for each session. */
export interface ChangeStreams {
  /** @param eventNo - the last change that the client has heard of; undefined: from now on */
  open(session: ListeningSession, eventNo: number | undefined): OpenedStream;
  /** Ends the stream of a session. */
  close(sessionId: string): void;
  /** The stream of this number is known to the other processes. */
  settle(sessionId: string, streamNo: number): void;
  /** Another process has opened a stream. Ends the one that is older: one that is settled. */
  giveWay(sessionId: string): void;
  closeAll(): void;
}

interface OpenedStream {
  readonly response: Response;
  /** Of this process's own. */
  readonly streamNo: number;
}

interface ListeningSession {
  readonly id: string;
  readonly protocolVersion: string;
  readonly capabilities: ServerCapabilities;
}

export interface ChangeStreamsOptions {
  readonly changes: Changes;
  readonly store: Pick<SessionStore, 'subscriptionsAmong'>;
  readonly logger: Logger;
}

interface Listener extends ListeningSession {
  readonly stream: EventStream;
  readonly streamNo: number;
  isSettled: boolean;
  /** The last change it was told of, or did not want to hear of. */
  lastNo: number;
}

// Before 2025-11-25 an event without data is more than some clients can read.
const FIRST_PRIMED_VERSION = '2025-11-25';
// What this process may not have heard of yet, and its client has.
const MAX_AHEAD = 100_000;
const EVENT_ID = /^c(\d{1,16})$/;

const EVERYTHING: readonly Change[] = [
  { kind: 'tools' },
  { kind: 'prompts' },
  { kind: 'resources' },
];

/** @returns undefined when the id is not one of these streams' */
export function parseChangeEventId(eventId: string): number | undefined {
  const [, no] = EVENT_ID.exec(eventId) ?? [];
  return no === undefined ? undefined : Number(no);
}

/**
 * Event ids are numbers of changes, which are the same in every process: a client that comes back to another one goes
 * on where it was. Nothing is stored for a stream.
 */
export function createChangeStreams(options: ChangeStreamsOptions): ChangeStreams {
  const { changes, store, logger } = options;
  const listeners = new Map<string, Listener>();
  let opened = 0;
  // One after the other: a look at the subscriptions must not let a later change overtake.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    turn = turn.then(work).catch((error: unknown) => {
      logger.error('a change was not told', { error });
    });
  };

  const tell = async (change: Change, no: number, among: readonly Listener[]): Promise<void> => {
    const late = new Map(
      among.filter(({ lastNo }) => lastNo < no).map((listener) => [listener.id, listener]),
    );
    const told = new Map<Listener, JsonObject[]>();
    for (const { id, message } of await messagesOf(change, [...late.values()])) {
      const listener = late.get(id);
      if (listener !== undefined) told.set(listener, [...(told.get(listener) ?? []), message]);
    }
    for (const [listener, messages] of told) sendAll(listener, messages, no);
    for (const listener of late.values()) listener.lastNo = no;
  };

  /** What the client has missed is not known (any more). */
  const tellEverything = async (listener: Listener): Promise<void> => {
    const all = await Promise.all(EVERYTHING.map((change) => messagesOf(change, [listener])));
    listener.lastNo = Math.max(listener.lastNo, changes.position);
    sendAll(
      listener,
      all.flat().map(({ message }) => message),
      listener.lastNo,
    );
  };

  const messagesOf = async (
    change: Change,
    among: readonly Listener[],
  ): Promise<{ readonly id: string; readonly message: JsonObject }[]> => {
    const { kind } = change;
    if (kind !== 'resource') {
      const message = { jsonrpc: '2.0', method: `notifications/${kind}/list_changed` };
      return among
        .filter(({ capabilities }) => capabilities[kind]?.listChanged === true)
        .map(({ id }) => ({ id, message }));
    }
    const ids = among.map(({ id }) => id);
    const subscriptions = await store.subscriptionsAmong(change.uris, ids);
    const method = 'notifications/resources/updated';
    return subscriptions.map(({ id, uri }) => ({
      id,
      message: { jsonrpc: '2.0', method, params: { uri } },
    }));
  };

  const unsubscribe = changes.subscribe((change, no) => {
    inTurn(() => tell(change, no, [...listeners.values()]));
  });

  const close = (sessionId: string): void => listeners.get(sessionId)?.stream.close();

  return {
    open(session, eventNo) {
      const { position } = changes;
      // A number far ahead is of another database.
      const lastNo = eventNo !== undefined && eventNo > position + MAX_AHEAD ? 0 : eventNo;
      // The newest wins: the one before is most often a connection that died without a word, and a refusal would keep
      // the client out until that is noticed.
      close(session.id);
      const stream = openEventStream(session.id);
      opened += 1;
      const streamNo = opened;
      const listener: Listener = {
        ...session,
        stream,
        streamNo,
        isSettled: false,
        lastNo: lastNo ?? position,
      };
      const enter = (): void => {
        if (stream.ended.aborted) return;
        listeners.set(session.id, listener);
      };
      stream.ended.addEventListener('abort', () => {
        if (listeners.get(session.id) === listener) listeners.delete(session.id);
      });
      if (session.protocolVersion >= FIRST_PRIMED_VERSION) {
        stream.send({ id: `c${listener.lastNo}`, retryMs: RETRY_MS });
      }
      if (lastNo === undefined) enter();
      else {
        inTurn(async () => {
          const missed = await changes.after(lastNo);
          for (const { change, no } of missed ?? []) await tell(change, no, [listener]);
          if (missed === undefined) await tellEverything(listener);
          enter();
        });
      }
      return { response: stream.response, streamNo };
    },
    close,
    settle(sessionId, streamNo) {
      const listener = listeners.get(sessionId);
      if (listener?.streamNo === streamNo) listener.isSettled = true;
    },
    giveWay(sessionId) {
      const listener = listeners.get(sessionId);
      if (listener?.isSettled === true) listener.stream.close();
    },
    closeAll() {
      unsubscribe();
      for (const { stream } of listeners.values()) stream.close();
    },
  };
}

/** Of several messages with one number, only the last is where the client may go on from. */
function sendAll({ stream }: Listener, messages: readonly JsonObject[], no: number): void {
  for (const [position, message] of messages.entries()) {
    stream.send({ message, ...(position === messages.length - 1 && { id: `c${no}` }) });
  }
}
