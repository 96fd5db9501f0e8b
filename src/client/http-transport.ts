import {
  type JSONRPCMessage,
  PROTOCOL_VERSION_META_KEY,
  type RequestId,
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
  type Transport,
} from '@modelcontextprotocol/client';
import { isJsonObject } from '../shared/json.js';

type MessageHandler = NonNullable<Transport['onmessage']>;

/** Requests whose answer is awaited at once; above that the oldest is forgotten, and its answer read strictly. */
const MAX_AWAITED = 4_096;

/**
 * The SDK's HTTP transport, which reads an answer without `resultType` as a complete one, as the specification says.
 * The SDK alone would refuse it.
 *
 * @see MCP 2026-07-28, multi round-trip requests: an absent `resultType` means `complete`
 */
export function createHttpTransport(
  url: URL,
  options: StreamableHTTPClientTransportOptions,
): StreamableHTTPClientTransport {
  const transport = new StreamableHTTPClientTransport(url, options);
  const awaited = new Set<RequestId>();

  const send = transport.send.bind(transport);
  transport.send = (message, sendOptions) => {
    if (isModernRequest(message)) {
      const [oldest] = awaited;
      if (awaited.size >= MAX_AWAITED && oldest !== undefined) awaited.delete(oldest);
      awaited.add(message.id);
    }
    return send(message, sendOptions);
  };

  let handler: MessageHandler | undefined;
  Object.defineProperty(transport, 'onmessage', {
    get: () =>
      handler === undefined
        ? undefined
        : (message: JSONRPCMessage, extra: Parameters<MessageHandler>[1]) =>
            handler?.(withResultType(message, awaited), extra),
    set: (next: MessageHandler | undefined) => {
      handler = next;
    },
  });
  return transport;
}

function isModernRequest(
  message: JSONRPCMessage | JSONRPCMessage[],
): message is JSONRPCMessage & { readonly id: RequestId } {
  if (Array.isArray(message) || !('method' in message) || !('id' in message)) return false;
  const meta = message.params?._meta;
  return isJsonObject(meta) && typeof meta[PROTOCOL_VERSION_META_KEY] === 'string';
}

function withResultType(message: JSONRPCMessage, awaited: Set<RequestId>): JSONRPCMessage {
  if (!('result' in message) || message.id === undefined || !awaited.delete(message.id)) {
    return message;
  }
  if ('resultType' in message.result) return message;
  return { ...message, result: { ...message.result, resultType: 'complete' } };
}
