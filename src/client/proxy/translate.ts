import { type JsonObject, type JsonValue, isJsonObject } from '../../shared/json.js';
import { META, type RpcError, isEnvelopeKey, metaOf } from './messages.js';
import type { HostIdentity, ServerDescription } from './upstream.js';

/** Results that carry cache hints in the 2026 era. */
const CACHEABLE = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** Parameters of a 2025 request as the 2026 era wants them: with the host's envelope. */
export function stampEnvelope(params: JsonObject | undefined, identity: HostIdentity): JsonObject {
  return {
    ...params,
    _meta: {
      ...metaOf(params),
      [META.protocolVersion]: identity.protocolVersion,
      [META.clientCapabilities]: identity.capabilities,
      ...(identity.clientInfo !== undefined && { [META.clientInfo]: identity.clientInfo }),
      ...(identity.logLevel !== undefined && { [META.logLevel]: identity.logLevel }),
    },
  };
}

/** What a 2026 request says about its host. */
export function identityOf(params: JsonObject | undefined): HostIdentity {
  const meta = metaOf(params) ?? {};
  const version = meta[META.protocolVersion];
  const capabilities = meta[META.clientCapabilities];
  const clientInfo = meta[META.clientInfo];
  const logLevel = meta[META.logLevel];
  return {
    protocolVersion: typeof version === 'string' ? version : '',
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    clientInfo: isJsonObject(clientInfo) ? clientInfo : undefined,
    logLevel: typeof logLevel === 'string' ? logLevel : undefined,
  };
}

/** Parameters of a 2026 request as a 2025 session wants them. */
export function toLegacyParams(params: JsonObject | undefined): JsonObject | undefined {
  if (params === undefined) return undefined;
  const { inputResponses: _responses, requestState: _state, ...rest } = params;
  return withoutEnvelope(rest);
}

/** A result of the 2026 era for a 2025 host. */
export function toLegacyResult(method: string, result: JsonObject): JsonObject {
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = result;
  const plain = withoutEnvelope(rest);
  if (method === 'tools/list' && Array.isArray(plain['tools'])) {
    const tools = plain['tools'] as readonly JsonValue[];
    return { ...plain, tools: tools.map(withObjectOutput) };
  }
  if (method === 'tools/call') return withObjectContent(plain);
  return plain;
}

/** A result of a 2025 session for a 2026 host. Nothing is known of how long it holds, or for whom. */
export function toModernResult(
  method: string,
  result: JsonObject,
  description: Pick<ServerDescription, 'serverInfo'> | undefined,
): JsonObject {
  const serverInfo = description?.serverInfo;
  const meta = {
    ...metaOf(result),
    ...(serverInfo !== undefined && { [META.serverInfo]: serverInfo }),
  };
  return {
    ...result,
    resultType: 'complete',
    ...(CACHEABLE.has(method) && { ttlMs: 0, cacheScope: 'private' }),
    ...(Object.keys(meta).length > 0 && { _meta: meta }),
  };
}

/** Numbers that only the 2025 era knows. */
export function toModernError(error: RpcError): RpcError {
  if (error.code === -32002) return { ...error, code: -32602 };
  return error.code === -32042 ? { ...error, code: -32603 } : error;
}

function withoutEnvelope(holder: JsonObject): JsonObject {
  const meta = metaOf(holder);
  if (meta === undefined) return holder;
  const kept = Object.entries(meta).filter(([key]) => !isEnvelopeKey(key));
  const { _meta, ...rest } = holder;
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
}

/** Before 2026 an output schema, and what follows it, is an object. */
function withObjectOutput(tool: JsonValue): JsonValue {
  if (!isJsonObject(tool)) return tool;
  const { outputSchema, ...rest } = tool;
  if (outputSchema === undefined) return tool;
  return isJsonObject(outputSchema) && outputSchema['type'] === 'object' ? tool : rest;
}

function withObjectContent(result: JsonObject): JsonObject {
  const { structuredContent, ...rest } = result;
  if (structuredContent === undefined || isJsonObject(structuredContent)) return result;
  const content = rest['content'];
  if (Array.isArray(content) && content.length > 0) return rest;
  return { ...rest, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] };
}
