import type { JsonObject } from '../../shared/json.js';

// Below the idle limit of the usual proxies.
const KEEP_ALIVE_MS = 15_000;
// A client that reads nothing is not waited for without end: it comes back and reads on from its last event.
const MAX_UNREAD_EVENTS = 2000;

/** A server-sent event stream that is fed as things happen. */
export interface EventStream {
  readonly response: Response;
  /** An event without a message only gives the client an id to come back with. */
  send(event: {
    readonly id?: string | undefined;
    readonly message?: JsonObject;
    readonly retryMs?: number;
  }): void;
  /** Ends it; what was sent still arrives. */
  close(): void;
  /** Fires when it has ended, whoever ended it. */
  readonly ended: AbortSignal;
}

/** @param sessionId - repeated in the headers, as the answers of a session do */
export function openEventStream(sessionId: string): EventStream {
  const encoder = new TextEncoder();
  const ended = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
    cancel: () => ended.abort(),
  });
  const close = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    controller?.close();
  };
  const write = (text: string): void => {
    if (ended.signal.aborted) return;
    controller?.enqueue(encoder.encode(text));
    if ((controller?.desiredSize ?? 0) < -MAX_UNREAD_EVENTS) close();
  };
  const keepAlive = setInterval(() => write(': keepalive\n\n'), KEEP_ALIVE_MS);
  keepAlive.unref();
  ended.signal.addEventListener('abort', () => clearInterval(keepAlive), { once: true });
  return {
    response: new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        'mcp-session-id': sessionId,
      },
    }),
    send({ id, message, retryMs }) {
      const name = message === undefined ? '' : 'event: message\n';
      const idLine = id === undefined ? '' : `id: ${id}\n`;
      const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`;
      const data = message === undefined ? '' : JSON.stringify(message);
      write(`${name}${idLine}${retry}data: ${data}\n\n`);
    },
    close,
    ended: ended.signal,
  };
}
