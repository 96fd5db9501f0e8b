import { OpenStream, send } from '../../requirements/support/exchange.js';
import {
  type RpcMessage,
  initializeRequest,
  legacyRequest,
  messagesOf,
} from '../../server/support/wire.js';

type Headers = Readonly<Record<string, string>>;

/** A client of the 2025 era that looks at every answer and mends nothing. */
export interface SessionClient {
  readonly headers: Headers;
  /** @throws when the status is none of success */
  post(method: string, params?: object): Promise<RpcMessage>;
  /** The stream of a call. */
  call(name: string, args: object, id: number): Promise<OpenStream>;
  /** Answers a question of the server. */
  answer(question: RpcMessage | undefined, result: object): Promise<void>;
  /** The session's own stream, or one that is gone on with. */
  listen(lastEventId?: string, url?: string): Promise<OpenStream>;
  end(): Promise<void>;
}

/** Opens a session. */
export async function openSessionClient(
  url: string,
  options: { readonly apiKey?: string; readonly capabilities?: object } = {},
): Promise<SessionClient> {
  const { apiKey } = options;
  const opened = await send(url, initializeRequest(options));
  if (opened.status !== 200) throw new Error(`initialize: ${opened.status} ${opened.text}`);
  const headers = {
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': '2025-11-25',
    ...(apiKey !== undefined && { 'x-api-key': apiKey }),
  };
  let count = 100;
  const fetchOk = async (target: string, request: RequestInit, what: string): Promise<Response> => {
    const response = await fetch(target, request);
    if (response.ok) return response;
    throw new Error(`${what}: ${response.status} ${await response.text()}`);
  };
  const client: SessionClient = {
    headers,
    async post(method, params = {}) {
      count += 1;
      const request = legacyRequest(method, params, { headers, id: count });
      const messages = await messagesOf(await fetchOk(url, request, method));
      return messages.at(-1) ?? {};
    },
    async call(name, args, id) {
      const params = { name, arguments: args, _meta: { progressToken: `p${id}` } };
      const request = legacyRequest('tools/call', params, { headers, id });
      return new OpenStream(await fetchOk(url, request, name));
    },
    async answer(question, result) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: question?.id, result });
      await fetchOk(url, { ...legacyRequest('', {}, { headers }), body }, 'an answer');
    },
    async listen(lastEventId, target = url) {
      const accept = { accept: 'text/event-stream', ...headers };
      const resuming = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const request = { headers: { ...accept, ...resuming } };
      return new OpenStream(await fetchOk(target, request, 'a stream'));
    },
    async end() {
      await fetchOk(url, { method: 'DELETE', headers }, 'DELETE');
    },
  };
  await client.post('notifications/initialized');
  return client;
}

/** Id of the last event that was read of a stream. */
export function lastEventIdOf({ text }: OpenStream): string {
  return [...text.matchAll(/^id: (.+)$/gm)].at(-1)?.[1] ?? '';
}

/** Reads a stream until a message fits. */
export async function until(
  stream: OpenStream,
  isWanted: (message: RpcMessage) => boolean,
): Promise<RpcMessage | undefined> {
  for (;;) {
    const message = await stream.next();
    if (message === undefined || isWanted(message)) return message;
  }
}
