import { expect } from 'vitest';
import type { TestServer } from '../../server/support/test-server.js';
import { legacyRequest } from '../../server/support/wire.js';
import { type Exchange, OpenStream, send } from './exchange.js';

type Headers = Readonly<Record<string, string>>;

/** A client of the 2025 era, as far down as its headers. */
export interface LegacyWire {
  /** Opens a session of a version. @returns the headers that its clients send from then on */
  open(protocolVersion: string, capabilities?: object): Promise<Headers>;
  post(method: string, params: object, headers: Headers, id?: number): Promise<Exchange>;
  /** Opens a stream with GET. */
  listenTo(headers: Headers): Promise<OpenStream>;
  closeStreams(): Promise<void>;
}

export function createLegacyWire(server: TestServer, token: string): LegacyWire {
  const streams: OpenStream[] = [];
  const post: LegacyWire['post'] = (method, params, headers, id = 1) =>
    send(server.mcpUrl, legacyRequest(method, params, { token, headers, id }));
  return {
    post,
    async open(protocolVersion, capabilities = {}) {
      const params = { protocolVersion, capabilities, clientInfo: { name: 'wire', version: '1' } };
      const { answer, headers } = await post('initialize', params, {});
      expect(answer.result?.['protocolVersion']).toBe(protocolVersion);
      const sent = {
        'mcp-session-id': headers.get('mcp-session-id') ?? '',
        ...(protocolVersion !== '2025-03-26' && { 'mcp-protocol-version': protocolVersion }),
      };
      expect((await post('notifications/initialized', {}, sent)).status).toBe(202);
      return sent;
    },
    async listenTo(headers) {
      const response = await fetch(server.mcpUrl, {
        headers: { accept: 'text/event-stream', authorization: `Bearer ${token}`, ...headers },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      const stream = new OpenStream(response);
      streams.push(stream);
      return stream;
    },
    async closeStreams() {
      for (const stream of streams.splice(0)) await stream.close();
    },
  };
}
