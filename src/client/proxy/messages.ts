import { type JsonObject, type JsonValue, isJsonObject } from '../../shared/json.js';

export type RequestId = string | number;

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: JsonValue;
}

/** How a request ended. */
export type Reply = { readonly result: JsonObject } | { readonly error: RpcError };

export interface RpcRequest {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject | undefined;
}

export interface RpcNotification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject | undefined;
}

export interface RpcResponse {
  readonly kind: 'response';
  /** Null: the other side could not read the id. */
  readonly id: RequestId | null;
  readonly reply: Reply;
}

export type Message = RpcRequest | RpcNotification | RpcResponse;

/** Limits for one message, in either direction. */
export const MESSAGE_LIMITS: { readonly maxBytes: number; readonly maxDepth: number } = {
  maxBytes: 64 * 1024 * 1024,
  maxDepth: 256,
};

export const LATEST_LEGACY = '2025-11-25';
export const LEGACY_VERSIONS: readonly string[] = [
  LATEST_LEGACY,
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
];
export const MODERN = '2026-07-28';

/** Keys of the 2026 envelope. */
export const META: {
  readonly protocolVersion: string;
  readonly clientCapabilities: string;
  readonly clientInfo: string;
  readonly logLevel: string;
  readonly serverInfo: string;
  readonly subscriptionId: string;
} = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
};

/** Whether a `_meta` key belongs to the 2026 envelope and means nothing in a 2025 session. */
export function isEnvelopeKey(key: string): boolean {
  return key.startsWith('io.modelcontextprotocol/');
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number';
}

/** @returns undefined for what is no JSON-RPC 2.0 message */
export function readMessage(value: unknown): Message | undefined {
  if (!isJsonObject(value) || value['jsonrpc'] !== '2.0') return undefined;
  const { id, method, result, error } = value;
  const params = isJsonObject(value['params']) ? value['params'] : undefined;
  if (typeof method === 'string') {
    if (value['params'] !== undefined && params === undefined) return undefined;
    if (id === undefined) return { kind: 'notification', method, params };
    return isRequestId(id) ? { kind: 'request', id, method, params } : undefined;
  }
  const responseId = isRequestId(id) ? id : null;
  if (isJsonObject(result)) return { kind: 'response', id: responseId, reply: { result } };
  const readable = readError(error);
  return readable === undefined
    ? undefined
    : { kind: 'response', id: responseId, reply: { error: readable } };
}

export function readError(value: unknown): RpcError | undefined {
  if (!isJsonObject(value)) return undefined;
  const { code, message, data } = value;
  if (typeof code !== 'number' || typeof message !== 'string') return undefined;
  return { code, message, ...(data !== undefined && { data }) };
}

/** The `_meta` of parameters or of a result. */
export function metaOf(holder: JsonObject | undefined): JsonObject | undefined {
  const meta = holder?.['_meta'];
  return isJsonObject(meta) ? meta : undefined;
}

/** The protocol revision that a request claims for itself, which makes it one of the 2026 era. */
export function claimedVersion(params: JsonObject | undefined): string | undefined {
  const version = metaOf(params)?.[META.protocolVersion];
  return typeof version === 'string' ? version : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
