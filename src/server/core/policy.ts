import { missingScopes, unionScopes } from '../../oauth/scope.js';
import { isJsonObject } from '../../shared/json.js';
import type { Principal } from './principal.js';
import { type Registry, findResource } from './registry.js';

/** A JSON-RPC request as far as policy looks at it. */
export interface OperationRequest {
  readonly method: string;
  readonly params?: unknown;
}

/** The tool, prompt or resource that a request means; undefined for operations on none. */
export function targetOf(request: OperationRequest): string | undefined {
  const params = isJsonObject(request.params) ? request.params : {};
  const target = request.method.startsWith('resources/') ? params['uri'] : params['name'];
  return typeof target === 'string' ? target : undefined;
}

/**
 * Every scope that one operation needs, complete, so that a single challenge names them all. Listing needs
 * authentication alone: what is listed may still be challenged when it is used. An unknown target needs none: that
 * it is unknown is the handler's to say.
 */
export function requiredScopes(registry: Registry, request: OperationRequest): readonly string[] {
  const params = isJsonObject(request.params) ? request.params : {};
  switch (request.method) {
    case 'tools/call':
      return registry.tools.get(textOf(params['name']))?.scopes ?? [];
    case 'prompts/get':
      return registry.prompts.get(textOf(params['name']))?.scopes ?? [];
    case 'resources/read':
    case 'resources/subscribe':
      return findResource(registry, textOf(params['uri']))?.definition.scopes ?? [];
    case 'completion/complete':
      return completionScopes(registry, params['ref']);
    case 'subscriptions/listen':
      return listenScopes(registry, params['notifications']);
    default:
      return [];
  }
}

/** @returns the required scopes, all of them, when the principal lacks one; undefined when it may go on */
export function insufficientScopes(
  registry: Registry,
  request: OperationRequest,
  principal: Pick<Principal, 'scopes'>,
): readonly string[] | undefined {
  const required = requiredScopes(registry, request);
  return missingScopes(required, principal.scopes).length === 0 ? undefined : required;
}

function completionScopes(registry: Registry, ref: unknown): readonly string[] {
  if (!isJsonObject(ref)) return [];
  if (ref['type'] === 'ref/prompt') return registry.prompts.get(textOf(ref['name']))?.scopes ?? [];
  const uri = textOf(ref['uri']);
  return registry.resourceTemplates.get(uri)?.scopes ?? registry.resources.get(uri)?.scopes ?? [];
}

function listenScopes(registry: Registry, filter: unknown): readonly string[] {
  const uris = isJsonObject(filter) ? filter['resourceSubscriptions'] : undefined;
  if (!Array.isArray(uris)) return [];
  return unionScopes(
    ...uris.map((uri) => findResource(registry, textOf(uri))?.definition.scopes ?? []),
  );
}

/** A value that should be a text; anything else names nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
