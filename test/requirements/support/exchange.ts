import type { TestServer } from '../../server/support/test-server.js';
import {
  type RpcMessage,
  type WireOptions,
  legacyRequest,
  modernRequest,
  openSession,
} from '../../server/support/wire.js';

export const META = 'io.modelcontextprotocol/';

/** An answer with everything that belongs to it. */
export interface Exchange {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
  readonly messages: readonly RpcMessage[];
  /** The last message: the answer itself. */
  readonly answer: RpcMessage;
}

export async function send(url: string, request: RequestInit): Promise<Exchange> {
  const response = await fetch(url, request);
  const text = await response.text();
  const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
  const messages = isStream ? messagesIn(text) : text === '' ? [] : [JSON.parse(text)];
  const { status, headers } = response;
  return { status, headers, text, messages, answer: messages.at(-1) ?? {} };
}

function messagesIn(text: string): RpcMessage[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice('data: '.length)) as RpcMessage);
}

export async function modern(
  server: TestServer,
  method: string,
  params: object = {},
  options: WireOptions = {},
): Promise<Exchange> {
  const token = options.token ?? (await server.token());
  return send(server.mcpUrl, modernRequest(method, params, { ...options, token }));
}

/** In a session of its own, which is opened first. */
export async function legacy(
  server: TestServer,
  method: string,
  params: object = {},
  options: WireOptions = {},
): Promise<Exchange> {
  const token = options.token ?? (await server.token());
  const session = await openSession(server.mcpUrl, { ...options, token });
  return send(server.mcpUrl, legacyRequest(method, params, { ...options, token, session }));
}

export const eras = [
  ['2026-07-28', modern],
  ['2025-11-25', legacy],
] as const;

/** A modern request whose body and headers may be spoilt before it goes out. */
export async function spoilt(
  server: TestServer,
  method: string,
  params: object,
  change: (parts: { body: WireBody; headers: Record<string, string> }) => void,
): Promise<Exchange> {
  const { headers, body } = modernRequest(method, params, { token: await server.token(), id: 'q' });
  const parts = { body: JSON.parse(body) as WireBody, headers: { ...headers } as never };
  change(parts);
  const { headers: sent } = parts as { headers: Record<string, string> };
  return send(server.mcpUrl, { method: 'POST', headers: sent, body: JSON.stringify(parts.body) });
}

export interface WireBody {
  jsonrpc?: string;
  id?: unknown;
  method: string;
  params: { _meta: Record<string, unknown>; [member: string]: unknown };
}

/** Says in header and body alike that the request is of another version. */
export function claimVersion(
  { body, headers }: { body: WireBody; headers: Record<string, string> },
  version: string,
): void {
  body.params._meta[`${META}protocolVersion`] = version;
  headers['mcp-protocol-version'] = version;
}

/** The messages of a stream that stays open, one at a time. */
export class OpenStream {
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #waiting: RpcMessage[] = [];
  #rest = '';
  /** Everything that was read so far. */
  text = '';

  constructor(response: Response) {
    if (response.body === null) throw new Error('the response has no body');
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** @returns undefined when the stream has ended */
  async next(): Promise<RpcMessage | undefined> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.text += value;
      const lines = (this.#rest + value).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#waiting.push(...messagesIn(lines.join('\n')));
    }
  }

  async rest(): Promise<RpcMessage[]> {
    const messages: RpcMessage[] = [];
    for (;;) {
      const message = await this.next();
      if (message === undefined) return messages;
      messages.push(message);
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}
