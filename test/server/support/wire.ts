/** Requests as they go over the wire, without a client library that would mend them. */

export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

export interface WireOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly apiKey?: string;
  readonly id?: number | string;
  readonly capabilities?: object;
}

const BASE = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

function credentials({ token, apiKey }: WireOptions): Record<string, string> {
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(apiKey !== undefined && { 'x-api-key': apiKey }),
  };
}

/** A 2026-07-28 request with everything that belongs to it. */
export function modernRequest(method: string, params: object = {}, options: WireOptions = {}) {
  const { name, uri } = params as { name?: string; uri?: string };
  const target = method === 'resources/read' ? uri : name;
  return {
    method: 'POST',
    headers: {
      ...BASE,
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(target !== undefined && { 'mcp-name': target }),
      ...credentials(options),
      ...options.headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: options.id ?? 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientCapabilities': options.capabilities ?? {},
        },
      },
    }),
  };
}

export function legacyRequest(
  method: string,
  params: object = {},
  options: WireOptions & { readonly session?: string } = {},
) {
  return {
    method: 'POST',
    headers: {
      ...BASE,
      ...(options.session !== undefined && {
        'mcp-session-id': options.session,
        'mcp-protocol-version': LEGACY,
      }),
      ...credentials(options),
      ...options.headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      ...(method.startsWith('notifications/') ? {} : { id: options.id ?? 1 }),
      method,
      params,
    }),
  };
}

export function initializeRequest(options: WireOptions = {}) {
  return legacyRequest(
    'initialize',
    {
      protocolVersion: LEGACY,
      capabilities: options.capabilities ?? {},
      clientInfo: { name: 'wire', version: '1' },
    },
    options,
  );
}

/** Opens a 2025 session. @returns its id */
export async function openSession(url: string, options: WireOptions = {}): Promise<string> {
  const response = await fetch(url, initializeRequest(options));
  await response.text();
  const session = response.headers.get('mcp-session-id') ?? '';
  await fetch(url, legacyRequest('notifications/initialized', {}, { ...options, session }));
  return session;
}

export interface RpcMessage {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** The messages of a response, whether it is one document or a stream. */
export async function messagesOf(response: Response): Promise<RpcMessage[]> {
  const body = await response.text();
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
    return body === '' ? [] : [JSON.parse(body) as RpcMessage];
  }
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line.length > 6)
    .map((line) => JSON.parse(line.slice(6)) as RpcMessage);
}

/** The answer itself: the last message. */
export async function answerOf(response: Response): Promise<RpcMessage> {
  return (await messagesOf(response)).at(-1) ?? {};
}
