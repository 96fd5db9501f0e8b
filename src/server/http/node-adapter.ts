import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * The request as the SDK reads it, without its body: that was parsed already and goes beside it. Credentials stay
 * behind, so that no handler can pass them on.
 *
 * @param signal - aborted when the client goes away
 */
export function toWebRequest(request: IncomingMessage, url: string, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || WITHHELD_HEADERS.has(name)) continue;
    headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return new Request(url, { method: request.method ?? 'GET', headers, signal });
}

const WITHHELD_HEADERS = new Set(['authorization', 'x-api-key', 'cookie', 'proxy-authorization']);

/** A signal that fires when the client goes away before it has its answer. */
export function abortOnDisconnect(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

/**
 * Sends a web response. A stream is passed on as it comes, no faster than the client reads, and ended when `until`
 * fires.
 */
export async function sendWebResponse(
  response: ServerResponse,
  web: Response,
  until: AbortSignal,
): Promise<void> {
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...Object.fromEntries(web.headers),
  };
  // Node's own to decide: a server that ends keeps no connection.
  delete headers['connection'];
  if (web.body === null) {
    response.writeHead(web.status, headers).end();
    return;
  }
  if (!(web.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
    const text = Buffer.from(await web.arrayBuffer());
    response.writeHead(web.status, { ...headers, 'content-length': text.length }).end(text);
    return;
  }
  response.writeHead(web.status, headers);
  response.flushHeaders();
  await sendStream(response, web.body, until);
}

async function sendStream(
  response: ServerResponse,
  body: ReadableStream<Uint8Array>,
  until: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const stop = (): void => void reader.cancel().catch(() => undefined);
  response.once('close', stop);
  until.addEventListener('abort', stop, { once: true });
  if (until.aborted) stop();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || response.destroyed) break;
      if (!response.write(value)) {
        await drained(response);
      }
    }
  } finally {
    response.off('close', stop);
    until.removeEventListener('abort', stop);
    if (!response.destroyed) response.end();
  }
}

/** Settled when the client has read enough to go on, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle);
      response.off('close', settle);
      resolve();
    };
    response.on('drain', settle);
    response.on('close', settle);
    if (response.destroyed) settle();
  });
}
