import { PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';
import { JSON_RPC, quote } from '../../shared/errors.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import { inputHeadersOf } from '../core/input-schema.js';

/** An answer to a request that is not served. */
export interface Refusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

const HEADER_MISMATCH = -32020;
const NAME_HEADER = 'mcp-name';
const PARAM_PREFIX = 'mcp-param-';
// RFC 9110 §5.5 without obs-text: what is beyond ASCII comes encoded.
const FIELD_TEXT = /^[\t\x20-\x7e]*$/;
const SENTINEL = /^=\?base64\?(.*)\?=$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const RETRYABLE = new Set(['tools/call', 'prompts/get', 'resources/read']);

/**
 * What is wrong with a 2026-07-28 request that the SDK lets pass. To be asked after its own checks: they come first.
 *
 * @param inputSchemaOf - by the name of a tool
 * @see MCP 2026-07-28, basic/transports/streamable-http (header values) and basic/patterns/mrtr
 */
export function refusalOf(
  headers: Headers,
  body: unknown,
  inputSchemaOf: (tool: string) => Readonly<Record<string, unknown>> | undefined,
): Refusal | undefined {
  if (!isJsonObject(body) || !('id' in body)) return undefined;
  for (const [name, value] of headers) {
    if (name !== NAME_HEADER && !name.startsWith(PARAM_PREFIX)) continue;
    const fault = faultOfValue(value);
    if (fault === undefined) continue;
    if (name !== NAME_HEADER && !isKnownParam(name, body, inputSchemaOf)) continue;
    const message = `Bad Request: the header ${name} ${fault}`;
    return { status: 400, code: HEADER_MISMATCH, message };
  }
  const fault = faultOfInputResponses(body);
  return fault === undefined
    ? undefined
    : { status: 200, code: JSON_RPC.invalidParams, message: fault };
}

/** @returns undefined when all is well, and for messages that cannot carry answers */
export function faultOfInputResponses(message: object): string | undefined {
  const { method, params } = message as { readonly method?: unknown; readonly params?: unknown };
  if (!RETRYABLE.has(method as string) || !isJsonObject(params)) return undefined;
  const { _meta: meta, inputResponses } = params;
  // Before 2026-07-28 the name means nothing.
  if (!isJsonObject(meta) || !(PROTOCOL_VERSION_META_KEY in meta)) return undefined;
  return inputResponses === undefined || isJsonObject(inputResponses)
    ? undefined
    : `params.inputResponses has to be an object, it is ${quote(inputResponses)}`;
}

function faultOfValue(value: string): string | undefined {
  if (!FIELD_TEXT.test(value)) {
    return 'has characters outside visible ASCII: encode its value as =?base64?...?=';
  }
  const encoded = SENTINEL.exec(value)?.[1];
  if (encoded === undefined || isBase64Text(encoded)) return undefined;
  return 'says that its value is base64, and it is not base64 of UTF-8';
}

function isBase64Text(encoded: string): boolean {
  if (encoded.length % 4 !== 0 || !BASE64.test(encoded)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
    return true;
  } catch {
    return false;
  }
}

function isKnownParam(
  header: string,
  { method, params }: JsonObject,
  inputSchemaOf: (tool: string) => Readonly<Record<string, unknown>> | undefined,
): boolean {
  const tool = isJsonObject(params) ? params['name'] : undefined;
  if (method !== 'tools/call' || typeof tool !== 'string') return false;
  const schema = inputSchemaOf(tool);
  return schema !== undefined && inputHeadersOf(schema).has(header.slice(PARAM_PREFIX.length));
}
