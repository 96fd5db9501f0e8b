import type { IncomingHttpHeaders } from 'node:http';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  classifyInboundRequest,
} from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { ToolDefinition } from '../core/define.js';
import type { Registry } from '../core/registry.js';
import { type TraceContext, traceContextOf } from '../observe/trace-context.js';
import { inputSchemaOf } from './listing.js';

/** A 2026-07-28 request that passed every check the SDK makes before it dispatches, and needs nothing of the SDK. */
export type DirectRequest =
  | {
      readonly kind: 'call';
      readonly id: string | number;
      readonly registry: Registry;
      readonly params: JsonObject;
      readonly clientCapabilities: JsonObject;
      readonly traceContext: TraceContext | undefined;
    }
  | {
      readonly kind: 'list';
      readonly id: string | number;
      readonly registry: Registry;
      readonly method: string;
      readonly traceContext: TraceContext | undefined;
    };

/** @returns undefined for everything else: what is odd, wrong or rare is the SDK's to judge, and nothing has happened yet */
export type RecogniseDirect = (
  registry: Registry,
  headers: IncomingHttpHeaders,
  body: unknown,
) => DirectRequest | undefined;

export const DIRECT_VERSION = '2026-07-28';

const LIST_METHODS = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
]);
const CALL_MEMBERS = new Set(['name', 'arguments', '_meta']);
const MAX_KNOWN_ENVELOPES = 1000;
const MAX_ENVELOPE_CHARS = 4096;
const RESERVED_PREFIX = 'io.modelcontextprotocol/';
/** Spellings of the media type that nobody disagrees about. */
export const PLAIN_JSON: RegExp = /^application\/json(?:; ?charset=utf-8)?$/i;

/**
 * Knows the plain requests by sight. It refuses nothing: a request that it does not know goes the long way, so the
 * answers to malformed ones have a single author.
 */
export function createRecogniser(): RecogniseDirect {
  // Clients repeat their envelope in every request: what the SDK found good once need not be checked again.
  const knownEnvelopes = new Set<string>();

  const isGoodEnvelope = (
    headers: IncomingHttpHeaders,
    body: JsonObject,
    meta: JsonObject,
  ): boolean => {
    const key = JSON.stringify([meta[CLIENT_CAPABILITIES_META_KEY], meta[CLIENT_INFO_META_KEY]]);
    if (knownEnvelopes.has(key)) return true;
    const method = headers['mcp-method'];
    const outcome = classifyInboundRequest({
      httpMethod: 'POST',
      protocolVersionHeader: DIRECT_VERSION,
      ...(typeof method === 'string' && { mcpMethodHeader: method }),
      body,
    });
    const isGood = outcome.kind === 'modern' && outcome.messageKind === 'request';
    if (isGood && key.length <= MAX_ENVELOPE_CHARS) {
      if (knownEnvelopes.size >= MAX_KNOWN_ENVELOPES) knownEnvelopes.clear();
      knownEnvelopes.add(key);
    }
    return isGood;
  };

  return (registry, headers, body) => {
    if (headers['mcp-protocol-version'] !== DIRECT_VERSION || !isJsonObject(body)) return undefined;
    const { jsonrpc, id, method, params } = body;
    if (
      jsonrpc !== '2.0' ||
      !isRequestId(id) ||
      typeof method !== 'string' ||
      headers['mcp-method'] !== method ||
      !PLAIN_JSON.test(headers['content-type'] ?? '') ||
      !isJsonObject(params) ||
      Object.keys(body).length !== 4
    ) {
      return undefined;
    }
    const isCall = method === 'tools/call';
    if (
      isCall
        ? !isPlainCall(registry, headers, params)
        : !isPlainList(registry, headers, method, params)
    ) {
      return undefined;
    }
    const meta = params['_meta'];
    if (!isJsonObject(meta) || !isPlainEnvelope(meta)) return undefined;
    if (!isGoodEnvelope(headers, body, meta)) return undefined;
    const traceContext = traceContextOf('meta', meta) ?? traceContextOf('headers', headers);
    return isCall
      ? {
          kind: 'call',
          id,
          registry,
          params,
          clientCapabilities: meta[CLIENT_CAPABILITIES_META_KEY] as JsonObject,
          traceContext,
        }
      : { kind: 'list', id, registry, method, traceContext };
  };
}

export function isRequestId(id: unknown): id is string | number {
  return typeof id === 'string' || Number.isSafeInteger(id);
}

function isPlainCall(
  registry: Registry,
  headers: IncomingHttpHeaders,
  params: JsonObject,
): boolean {
  const { name } = params;
  if (typeof name !== 'string' || headers['mcp-name'] !== name) return false;
  if (!isPlainCallParams(params)) return false;
  const tool = registry.tools.get(name);
  return tool !== undefined && !hasParamHeaders(tool);
}

/** Whether the params of a call are well-formed in both eras and belong to no earlier round. */
export function isPlainCallParams(params: JsonObject): boolean {
  const { name, arguments: args } = params;
  if (typeof name !== 'string') return false;
  for (const member of Object.keys(params)) if (!CALL_MEMBERS.has(member)) return false;
  return args === undefined || (isJsonObject(args) && !Object.hasOwn(args, '__proto__'));
}

function isPlainList(
  registry: Registry,
  headers: IncomingHttpHeaders,
  method: string,
  params: JsonObject,
): boolean {
  // A list has no name: what stands there has to be looked at.
  if (headers['mcp-name'] !== undefined) return false;
  if (!LIST_METHODS.has(method) || Object.keys(params).length !== 1) return false;
  if (method !== 'resources/list') return true;
  for (const template of registry.resourceTemplates.values()) {
    if (template.list !== undefined) return false;
  }
  return true;
}

/**
 * A progress token or a log level lets a handler send something before its answer: such a request may need a stream.
 * Other members are free, trace context among them, except where the protocol gives them a meaning.
 */
function isPlainEnvelope(meta: JsonObject): boolean {
  if (meta[PROTOCOL_VERSION_META_KEY] !== DIRECT_VERSION) return false;
  if (!isJsonObject(meta[CLIENT_CAPABILITIES_META_KEY])) return false;
  // In the list of known envelopes a null would be the same as nothing.
  const clientInfo = meta[CLIENT_INFO_META_KEY];
  if (clientInfo !== undefined && !isJsonObject(clientInfo)) return false;
  for (const member of Object.keys(meta)) {
    if (member === 'progressToken' || member === '__proto__') return false;
    if (
      member.startsWith(RESERVED_PREFIX) &&
      member !== PROTOCOL_VERSION_META_KEY &&
      member !== CLIENT_CAPABILITIES_META_KEY &&
      member !== CLIENT_INFO_META_KEY
    ) {
      return false;
    }
  }
  return true;
}

const paramHeaders = new WeakMap<ToolDefinition, boolean>();

/** Whether clients repeat some argument of the tool in a header (SEP-2243): that check is the SDK's. */
function hasParamHeaders(tool: ToolDefinition): boolean {
  const known = paramHeaders.get(tool);
  if (known !== undefined) return known;
  const found = JSON.stringify(inputSchemaOf(tool)).includes('x-mcp-header');
  paramHeaders.set(tool, found);
  return found;
}
